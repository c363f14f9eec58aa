"""Runs git in a repository so that nobody's environment, hooks or language changes what it does."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, cast

from my_dagster_project.foundation.errors import VersioningError

# A git hook or `git rebase --exec` exports these; inherited, they would point us at another repository or index.
_FOREIGN = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_COMMON_DIR",
    "GIT_PREFIX",
)
# A file above a megabyte is never held whole, also while it is fetched or compared: 400 MB of zeros, which travel as 390 kB, took
# as much memory. What git must hold whole (a folder's list, a message) is refused above the limit, and costs its branch alone.
ENV = (
    *("env", *(word for name in _FOREIGN for word in ("-u", name))),
    *("LC_ALL=C", "GIT_TERMINAL_PROMPT=0", "GIT_ALLOC_LIMIT=256m"),
)
HOLD_LITTLE = ("-c", "core.bigFileThreshold=1m")
_NO_GIT = 127  # what env(1) answers when there is no such program


@dataclass(frozen=True)
class Answer:
    """What a git command said."""

    ok: bool
    out: bytes
    error: str

    @property
    def text(self) -> str:
        """The output as one trimmed string."""
        return self.out.decode(errors="replace").strip()

    @property
    def names(self) -> list[str]:
        """The paths that `-z` has made it list, as the file system has them."""
        return [name for name in self.out.decode(errors="surrogateescape").split("\0") if name]


def try_git(folder: Path, *arguments: str, stdin: bytes = b"") -> Answer:
    """Run git in a folder and say how it went; VersioningError only if there is no git or no repository."""
    try:
        done = subprocess.run(_command(folder, arguments), cwd=folder, input=stdin, capture_output=True)
    except FileNotFoundError:
        raise _no_folder(folder) from None
    return _answer(folder, done.returncode, done.stdout, done.stderr)


def _command(folder: Path, arguments: Sequence[str]) -> tuple[str, ...]:
    # safe.directory: in a container the checkout may belong to another uid. hooksPath: a commit of pointers is ours.
    own = ("-c", f"safe.directory={folder}", "-c", "core.hooksPath=/dev/null")
    return (*ENV, "git", *HOLD_LITTLE, *own, *arguments)


def _no_folder(folder: Path) -> VersioningError:
    return VersioningError(f"{folder} is not there; versions need the git repository of the project.")


def _answer(folder: Path, code: int, out: bytes, said: bytes) -> Answer:
    error = said.decode(errors="replace").strip()
    if code == _NO_GIT:
        raise VersioningError("git is not installed; versions are commits, so install it.")
    if "not a git repository" in error:
        raise VersioningError(
            f"{folder} is not a git repository; run `git init` and commit once, or clone it."
        )
    return Answer(code == 0, out, error)


def run_git(folder: Path, *arguments: str, stdin: bytes = b"") -> Answer:
    """Run git in a folder; VersioningError with git's own words if it fails."""
    return _require_ok(folder, arguments, try_git(folder, *arguments, stdin=stdin))


def _require_ok(folder: Path, arguments: Sequence[str], answer: Answer) -> Answer:
    if not answer.ok:
        raise VersioningError(f"git {arguments[0]} failed in {folder}: {answer.error or 'no reason given'}")
    return answer


@contextmanager
def streamed(folder: Path, *arguments: str) -> Iterator[IO[bytes]]:
    """Run git in a folder and give its output as it comes; VersioningError if it fails. Ends git when not all was read."""
    with TemporaryFile() as said:
        try:
            process = subprocess.Popen(
                _command(folder, arguments),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=said,
            )
        except FileNotFoundError:
            raise _no_folder(folder) from None
        with process, cast("IO[bytes]", process.stdout) as out:
            try:
                yield out
                is_read = not out.read(1)
            except BaseException:
                process.kill()
                raise
            if not is_read:
                process.kill()
        said.seek(0)
        if is_read:
            _require_ok(folder, arguments, _answer(folder, process.returncode, b"", said.read()))


def bounded_git(folder: Path, most: int, *arguments: str) -> bytes:
    """Run git in a folder and give its output; VersioningError if it fails or has more than `most` bytes to say.

    Ten folders in one another, each ten times the same one, are a kilobyte to push and ten thousand million paths to list.
    """
    with streamed(folder, *arguments) as out:
        data = out.read(most + 1)
    if len(data) > most:
        raise VersioningError(
            f"git {' '.join(arguments)} in {folder} has more than {most // 1024**2} MB to say: there are more files than "
            "anybody can mean; remove them from the branch."
        )
    return data
