"""An organiser's checkout and the git service filled from it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.git_host import GitHost, git_host
from tests.support.gitrepo import empty_repo, git

REGISTRY = """\
platform_branch: platform
teams:
  red: {branch: red}
  blue: {branch: teams/blue}
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """main with the registry, and red's branch."""
    folder = empty_repo(tmp_path / "checkout")
    (folder / "configs").mkdir()
    (folder / "configs" / "teams.yaml").write_text(REGISTRY)
    (folder / "configs" / "red.yaml").write_text("team: red\n")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "first")
    git(folder, "branch", "red")
    git(folder, "branch", "somebodys-idea")
    return folder


@pytest.fixture
def host(checkout: Path, tmp_path: Path) -> Iterator[GitHost]:
    with git_host(tmp_path / "host", checkout / ".git") as served:
        yield served
