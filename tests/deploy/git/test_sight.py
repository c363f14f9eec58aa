"""`visibility: own` at the stack's own git service: what a team can fetch, and by which tricks it cannot fetch more."""

import base64
import subprocess
import urllib.request
from pathlib import Path

import pytest

from my_dagster_project.deploy.git.rules import Branches, branches_of
from my_dagster_project.deploy.git.sight import hiding
from tests.deploy.git.conftest import REGISTRY
from tests.deploy.git.test_pushes import commit, push
from tests.support.git_host import PASSWORDS, GitHost, run_git
from tests.support.gitrepo import git

OWN = REGISTRY + "visibility: own\n"


def say(checkout: Path, registry: str) -> None:
    commit(checkout, "configs/teams.yaml", registry)


@pytest.fixture
def checkout(checkout: Path) -> Path:
    """Teams see their own; blue has a file that main has not."""
    say(checkout, OWN)
    git(checkout, "switch", "-q", "-c", "teams/blue")
    commit(checkout, "configs/blue.yaml", "team: blue\nsecret: idea\n")
    git(checkout, "switch", "-q", "main")
    return checkout


def seen(host: GitHost, folder: Path, user: str, *options: str) -> set[str]:
    done = run_git(folder, *options, "ls-remote", host.as_user(user))
    assert done.returncode == 0, done.stderr
    return {line.split()[1].removeprefix("refs/heads/") for line in done.stdout.splitlines()} - {"HEAD"}


def test_a_team_fetches_its_own_branch_main_and_the_platforms(host, tmp_path):
    platform = host.clone("platform", tmp_path / "platform", "red")
    assert push(platform, "HEAD:platform", "HEAD:teams/blue") != ""  # blue's has more: nothing is lost of it
    assert push(platform, "HEAD:platform") == ""
    everything = {"main", "platform", "red", "teams/blue"}
    for protocol in ("0", "2"):
        as_told = ("-c", f"protocol.version={protocol}")
        assert seen(host, tmp_path, "red", *as_told) == {"main", "platform", "red"}
        assert seen(host, tmp_path, "blue", *as_told) == {"main", "platform", "teams/blue"}
        assert seen(host, tmp_path, "organiser", *as_told) == everything == seen(host, tmp_path, "platform")
    red = host.clone("red", tmp_path / "red", "red")
    assert run_git(red, "log", "--all", "--format=%s", "--", "configs/blue.yaml").stdout == ""
    commit(red, "configs/red.yaml", "team: red\n\n")
    assert push(red, "red") == ""


@pytest.mark.parametrize("version", [0, 2])
def test_nothing_is_handed_out_by_its_name(host, tmp_path, version):
    """Asked for past git's own client, which refuses by itself. (Names of trees and files are shown nowhere.)"""
    blues = git(host.repo, "rev-parse", "teams/blue")
    assert b"PACK" not in wanted(host, "red", blues, version)
    assert b"PACK" in wanted(host, "organiser", blues, version)
    assert b"PACK" in wanted(host, "red", git(host.repo, "rev-parse", "red"), 0)


def test_a_commit_whose_name_is_known_is_not_brought_in_by_a_push(host, tmp_path):
    """git takes what it has already for granted: a parent that the person who pushes never had."""
    red = host.clone("red", tmp_path / "red", "red")
    blues = git(host.repo, "rev-parse", "teams/blue")
    text = git(red, "cat-file", "commit", "HEAD").replace("\nauthor", f"\nparent {blues}\nauthor", 1)
    (tmp_path / "commit").write_text(f"{text}\n")
    made = git(red, "hash-object", "-t", "commit", "-w", "--literally", str(tmp_path / "commit"))
    before = git(host.repo, "rev-parse", "red")
    said = push_without(red, host, before, made)
    assert "not yours to see" in said
    assert git(host.repo, "rev-parse", "red") == before


def push_without(folder: Path, host: GitHost, old: str, new: str) -> str:
    """What the server says to a push of one commit alone: as a client that lies about what the other side has."""
    told = f"{new}\n".encode()
    done = subprocess.run(["git", "pack-objects", "--stdout"], cwd=folder, input=told, capture_output=True)
    body = line(f"{old} {new} refs/heads/red\0report-status side-band-64k") + b"0000" + done.stdout
    return post(host, "red", "git-receive-pack", body).decode(errors="replace")


def wanted(host: GitHost, user: str, sha: str, version: int) -> bytes:
    """What the server answers to somebody who names an object."""
    want, done = line(f"want {sha}\n"), line("done\n")
    body = want + b"0000" + done
    if version == 2:
        body = line("command=fetch\n") + b"0001" + want + done + b"0000"
    return post(host, user, "git-upload-pack", body, **{"Git-Protocol": f"version={version}"})


def line(text: str) -> bytes:
    return b"%04x%s" % (len(text) + 4, text.encode())


def post(host: GitHost, user: str, service: str, body: bytes, **headers: str) -> bytes:
    login = base64.b64encode(f"{user}:{PASSWORDS[user]}".encode()).decode()
    headers |= {"Content-Type": f"application/x-{service}-request", "Authorization": f"Basic {login}"}
    with urllib.request.urlopen(
        urllib.request.Request(f"{host.url}/{service}", body, headers), timeout=20
    ) as answer:
        return answer.read()


def test_what_the_registry_says_counts_from_the_next_request(host, tmp_path):
    organiser = host.clone("organiser", tmp_path / "organiser")
    for registry, more in (
        (REGISTRY, {"teams/blue"}),
        (OWN.replace("own", "onw"), set()),
        ("teams: [", set()),
    ):
        say(organiser, registry)
        assert push(organiser, "main") == ""
        assert seen(host, tmp_path, "red") - {"red"} == {"main"} | more


def test_an_open_competition_hides_nothing():
    assert not branches_of(REGISTRY).own
    assert branches_of(OWN).own
    told = hiding("red", Branches({"red": "red", "blue": "b"}, own=True))
    assert told["GIT_CONFIG_COUNT"] == "5"
