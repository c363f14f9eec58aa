"""What people do to a running stack, as functions: clone, push an edit, wait for the runs that follow."""

import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.e2e.project import Project
from tests.stack.platform import LOCATION, Stack, wait_for
from tests.support.gitrepo import git

EVERY_MINUTE = "* * * * *"


def address(stack: Stack, user: str) -> str:
    """The teams' repository as an account sees it."""
    accounts = dict(pair.split(":", 1) for pair in stack.secrets["GIT_ACCOUNTS"].split(","))
    return f"http://{user}:{accounts[user]}@127.0.0.1:{stack.ports['git']}/teams.git"


def clone(stack: Stack, user: str, folder: Path, branch: str) -> Project:
    """A fresh clone on a branch, by one account."""
    git(folder.parent, "clone", "-q", "--branch", branch, address(stack, user), str(folder))
    return Project(folder)


def push_edit(stack: Stack, team: str, folder: Path, change: Callable[[dict[str, Any]], None]) -> str:
    """The team edits its file in a clone of its own, commits and pushes; gives the commit."""
    project = clone(stack, team, folder, team)
    project.edit(team, change)
    git(folder, "commit", "-q", "-a", "-m", f"{team} has an idea")
    return push(folder, team)


def push(folder: Path, branch: str) -> str:
    """Push what is committed, over what the platform has pushed meanwhile; gives the commit."""
    for _ in range(5):
        git(folder, "pull", "-q", "--rebase", "origin", branch)
        if try_push(folder, branch)[0] == 0:
            return git(folder, "rev-parse", "HEAD")
    raise AssertionError(f"{branch}: somebody was faster five times")


def try_push(folder: Path, *refs: str) -> tuple[int, str]:
    """Push and give what git said, also when it was refused."""
    done = subprocess.run(["git", "push", "origin", *refs], cwd=folder, capture_output=True, text=True)
    return done.returncode, done.stderr


def scheduled(stack: Stack, job: str) -> list[dict[str, Any]]:
    """Runs of a job that a schedule made, newest first."""
    return [run for run in stack.runs() if run["jobName"] == job and "dagster/schedule_name" in run["tags"]]


def crons(stack: Stack) -> dict[str, str]:
    """The cron of every schedule of the loaded graph, by the schedule's name."""
    query = """query Crons($s: RepositorySelector!) { schedulesOrError(repositorySelector: $s) {
      ... on Schedules { results { name cronSchedule } } } }"""
    selector = {"repositoryName": "__repository__", "repositoryLocationName": LOCATION}
    found = stack.ask(query, s=selector)["schedulesOrError"]["results"]
    return {one["name"]: one["cronSchedule"] for one in found}


def push_crons(stack: Stack, teams: Sequence[str], folder: Path, *purposes: str) -> None:
    """The teams let schedules of theirs tick every minute; back when the loaded graph says so."""

    def ticking(config: dict[str, Any]) -> None:
        config["schedule"].update(dict.fromkeys(purposes, EVERY_MINUTE))

    for team in teams:
        push_edit(stack, team, folder / team, ticking)
    pushed = [f"{team}_{purpose}_schedule" for team in teams for purpose in purposes]
    wait_for(lambda: {crons(stack)[name] for name in pushed} == {EVERY_MINUTE}, 90)


def bucket_client(stack: Stack, key: str = "AWS_ACCESS_KEY_ID", secret: str = "AWS_SECRET_ACCESS_KEY") -> Any:
    """MinIO from outside, with the keys of these names; by default the platform's."""
    from minio import Minio

    server = f"127.0.0.1:{stack.ports['minio']}"
    return Minio(server, stack.secrets[key], stack.secrets[secret], secure=False)


def stored(stack: Stack, prefix: str) -> dict[str, int]:
    """Objects of the bucket `trading` under a prefix and their sizes."""
    found = bucket_client(stack).list_objects("trading", prefix=prefix, recursive=True)
    return {one.object_name: one.size for one in found}


def reading_keys(stack: Stack) -> dict[str, str]:
    """The environment in which people run `dvc pull` against the stack's MinIO."""
    return {
        **os.environ,
        "AWS_ENDPOINT_URL": stack.url("minio"),
        "AWS_ACCESS_KEY_ID": stack.secrets["DVC_READ_KEY"],
        "AWS_SECRET_ACCESS_KEY": stack.secrets["DVC_READ_SECRET"],
        "AWS_DEFAULT_REGION": "us-east-1",
    }
