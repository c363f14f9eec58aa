"""Which commit a name stands for, and which refs there are."""

from __future__ import annotations

from pathlib import Path

from my_dagster_project.git.process import run_git, try_git

NOWHERE = "0" * 40
"""The sha of what does not exist: a ref that is to be made, or to go."""


def commit_at(repo: Path, revision: str) -> str | None:
    """Give the sha of the commit behind a ref, sha or other revision; None if there is none."""
    answer = try_git(repo, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    return answer.text if answer.ok else None


def refs_below(repo: Path, prefix: str) -> dict[str, str]:
    """Give the sha of every ref below a prefix (it ends in "/"), by the rest of its name."""
    return {ref.removeprefix(prefix): sha for ref, sha in every_ref(repo, prefix).items()}


def every_ref(repo: Path, *prefixes: str) -> dict[str, str]:
    """Give the sha of every ref below these, by its whole name; one git process for all."""
    out = run_git(repo, "for-each-ref", "--format=%(objectname) %(refname)", *prefixes).text
    return {ref: sha for sha, _, ref in (line.partition(" ") for line in out.splitlines())}
