"""A git repository's branches as one bundle, and back: no commit is ever lost without being asked for."""

import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from my_dagster_project.git.process import run_git, try_git
from my_dagster_project.git.refs import NOWHERE, refs_below
from my_dagster_project.git.work_tree_edits import follow_around_edits
from my_dagster_project.operations.archive import BackupError, Writer

_BUNDLE = "branches.bundle"
_HEADS = "refs/heads/"
_ASIDE = "refs/restored"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Repository:
    """The branches and tags of a repository, bare or with a work tree."""

    name: str
    path: Path

    def save(self, archive: Writer) -> None:
        """Add one bundle; a repository without a branch has nothing to save."""
        if not refs_below(self.path, _HEADS):
            return
        with TemporaryDirectory() as folder:
            bundle = Path(folder, _BUNDLE)
            run_git(self.path, "bundle", "create", "--quiet", str(bundle), "--branches", "--tags")
            with bundle.open("rb") as content:
                archive.add(f"{self.name}/{_BUNDLE}", content)

    def occupied(self) -> str:
        """Never: whether a commit would be lost shows when the bundle is at hand."""
        return ""

    def clear(self, keep: set[str]) -> None:
        """Branches that the backup does not know stay."""

    def put(self, key: str, content: IO[bytes], *, force: bool) -> None:
        """Move every branch to where the backup has it, making those that are missing.

        A branch that holds all of the backup and more stays as it is. Raises BackupError, before anything has moved,
        when both have commits of their own; with `force` all go back, and are kept under refs/restored/before.
        """
        if not try_git(self.path, "rev-parse", "--git-dir").ok:
            raise BackupError(f"{self.path} is no git repository; make it first (`git init`, `make up`)")
        with TemporaryDirectory() as folder:
            bundle = Path(folder, _BUNDLE)
            with bundle.open("wb") as out:
                shutil.copyfileobj(content, out)
            run_git(
                self.path, "fetch", "--quiet", "--no-tags", str(bundle), f"+refs/heads/*:{_ASIDE}/heads/*"
            )
            run_git(
                self.path, "fetch", "--quiet", "--no-tags", str(bundle), "refs/tags/*:refs/tags/*", "--force"
            )
        before, wanted = refs_below(self.path, _HEADS), refs_below(self.path, f"{_ASIDE}/heads/")
        try:
            moving = self._safe_moves(before, wanted, force)
        finally:
            for branch in wanted:
                run_git(self.path, "update-ref", "-d", f"{_ASIDE}/heads/{branch}")
        for branch in moving:
            self._move(branch, before.get(branch), wanted[branch])

    def _safe_moves(self, before: Mapping[str, str], wanted: Mapping[str, str], force: bool) -> list[str]:
        """The branches to move; one that holds all of the backup and more is moved back only with `force`."""
        ahead = [name for name in wanted if name in before and not self._holds(wanted[name], before[name])]
        apart = [name for name in ahead if not self._holds(before[name], wanted[name])]
        if apart and not force:
            raise BackupError(
                f"{self.path}: {', '.join(apart)}: there are commits that the backup has not, and the other way round; "
                f"--force goes back to the backup and keeps them as {_ASIDE}/before/BRANCH"
            )
        for name in ahead if force else ():
            run_git(self.path, "update-ref", f"{_ASIDE}/before/{name}", before[name])
        return [name for name in wanted if force or name not in ahead]

    def _holds(self, commit: str, other: str) -> bool:
        return try_git(self.path, "merge-base", "--is-ancestor", other, commit).ok

    def _move(self, branch: str, old: str | None, new: str) -> None:
        if old == new:
            return
        run_git(
            self.path,
            "update-ref",
            "-m",
            "restored from a backup",
            f"refs/heads/{branch}",
            new,
            old or NOWHERE,
        )
        # A bare one has no files to follow, though its HEAD names main: that is where the stack's own repository is.
        if old is not None and run_git(self.path, "rev-parse", "--is-bare-repository").text.strip() != "true":
            followed = follow_around_edits(self.path, branch, old, new)
            if followed.warning:
                _log.warning("%s", followed.warning)
