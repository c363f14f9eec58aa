"""A branch on its two sides: the platform's repository, the remote, and a clone of somebody in the team."""

from dataclasses import dataclass
from pathlib import Path

from my_dagster_project.git.branch import BranchRepo
from my_dagster_project.git.remote_sync import Synced, sync_all
from tests.support.gitrepo import git, repo_with_a_commit

YAML = "configs/red.yaml"
POINTER = "assets/red/AAPL/model.dvc"


@dataclass(frozen=True)
class Sides:
    """Three repositories with branch red: `server` (main checked out), bare `remote`, `team` (red checked out)."""

    server: Path
    remote: Path
    team: Path

    @property
    def repo(self) -> BranchRepo:
        return BranchRepo(self.server)

    def sync(self, branch: str = "red") -> Synced:
        return sync_branch(self.repo, "origin", branch)

    def platform_commits(self, path: str, text: str = "1\n", message: str = "Materialize it") -> str:
        sha = self.repo.commit_files("red", {path: text.encode()}, message, {"Dagster-Run": ["r1"]})
        assert sha
        return sha

    def person_commits(self, path: str, text: str, *, folder: Path | None = None, push: bool = True) -> str:
        """Commit as a person does, in the team's clone unless told, and push without looking what is there."""
        folder = folder or self.team
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
        git(folder, "add", path)
        git(folder, "commit", "-q", "-m", f"We change {path}")
        if push:
            git(folder, "push", "-q", "origin", "red")
        return git(folder, "rev-parse", "HEAD")

    def read(self, path: str) -> tuple[str | None, str | None]:
        """The file on the branch here and on the remote."""
        here, there = (BranchRepo(side).read_file("red", path) for side in (self.server, self.remote))
        return here and here.decode(), there and there.decode()

    def heads(self) -> set[str]:
        """One sha when both sides are the same."""
        return {git(side, "rev-parse", "refs/heads/red") for side in (self.server, self.remote)}

    def assert_whole(self) -> None:
        """Both sides are the same, linear, and undamaged."""
        assert len(self.heads()) == 1
        for side in (self.server, self.remote):
            git(side, "fsck", "--strict")
            assert git(side, "rev-list", "--merges", "red") == ""
        leftovers = git(self.server, "for-each-ref", "refs/trading/replay", "refs/trading/following")
        assert leftovers == ""


def sync_branch(repo: BranchRepo, remote: str, branch: str) -> Synced:
    """Bring one branch together with a remote's (a name or an address)."""
    return sync_all(repo, remote, [branch])[0]


def two_sides(folder: Path) -> Sides:
    """Make the three repositories, with the first commit on main and red everywhere."""
    server = repo_with_a_commit(folder / "server")
    git(server, "branch", "red")
    git(folder, "clone", "-q", "--bare", str(server), "remote.git")
    git(server, "remote", "add", "origin", str(folder / "remote.git"))
    git(folder, "clone", "-q", "-b", "red", str(folder / "remote.git"), "team")
    return Sides(server, folder / "remote.git", folder / "team")
