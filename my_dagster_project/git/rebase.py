"""Commits that only this side has: whose they are, and the platform's own written anew on top of another commit."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import batched
from pathlib import Path
from uuid import uuid4

from my_dagster_project.git.fast_import import IDENTITY
from my_dagster_project.git.process import run_git
from my_dagster_project.git.refs import NOWHERE

_FORMAT = "%x00".join(("%H", "%P", "%an <%ae>", "%ad", "%cn <%ce>", "%B"))
_OURS = ("assets/", ".dvc/")


@dataclass(frozen=True)
class Entry:
    """What became of one path: git's letter (A, M, D), the mode and sha it had and has (zeros: none)."""

    path: str
    status: str
    old: tuple[str, str]
    new: tuple[str, str]

    @property
    def is_pointer(self) -> bool:
        """Whether the platform writes such: an ordinary file added or changed below assets/ or .dvc/."""
        return self.status in ("A", "M") and self.new[0] == "100644" and self.path.startswith(_OURS)


@dataclass(frozen=True)
class Written:
    """One commit to write: the author with his date (`name <mail> seconds zone`), the message, the paths' new state."""

    author: str
    message: str
    entries: Sequence[Entry]


@dataclass(frozen=True)
class LocalCommit:
    """A commit that the remote does not have."""

    sha: str
    is_platforms: bool
    written: Written

    @property
    def shown(self) -> str:
        """For people: 1a2b3c4d5e (A Person: the subject)."""
        name = self.written.author.split(" <")[0]
        subject = next(
            iter(self.written.message.splitlines()), ""
        )  # git takes a commit without any message too
        return f"{self.sha[:10]} ({name}: {subject})"


def local_only(repo: Path, there: str, here: str) -> list[LocalCommit]:
    """Give the commits of `here` that `there` lacks, oldest first, without those it has as a copy (a rebase of people's)."""
    how = (
        "--reverse --topo-order --right-only --cherry-pick --no-show-signature --no-notes --date=raw"
        " --encoding=UTF-8 -z"
    )
    out = run_git(repo, "log", *how.split(), f"--format={_FORMAT}", f"{there}...{here}").out
    fields = _fields(out)
    entries = _entries_of(repo, fields[::6])
    return [_commit(entries, *fields[at : at + 6]) for at in range(0, len(fields), 6)]


def changes(repo: Path, old: str, new: str) -> list[Entry]:
    """Give what differs between two commits, path by path; a rename is a removal and an addition."""
    return [_entry(*pair) for pair in batched(_fields(run_git(repo, "diff-tree", *_RAW, old, new).out), 2)]


def write_commits(repo: Path, base: str, commits: Iterable[Written]) -> str:
    """Write commits one on the other, the first on `base`; give the last one's sha. No branch is moved, none is left."""
    todo = list(commits)
    if not todo:
        return base
    # fast-import wants a branch to write to; a name of our own that the stream itself takes away again.
    ref = f"refs/trading/replay/{uuid4().hex}"
    parents = [base, *(f":{mark}" for mark in range(1, len(todo)))]
    stream = b"".join(
        _stream(ref, mark, parent, commit)
        for mark, (parent, commit) in enumerate(zip(parents, todo, strict=True), start=1)
    )
    end = f"get-mark :{len(todo)}\nreset {ref}\nfrom {NOWHERE}\n\ndone\n".encode()
    return run_git(repo, "fast-import", "--quiet", "--done", stdin=stream + end).text


_RAW = ("-r", "--raw", "-z", "--no-abbrev", "--no-renames")


def _commit(
    entries: Mapping[str, list[Entry]],
    sha: str,
    parents: str,
    author: str,
    date: str,
    committer: str,
    message: str,
) -> LocalCommit:
    ours = (
        author == committer == IDENTITY
        and len(parents.split()) == 1
        and all(entry.is_pointer for entry in entries[sha])
    )
    return LocalCommit(sha, ours, Written(f"{author} {date}", message, entries[sha]))


def _entries_of(repo: Path, shas: Sequence[str]) -> dict[str, list[Entry]]:
    """What each commit changed, in one git process; nothing for a merge."""
    # Every line ends in a newline, the last one too: without it git 2.39 passes over that commit in silence.
    questions = "".join(f"{sha}\n" for sha in shas).encode()
    out = run_git(repo, "diff-tree", "--stdin", "--root", *_RAW, stdin=questions).out
    found: dict[str, list[Entry]] = {sha: [] for sha in shas}
    fields = iter(_fields(out))
    sha = ""
    for field in fields:
        if field.startswith(":"):
            found[sha].append(_entry(field, next(fields)))
        else:
            sha = field
    return found


def _entry(header: str, path: str) -> Entry:
    """Read `:oldmode newmode oldsha newsha letter`."""
    old_mode, new_mode, old_sha, new_sha, status = header.removeprefix(":").split(" ")
    return Entry(path, status, (old_mode, old_sha), (new_mode, new_sha))


def _fields(out: bytes) -> list[str]:
    return out.decode("utf-8", errors="surrogateescape").split("\0")[:-1]


def _stream(ref: str, mark: int, parent: str, commit: Written) -> bytes:
    message = commit.message.encode("utf-8", errors="surrogateescape")
    lines = (
        f"commit {ref}\nmark :{mark}\nauthor {commit.author}\ncommitter {IDENTITY} {int(time.time())} +0000\n"
    )
    head = lines.encode() + b"data %d\n%b\n" % (len(message), message) + f"from {parent}\n".encode()
    return head + b"".join(map(_line, commit.entries))


def _line(entry: Entry) -> bytes:
    quoted = entry.path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    mode, sha = entry.new
    line = f'D "{quoted}"\n' if entry.status == "D" else f'M {mode} {sha} "{quoted}"\n'
    return line.encode("utf-8", errors="surrogateescape")
