"""Which contents git still points to: on branches, remote-tracking branches, tags, stashes, reflogs, indexes, in work trees.

Any 32 hex digits in any text that speaks of md5 count, whatever the file is called: a pointer that was renamed, torn by a
merge or written by another DVC version keeps its bytes too. Too much kept costs disk space, too little costs a version.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from my_dagster_project.errors import VersioningError
from my_dagster_project.storage.git_run import run_git, try_git

_HASH = re.compile(rb"(?<![0-9a-f])([0-9a-f]{32}(?:\.dir)?)(?![0-9a-f])")
_CHUNK = 64 * 1024 * 1024  # bytes of objects read from git at once
_MOST_POINTER = 16 * 1024 * 1024  # no pointer or dvc.lock is larger; a larger blob is data
# --reflog: stash@{1} and older live only there, and so does what a wrong reset or a force-push has dropped.
_EVERYTHING = ("--objects", "--no-object-names", "--all", "--reflog", "--indexed-objects")
# What a reflog names and `git gc` has removed cannot come back; git says so, and that is no damage.
_HARMLESS = "references pruned commits"


@dataclass
class References:
    """Contents that are pointed to: `md5s` of files and (ending in .dir) folders, each folder with where it is named."""

    md5s: set[str] = field(default_factory=set)
    folders: dict[str, str] = field(default_factory=dict)

    def read(self, data: bytes, where: str) -> None:
        """Take in every reference of a text."""
        if b"md5" not in data:
            return
        for found in {match.decode() for match in _HASH.findall(data)}:
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
    for sha, data in _blobs(repo, _reachable(repo)):
        found.read(data, f"git object {sha[:10]}")
    for path in _work_tree_pointers(repo):
        if path.is_file():
            found.read(path.read_bytes(), str(path))
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


def _blobs(repo: Path, objects: list[str]) -> Iterator[tuple[str, bytes]]:
    """Give sha and content of every blob among the objects, a bounded number of bytes at a time."""
    form = "--batch-check=%(objectname) %(objecttype) %(objectsize)"
    lines = _cat_file(repo, form, objects).decode().splitlines()
    chunk: list[str] = []
    size = 0
    for sha, kind, *rest in map(str.split, lines):
        if kind == "missing":
            raise VersioningError(
                f"{repo} is not whole: git object {sha} is missing. Fetch it, or use another clone."
            )
        if kind != "blob" or int(rest[0]) > _MOST_POINTER:
            continue
        if chunk and size + int(rest[0]) > _CHUNK:
            yield from _contents(repo, chunk)
            chunk, size = [], 0
        chunk.append(sha)
        size += int(rest[0])
    yield from _contents(repo, chunk)


def _contents(repo: Path, shas: list[str]) -> Iterator[tuple[str, bytes]]:
    out, position = _cat_file(repo, "--batch", shas), 0
    for sha in shas:
        end = out.index(b"\n", position)
        length = int(out[position:end].rsplit(b" ", 1)[1])
        yield sha, out[end + 1 : end + 1 + length]
        position = end + length + 2


def _cat_file(repo: Path, form: str, shas: list[str]) -> bytes:
    return run_git(
        repo, "--no-replace-objects", "cat-file", form, stdin="".join(f"{s}\n" for s in shas).encode()
    ).out


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
            names = run_git(tree, "ls-files", *options).out.decode(errors="surrogateescape")
            yield from (tree / name for name in names.split("\0") if name)
