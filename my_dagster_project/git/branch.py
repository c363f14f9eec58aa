"""Reads and commits files on branches of a repository without anybody's work tree or index in the way."""

from __future__ import annotations

import fcntl
import logging
import random
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from my_dagster_project.foundation.errors import VersioningError
from my_dagster_project.git.blobs import MOST_FILE, Blob, read_blobs
from my_dagster_project.git.fast_import import Change, fast_import
from my_dagster_project.git.following import catch_up, following_ref, note_work_tree
from my_dagster_project.git.process import run_git, try_git
from my_dagster_project.git.refs import NOWHERE, commit_at, refs_below

_ATTEMPTS = 40
_LOCK_WAIT = 10.0  # seconds
_SHA = re.compile(r"[0-9a-f]{40,64}")

_log = logging.getLogger(__name__)


class BranchRepo:
    """One git repository, by the folder of any of its work trees (or the bare repository)."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()

    def head(self, branch: str) -> str:
        """Give the sha of a local branch's newest commit; VersioningError if there is no such branch."""
        sha = self._commit(f"refs/heads/{branch}")
        if sha is None:
            raise VersioningError(f"There is no branch {branch!r} in {self.path}.")
        return sha

    def heads(self) -> dict[str, str]:
        """Give the sha of every local branch by its name."""
        return refs_below(self.path, "refs/heads/")

    def left_behind(self) -> set[str]:
        """Give the branches whose work tree has not followed yet: some process is at it, or was killed."""
        return set(refs_below(self.path, following_ref("")))

    def checked_out(self) -> str | None:
        """Give the branch checked out in this work tree; None when none is (detached HEAD)."""
        answer = try_git(self.path, "symbolic-ref", "--quiet", "--short", "HEAD")
        return answer.text if answer.ok else None

    def is_clone_of_other_branches(self) -> bool:
        """Say whether this is a clone that has not got the branch its remote calls the first (`git clone -b red --single-branch`)."""
        theirs = refs_below(self.path, "refs/remotes/origin/")
        return bool(theirs) and "HEAD" not in theirs

    def resolve(self, revision: str) -> str:
        """Give the sha of a branch (tried first), tag, sha or other revision; VersioningError if there is none."""
        sha = self._commit(f"refs/heads/{revision}") or self._commit(revision)
        if sha is None:
            raise VersioningError(f"{revision!r} is neither a branch nor a commit of {self.path}.")
        return sha

    def common_ancestor(self, one: str, other: str) -> str | None:
        """Give the sha of the newest commit that both come from, None when there is none."""
        answer = try_git(self.path, "merge-base", "--end-of-options", one, other)
        return answer.text if answer.ok else None

    def read_file(self, revision: str, path: str, most: int = MOST_FILE) -> bytes | None:
        """Give a file as it is at a branch or commit, None if it has no such file; VersioningError if it is larger."""
        return self.read_files(revision, [path], most).get(path)

    def read_files(self, revision: str, paths: Iterable[str], most: int = MOST_FILE) -> dict[str, bytes]:
        """Give those of the files that exist at a branch or commit; VersioningError names one of more than `most` bytes."""
        shown = revision[:10] if _SHA.fullmatch(revision) else revision
        found = self.blobs(revision, paths, most)
        return {path: blob.whole(f"{shown}:{path}") for path, blob in found.items()}

    def blobs(self, revision: str, paths: Iterable[str], most: int = MOST_FILE) -> dict[str, Blob]:
        """Give those of the files that exist at a branch or commit, larger ones unread; two git processes for all."""
        sha, wanted = self.resolve(revision), list(paths)
        found = read_blobs(self.path, [f"{sha}:{path}" for path in wanted], most)
        return {path: blob for path, blob in zip(wanted, found, strict=True) if blob}

    def has_branch(self, branch: str) -> bool:
        """Say whether there is such a branch here or at origin."""
        return bool(self._commit(f"refs/heads/{branch}") or self._commit(f"refs/remotes/origin/{branch}"))

    def ensure_branch(self, branch: str, start: str | None = None) -> bool:
        """Make the branch if it is missing: from `start`, else origin's, else HEAD. Says whether it was made now."""
        if self._commit(f"refs/heads/{branch}"):
            return False
        start = start or self._commit(f"refs/remotes/origin/{branch}") or self._commit("HEAD")
        if start is None:
            raise VersioningError(
                f"{self.path} has no commit yet, so {branch!r} cannot start anywhere: commit once."
            )
        made = try_git(self.path, "update-ref", f"refs/heads/{branch}", start, NOWHERE)
        self.head(branch)  # another process may have been quicker: then it exists all the same
        return made.ok

    def commit_files(
        self, branch: str, files: Mapping[str, bytes], message: str, trailers: Mapping[str, Sequence[str]]
    ) -> str | None:
        """Commit these files on top of the branch; the new sha, or None if the branch has exactly these already."""
        return self.commit(branch, lambda _base: Change(files, message, trailers))

    def commit(self, branch: str, build: Callable[[str], Change]) -> str | None:
        """Commit what `build(sha of the branch)` makes; built anew each time another commit came in between."""
        with self.turn():
            return self._commit_in_turn(branch, build)

    def _commit_in_turn(self, branch: str, build: Callable[[str], Change]) -> str | None:
        self._catch_up(branch)
        error = ""
        for attempt in range(_ATTEMPTS):
            base = self.head(branch)
            change = self._news(base, build(base))
            if not change.files:
                return None
            note_work_tree(self.path, branch, base)
            answer = fast_import(self.path, branch, base, change)
            self._catch_up(branch)
            if answer.ok:
                return answer.text
            error = answer.error
            time.sleep(random.uniform(0, 0.02 * (attempt + 1)))  # noqa: S311 - jitter, not a secret
        raise VersioningError(
            f"Could not commit on {branch!r} in {self.path} after {_ATTEMPTS} attempts: {error}"
        )

    def catch_up(self, branch: str) -> None:
        """Let the work tree on a branch follow from where a process that was killed left it."""
        with self.turn():
            self._catch_up(branch)

    def _catch_up(self, branch: str) -> None:
        warning = catch_up(self.path, branch)
        if warning:
            _log.warning("%s", warning)

    def _news(self, base: str, change: Change) -> Change:
        there = self.blobs(base, change.files, max(map(len, change.files.values()), default=0))
        same = {path for path, blob in there.items() if blob.content == change.files[path]}
        new = {path: data for path, data in change.files.items() if path not in same}
        return Change(new, change.message, change.trailers)

    def _commit(self, revision: str) -> str | None:
        return commit_at(self.path, revision)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for our turn among the processes of this host.

        Only saves retries and keeps work trees following in order; what makes commits safe is fast-import's own check
        of the branch, so a lock that does not work (some container mounts) or takes too long is passed over.
        """
        folder = run_git(self.path, "rev-parse", "--path-format=absolute", "--git-common-dir").text
        with (Path(folder) / "platform-commit.lock").open("a") as lock:
            _lock(lock)
            yield


def _lock(lock: IO[str]) -> None:
    deadline = time.monotonic() + _LOCK_WAIT
    while time.monotonic() < deadline:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.01)
        except OSError:
            return None  # no locks on this file system
    return None
