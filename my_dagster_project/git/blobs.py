"""Reads objects of a git repository without being hurt by their size: it is asked first, and what is too large stays unread.

1.5 GB of zeros are 7.7 MB on the wire, and git holds a file twice while it hands it over: whoever read a branch as it was
pushed took 3 GB for one file that nobody wanted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from my_dagster_project.foundation.errors import VersioningError
from my_dagster_project.git.process import run_git

MOST_FILE = 1024 * 1024
"""Bytes of the largest file anybody reads from a branch; what teams push is limited to the same (stack/git)."""
_AT_ONCE = 64 * 1024 * 1024  # bytes read from git at once
_LOOK = "--batch-check=%(objectname) %(objecttype) %(objectsize)"


@dataclass(frozen=True)
class GitObject:
    """What git says of an object without reading it: its sha, kind (blob, tree, commit, tag) and size in bytes."""

    sha: str
    kind: str
    size: int


@dataclass(frozen=True)
class Blob:
    """A file in git: its size in bytes, and its content unless that is more than was asked for."""

    size: int
    content: bytes | None

    def whole(self, where: str) -> bytes:
        """Give the content; VersioningError with the file's name when it was too large to be read."""
        if self.content is None:
            raise VersioningError(
                f"{where} is {self.size:,} bytes, too large for what it should be, so it was not read; "
                "remove it from the branch, or put the file back that was there before."
            )
        return self.content


def look_up(repo: Path, names: Sequence[str]) -> list[GitObject | None]:
    """Give what each name (a sha, `sha:path`) stands for, None for what is not there; reads no content."""
    lines = _cat_file(repo, _LOOK, names).splitlines()
    return [None if line.endswith(b" missing") else _object(line) for line in lines]


def read_blobs(repo: Path, names: Sequence[str], most: int = MOST_FILE) -> list[Blob | None]:
    """Give the file behind each name, read if it has at most so many bytes; None where there is no file."""
    found = look_up(repo, names)
    small = {one.sha: one for one in found if one and one.kind == "blob" and one.size <= most}
    read = dict(zip(small, contents(repo, list(small.values())), strict=True))
    return [Blob(one.size, read.get(one.sha)) if one and one.kind == "blob" else None for one in found]


def contents(repo: Path, objects: Sequence[GitObject]) -> Iterator[bytes]:
    """Give the bytes of each object, holding a bounded number of them at a time (or one larger object)."""
    chunk: list[GitObject] = []
    for one in objects:
        if chunk and sum(other.size for other in chunk) + one.size > _AT_ONCE:
            yield from _read(repo, chunk)
            chunk = []
        chunk.append(one)
    if chunk:
        yield from _read(repo, chunk)


def _read(repo: Path, objects: Sequence[GitObject]) -> Iterator[bytes]:
    out, position = _cat_file(repo, "--batch", [one.sha for one in objects]), 0
    for one in objects:
        end = out.index(b"\n", position)
        if out[position:end].endswith(b" missing"):
            raise VersioningError(
                f"{repo} is not whole: git object {one.sha} is missing. Fetch it, or use another clone."
            )
        position = end + one.size + 2
        yield out[end + 1 : position - 1]


def _object(line: bytes) -> GitObject:
    sha, kind, size = line.decode().split(" ")
    return GitObject(sha, kind, int(size))


def _cat_file(repo: Path, form: str, names: Sequence[str]) -> bytes:
    # Originals only: a replaced object could have another size than the one that was looked up.
    questions = "".join(f"{name}\n" for name in names).encode(errors="surrogateescape")
    return run_git(repo, "--no-replace-objects", "cat-file", form, stdin=questions).out
