"""Runs git in a repository so that nobody's environment, hooks or language changes what it does."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from my_dagster_project.errors import VersioningError

# A git hook or `git rebase --exec` exports these; inherited, they would point us at another repository or index.
_FOREIGN = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_COMMON_DIR",
    "GIT_PREFIX",
)
ENV = ("env", *(word for name in _FOREIGN for word in ("-u", name)), "LC_ALL=C", "GIT_TERMINAL_PROMPT=0")
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


def try_git(folder: Path, *arguments: str, stdin: bytes = b"") -> Answer:
    """Run git in a folder and say how it went; VersioningError only if there is no git or no repository."""
    # safe.directory: in a container the checkout may belong to another uid. hooksPath: a commit of pointers is ours.
    options = ("-c", f"safe.directory={folder}", "-c", "core.hooksPath=/dev/null")
    try:
        done = subprocess.run(
            (*ENV, "git", *options, *arguments), cwd=folder, input=stdin, capture_output=True
        )
    except FileNotFoundError:
        raise VersioningError(
            f"{folder} is not there; versions need the git repository of the project."
        ) from None
    error = done.stderr.decode(errors="replace").strip()
    if done.returncode == _NO_GIT:
        raise VersioningError("git is not installed; versions are commits, so install it.")
    if "not a git repository" in error:
        raise VersioningError(
            f"{folder} is not a git repository; run `git init` and commit once, or clone it."
        )
    return Answer(done.returncode == 0, done.stdout, error)


def run_git(folder: Path, *arguments: str, stdin: bytes = b"") -> Answer:
    """Run git in a folder; VersioningError with git's own words if it fails."""
    answer = try_git(folder, *arguments, stdin=stdin)
    if not answer.ok:
        raise VersioningError(f"git {arguments[0]} failed in {folder}: {answer.error or 'no reason given'}")
    return answer
