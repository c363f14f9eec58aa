"""Which contents git still points to: on branches, remote-tracking branches, tags, stashes, reflogs, indexes, in work trees.

Any 32 hex digits in any text that speaks of md5 count, whatever the file is called: a pointer that was renamed, torn by a
merge or written by another DVC version keeps its bytes too. Too much kept costs disk space, too little costs a version.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from my_dagster_project.foundation.errors import VersioningError
from my_dagster_project.git.blobs import GitObject, contents, look_up
from my_dagster_project.git.process import run_git, streamed, try_git

_HASH = re.compile(rb"(?<![0-9a-f])([0-9a-f]{32}(?:\.dir)?)(?![0-9a-f])")
_MOST_WHOLE = 16 * 1024 * 1024  # bytes; no pointer or dvc.lock of an honest hand is larger
_PIECE = 1024 * 1024
_OVERLAP = 64  # bytes; longer than a reference with what must not be before and behind it
# From this size on git hands a file over piece by piece itself; its default is half a gigabyte.
_STREAMING = ("--no-replace-objects", "-c", f"core.bigFileThreshold={_MOST_WHOLE}")
# --reflog: stash@{1} and older live only there, and so does what a wrong reset or a force-push has dropped.
_EVERYTHING = ("--objects", "--no-object-names", "--all", "--reflog", "--indexed-objects")
# What a reflog names and `git gc` has removed cannot come back; git says so, and that is no damage.
_HARMLESS = "references pruned commits"


@dataclass
class References:
    """Contents that are pointed to: `md5s` of files and (ending in .dir) folders, each folder with where it is named."""

    md5s: set[str] = field(default_factory=set)
    folders: dict[str, str] = field(default_factory=dict)

    def read(self, pieces: Iterable[bytes], where: str) -> None:
        """Take in every reference of a text that speaks of md5, given in pieces of any size."""
        hashes, speaks, end = set[bytes](), False, b""
        for piece in pieces:
            data = end + piece
            speaks = speaks or b"md5" in data
            hashes.update(_HASH.findall(data))
            # Together with what comes next: a reference that begins or ends here. Cut anew, it may be read short, and
            # so beside the whole one; that keeps too much, never too little.
            end = data[-_OVERLAP:]
        for found in {match.decode() for match in hashes} if speaks else ():
            self.md5s.add(found)
            if found.endswith(".dir"):
                self.folders.setdefault(found, where)


def git_references(repo: Path) -> References:
    """Give everything a repository points to; VersioningError when it does not have its whole history.

    What other clones have and have not pushed is unknown here: a version counts once it is pushed to, or fetched into,
    this repository.
    """
    _require_whole(repo)
    found = References()
    for sha, pieces in _blobs(repo, _reachable(repo)):
        found.read(pieces, f"git object {sha[:10]}")
    for path in _work_tree_pointers(repo):
        if path.is_file():
            with path.open("rb") as stream:
                found.read(_pieces(stream), str(path))
    return found


def _require_whole(repo: Path) -> None:
    if run_git(repo, "rev-parse", "--is-shallow-repository").text == "true":
        raise VersioningError(
            f"{repo} is a shallow clone: versions before it would be lost. Run `git fetch --unshallow` first."
        )
    if try_git(repo, "config", "--get-regexp", r"^(extensions\.partialclone|remote\..*\.promisor)$").ok:
        raise VersioningError(f"{repo} is a partial clone: it does not have every pointer. Use a full clone.")


def _reachable(repo: Path) -> list[str]:
    # A replaced object hides the original, which may still be needed when the replacement is dropped.
    answer = try_git(repo, "--no-replace-objects", "rev-list", *_EVERYTHING)
    said = [line for line in answer.error.splitlines() if _HARMLESS not in line]
    # git skips a broken ref with no more than a line on stderr: its versions would count as unreferenced.
    if not answer.ok or said:
        raise VersioningError(
            f"{repo} is not whole, so nobody can say what is still needed: {' '.join(said) or 'git rev-list failed'}"
        )
    return answer.text.split()


def _blobs(repo: Path, objects: list[str]) -> Iterator[tuple[str, Iterable[bytes]]]:
    """Give sha and content of every blob among the objects, a bounded number of bytes at a time."""
    small: list[GitObject] = []
    large: list[GitObject] = []
    for sha, found in zip(objects, look_up(repo, objects), strict=True):
        if found is None:
            raise VersioningError(
                f"{repo} is not whole: git object {sha} is missing. Fetch it, or use another clone."
            )
        if found.kind == "blob":
            (small if found.size <= _MOST_WHOLE else large).append(found)
    for blob, data in zip(small, contents(repo, small), strict=True):
        yield blob.sha, [data]
    # Data, most probably. But a pointer with 17 MB of comments is one that real dvc reads: what it names is kept too.
    for blob in large:
        with streamed(repo, *_STREAMING, "cat-file", "blob", blob.sha) as stream:
            yield blob.sha, _pieces(stream)


def _pieces(stream: IO[bytes]) -> Iterator[bytes]:
    return iter(lambda: stream.read(_PIECE), b"")


def _work_tree_pointers(repo: Path) -> Iterator[Path]:
    """Pointers somebody has made (`dvc add`, `dvc push`) and not committed yet."""
    listing = run_git(repo, "worktree", "list", "--porcelain").out.decode(errors="surrogateescape")
    for block in listing.split("\n\n"):
        lines = block.splitlines()
        if not lines or "bare" in lines:
            continue
        tree = Path(lines[0].removeprefix("worktree "))
        if tree.is_dir():
            options = ("-z", "--cached", "--others", "--exclude-standard", "--", "*.dvc", "*dvc.lock")
            yield from (tree / name for name in run_git(tree, "ls-files", *options).names)
