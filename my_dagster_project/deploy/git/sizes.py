"""How large what a team pushes may be: every clone and every reader pays for it, and nobody can take it back afterwards.

A file, a folder's list and a commit's message each have a limit, so has the push as a whole. Files are counted as a checkout
would have them: ten folders in one another, each ten times the same one, are a kilobyte here and ten thousand million there.
"""

import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

MOST_OBJECT = 1024 * 1024  # bytes of one file, of one folder's list, of one commit's message
MOST_PUSH = 8 * 1024 * 1024  # bytes of everything new, before git packs it
MOST_BRANCH = 32 * 1024 * 1024  # bytes of a branch's history beside main's, packed
MOST_FILES = 20_000  # in one commit
MOST_DEPTH = 32  # folders in one another
_LOOK = "--batch-check=%(objectname) %(objecttype) %(objectsize) %(rest)"
_SHOWN = 3
_FOLDER = b"40000"
UNDO = (
    "Do: git rm --cached FILE, add it to .gitignore, git commit --amend (what is in an older commit:"
    " git reset --soft origin/BRANCH, then commit anew), and push again. Data belongs into DVC: dvc add FILE."
)


@dataclass(frozen=True)
class _New:
    """One object that the push brings, by the path it was first met at ("" for a commit)."""

    sha: str
    kind: str
    size: int
    path: str

    def __str__(self) -> str:
        what = {"blob": self.path, "tree": f"the list of folder {self.path or '/'}"}
        return (
            f"{what.get(self.kind, f'the message of {self.kind} {self.sha[:10]}')} has {in_words(self.size)}"
        )


def too_large(tips: Sequence[str]) -> list[str]:
    """What is too large about the commits at these tips that the repository did not have, in words; [] when nothing is.

    Runs in the repository of the working directory, before its branches are moved.
    """
    if not tips:
        return []
    new = _new_objects(tips)
    if large := [one for one in new if one.size > MOST_OBJECT]:
        rest = f" and {len(large) - _SHOWN} more" if large[_SHOWN:] else ""
        named = ", ".join(map(str, large[:_SHOWN]))
        return [f"{_printable(named)}{rest}; {in_words(MOST_OBJECT)} is the most a file may have. {UNDO}"]
    if (whole := sum(one.size for one in new)) > MOST_PUSH:
        return [
            f"this push brings {in_words(whole)}; {in_words(MOST_PUSH)} is the most one may bring, because every clone has"
            f" to carry it. {UNDO}"
        ]
    return [*_too_heavy_branches(tips), *_too_many_files([one.sha for one in new if one.kind == "commit"])]


def _new_objects(tips: Sequence[str]) -> list[_New]:
    listing = _git("rev-list", "--objects", *tips, "--not", "--all")
    lines = _git("cat-file", _LOOK, stdin=listing).decode(errors="replace").split("\n")[:-1]
    found = []
    for line in lines:
        sha, kind, size, path = line.split(" ", 3)
        found.append(_New(sha, kind, int(size), path))
    return found


def _too_heavy_branches(tips: Sequence[str]) -> Iterator[str]:
    """Counts what a branch has beside main over all its history, as git keeps it: a file that is gone again is carried on."""
    for tip in tips:
        # A pattern (a bare name would mean main/*): without a main nothing is subtracted, and nothing fails.
        weighed = _git("rev-list", "--objects", "--disk-usage", tip, "--not", "--branches=mai[n]")
        if (whole := int(weighed)) > MOST_BRANCH:
            yield (
                f"with this push the branch would weigh {in_words(whole)} with its history; {in_words(MOST_BRANCH)} is the"
                " most, because every clone carries it, also what was taken out again. Ask the organiser, who can cut it."
            )


def _too_many_files(commits: Sequence[str]) -> list[str]:
    """Counts every folder once, from the inside out, however often it appears."""
    roots = _git("cat-file", "--batch-check", stdin="".join(f"{sha}^{{tree}}\n" for sha in commits).encode())
    wanted = {line.split(b" ")[0].decode() for line in roots.splitlines()}
    levels: list[dict[str, list[tuple[bytes, str]]]] = []
    while wanted:
        if len(levels) == MOST_DEPTH:
            return [f"folders are nested more than {MOST_DEPTH} deep. {UNDO}"]
        levels.append(_folders(sorted(wanted)))
        wanted = {sha for entries in levels[-1].values() for mode, sha in entries if mode == _FOLDER}
    counts: dict[str, int] = {}
    for level in reversed(levels):
        for sha, entries in level.items():
            counts[sha] = sum(counts[child] if mode == _FOLDER else 1 for mode, child in entries)
            if counts[sha] > MOST_FILES:
                return [f"there are more than {MOST_FILES:,} files in one commit. {UNDO}"]
    return []


def _folders(shas: Sequence[str]) -> dict[str, list[tuple[bytes, str]]]:
    """(mode, sha) of every entry of these trees."""
    out, position, found = _git("cat-file", "--batch", stdin="".join(f"{s}\n" for s in shas).encode()), 0, {}
    for sha in shas:
        end = out.index(b"\n", position)
        size = int(out[position:end].rsplit(b" ", 1)[1])
        found[sha] = list(_entries(out[end + 1 : end + 1 + size], len(sha) // 2))
        position = end + size + 2
    return found


def _entries(tree: bytes, width: int) -> Iterator[tuple[bytes, str]]:
    position = 0
    while position < len(tree):
        name = tree.index(b"\0", position) + 1
        yield tree[position:name].split(b" ", 1)[0], tree[name : name + width].hex()
        position = name + width


def in_words(size: int) -> str:
    """Bytes as MB."""
    return f"{size / 1024**2:.1f} MB"


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text)


def _git(*arguments: str, stdin: bytes = b"") -> bytes:
    return subprocess.run(["git", *arguments], input=stdin, capture_output=True, check=True).stdout
