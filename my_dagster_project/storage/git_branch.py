"""Reads and commits files on branches of a repository without anybody's work tree or index in the way."""

from __future__ import annotations

import fcntl
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from my_dagster_project.errors import VersioningError
from my_dagster_project.storage.fast_import import Change, fast_import
from my_dagster_project.storage.git_run import run_git, try_git
from my_dagster_project.storage.work_trees import follow

_ATTEMPTS = 40
_LOCK_WAIT = 10.0  # seconds
_NOWHERE = "0" * 40


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

    def checked_out(self) -> str | None:
        """Give the branch checked out in this work tree; None when none is (detached HEAD)."""
        answer = try_git(self.path, "symbolic-ref", "--quiet", "--short", "HEAD")
        return answer.text if answer.ok else None

    def resolve(self, revision: str) -> str:
        """Give the sha of a branch (tried first), tag, sha or other revision; VersioningError if there is none."""
        sha = self._commit(f"refs/heads/{revision}") or self._commit(revision)
        if sha is None:
            raise VersioningError(f"{revision!r} is neither a branch nor a commit of {self.path}.")
        return sha

    def read_file(self, revision: str, path: str) -> bytes | None:
        """Give a file as it is at a branch or commit, None if it has no such file."""
        return self.read_files(revision, [path]).get(path)

    def read_files(self, revision: str, paths: Iterable[str]) -> dict[str, bytes]:
        """Give those of the files that exist at a branch or commit, in one git process."""
        sha, wanted = self.resolve(revision), list(paths)
        questions = "".join(f"{sha}:{path}\n" for path in wanted).encode()
        answers = _batch(run_git(self.path, "cat-file", "--batch", stdin=questions).out)
        return {path: data for path, data in zip(wanted, answers, strict=True) if data is not None}

    def ensure_branch(self, branch: str) -> bool:
        """Make the branch if it is missing: from origin's, otherwise from HEAD. Says whether it was made now."""
        if self._commit(f"refs/heads/{branch}"):
            return False
        start = self._commit(f"refs/remotes/origin/{branch}") or self._commit("HEAD")
        if start is None:
            raise VersioningError(
                f"{self.path} has no commit yet, so {branch!r} cannot start anywhere: commit once."
            )
        made = try_git(self.path, "update-ref", f"refs/heads/{branch}", start, _NOWHERE)
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
        error = ""
        for attempt in range(_ATTEMPTS):
            base = self.head(branch)
            change = self._news(base, build(base))
            if not change.files:
                return None
            answer = fast_import(self.path, branch, base, change)
            if answer.ok:
                follow(self.path, branch, base, answer.text)
                return answer.text
            error = answer.error
            time.sleep(random.uniform(0, 0.02 * (attempt + 1)))  # noqa: S311 - jitter, not a secret
        raise VersioningError(
            f"Could not commit on {branch!r} in {self.path} after {_ATTEMPTS} attempts: {error}"
        )

    def _news(self, base: str, change: Change) -> Change:
        there = self.read_files(base, change.files)
        new = {path: data for path, data in change.files.items() if there.get(path) != data}
        return Change(new, change.message, change.trailers)

    def _commit(self, revision: str) -> str | None:
        answer = try_git(
            self.path, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
        )
        return answer.text if answer.ok else None

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


def _batch(out: bytes) -> Iterator[bytes | None]:
    """Read the answers of `git cat-file --batch`: `<sha> blob <size>`, the bytes, a newline; or `<name> missing`."""
    position = 0
    while position < len(out):
        end = out.index(b"\n", position)
        header = out[position:end].rsplit(b" ", 2)
        position = end + 1
        if header[-1] == b"missing":
            yield None
            continue
        size = int(header[-1])
        yield out[position : position + size] if header[-2] == b"blob" else None
        position += size + 1
