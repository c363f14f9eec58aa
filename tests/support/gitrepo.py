"""A small real git repository for tests, with its own identity and away from the machine's configuration."""

import subprocess
from pathlib import Path


def git(folder: Path, *arguments: str, check: bool = True) -> str:
    """Run git as a person would, and give its output."""
    identity = ("-c", "user.name=A Person", "-c", "user.email=person@example.org")
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, text=True)
    if check and done.returncode:
        raise AssertionError(f"git {' '.join(arguments)}: {done.stderr}")
    return done.stdout.rstrip("\n")


def empty_repo(folder: Path) -> Path:
    """Make a repository on branch main without a commit."""
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    return folder


def repo_with_a_commit(folder: Path) -> Path:
    """Make a repository on branch main with one commit of two files."""
    empty_repo(folder)
    (folder / "README").write_text("hello\n")
    (folder / "configs").mkdir()
    (folder / "configs" / "red.yaml").write_text("team: red\n")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "first")
    return folder
