"""What the service does before it serves: the first filling, every later start, and what it refuses to start with."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from my_dagster_project.deploy.git.git_accounts import AccountsError, read_accounts, write_htpasswd
from my_dagster_project.deploy.git.repository import (
    SeedError,
    has_main,
    prepare,
    teams_without_account,
    with_season,
)
from my_dagster_project.deploy.git.rules import RegistryError, branches_of
from tests.deploy.git.conftest import REGISTRY
from tests.support.git_host import PROJECT, git_host
from tests.support.gitrepo import empty_repo, git


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    (tmp_path / "srv").mkdir()
    return tmp_path / "srv" / "teams.git"


class TestFilling:
    def test_main_and_the_branches_of_the_registry_and_no_other(self, checkout, repo):
        git(checkout, "tag", "v1")
        said = prepare(repo, checkout / ".git")
        assert said == f"teams.git was filled from {checkout}/.git: main, red, teams/blue."
        assert git(repo, "for-each-ref", "--format=%(refname)").split() == [
            "refs/heads/main",
            "refs/heads/red",
            "refs/heads/teams/blue",
        ]
        assert git(repo, "rev-parse", "main") == git(checkout, "rev-parse", "main")
        assert git(repo, "rev-parse", "red") == git(checkout, "rev-parse", "red")

    def test_recorded_prices_are_lived_as_a_season_on_main_alone(self, checkout, repo):
        registry = checkout / "configs" / "teams.yaml"
        registry.write_text(f"{REGISTRY}market: {{source: sample, end: 2013-03-01}}\n")
        git(checkout, "commit", "-qam", "prices")
        assert "main with a season" in prepare(repo, checkout / ".git", "30s")
        told = git(repo, "show", "main:configs/teams.yaml")
        assert told == f"{registry.read_text()}\nseason:\n  clock: {{lapse: {{session_every: 30s}}}}".strip()
        assert git(repo, "rev-parse", "main~1") == git(checkout, "rev-parse", "main")
        assert git(repo, "diff", "--name-only", "main~1", "main") == "configs/teams.yaml"
        assert git(repo, "rev-parse", "red") == git(checkout, "rev-parse", "red")
        assert "is there" in prepare(repo, checkout / ".git", "30s")

    @pytest.mark.parametrize(
        ("prices", "season", "every"),
        [("{}", "", "30s"), ("{end: 2013-03-01}", "{clock: real}", "30s"), ("{end: 2013-03-01}", "", "")],
        ids=["they go on", "it says its own", "not wanted"],
    )
    def test_any_other_registry_stays_as_it_is(self, prices, season, every):
        assert with_season(f"{REGISTRY}market: {prices}\nseason: {season}\n", every) == ""

    def test_a_team_without_branch_gets_one_where_main_is(self, checkout, repo):
        git(checkout, "commit", "-q", "--allow-empty", "-m", "more")
        prepare(repo, checkout / ".git")
        assert git(repo, "rev-parse", "teams/blue") == git(checkout, "rev-parse", "main")
        assert (
            git(repo, "rev-parse", "red")
            == git(checkout, "rev-parse", "red")
            != git(repo, "rev-parse", "main")
        )

    def test_what_is_checked_out_stands_in_for_a_missing_main(self, checkout, repo):
        git(checkout, "branch", "-m", "main", "issue-5")
        prepare(repo, checkout / ".git")
        assert git(repo, "rev-parse", "main") == git(checkout, "rev-parse", "issue-5")

    def test_happens_once_whatever_the_checkout_does_later(self, checkout, repo):
        prepare(repo, checkout / ".git")
        before = git(repo, "for-each-ref")
        git(checkout, "commit", "-q", "--allow-empty", "-m", "more")
        git(checkout, "branch", "-f", "red", "HEAD")
        assert prepare(repo, checkout / ".git") == "teams.git is there, with 3 branches."
        assert git(repo, "for-each-ref") == before

    def test_without_a_checkout_it_starts_empty_and_says_what_to_do(self, checkout, repo, tmp_path):
        assert "is empty" in prepare(repo, tmp_path / "nowhere")
        assert not has_main(repo)
        assert prepare(repo, checkout / ".git").endswith("main, red, teams/blue.")

    def test_a_checkout_without_a_readable_registry_is_refused_and_tried_again(self, repo, tmp_path):
        other = empty_repo(tmp_path / "other")
        git(other, "commit", "-q", "--allow-empty", "-m", "first")
        with pytest.raises(SeedError, match=r"configs/teams.yaml at main cannot be read"):
            prepare(repo, other / ".git")
        assert not has_main(repo)

    def test_a_branch_that_cannot_be_copied_leaves_nothing_half_filled(self, checkout, repo):
        tip = git(checkout, "commit-tree", "-m", "lost", git(checkout, "rev-parse", "main^{tree}"))
        git(checkout, "update-ref", "refs/heads/red", tip)
        (checkout / ".git" / "objects" / tip[:2] / tip[2:]).unlink()
        with pytest.raises(SeedError, match="could not be read"):
            prepare(repo, checkout / ".git")
        assert not has_main(repo)

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
    def test_a_checkout_of_another_user_can_be_read(self, checkout, repo):
        for path in [checkout, *checkout.rglob("*")]:
            os.chown(path, 12345, 12345)
        assert prepare(repo, checkout / ".git").endswith("main, red, teams/blue.")


class TestStartingAgain:
    def test_the_branches_and_the_rules_are_there_after_a_kill(self, checkout, tmp_path):
        with git_host(tmp_path / "host", checkout / ".git") as first:
            red = first.clone("red", tmp_path / "red", "red")
            git(red, "commit", "-q", "--allow-empty", "-m", "ours")
            git(red, "push", "-q", "origin", "red")
            os.killpg(first.process.pid, signal.SIGKILL)
            first.process.wait()
        (first.repo / "refs" / "heads" / "red.lock").write_text("")  # as a push that was killed leaves it
        (first.repo / "objects" / "tmp_objdir-incoming-x").mkdir()
        with git_host(tmp_path / "host", checkout / ".git", port=first.port) as second:
            assert git(second.repo, "rev-parse", "red") == git(red, "rev-parse", "HEAD")
            git(red, "commit", "-q", "--allow-empty", "-m", "more")
            git(red, "push", "-q", "origin", "red")
            assert not list(second.repo.glob("objects/tmp_objdir-incoming-*"))

    def test_it_stops_when_told_and_its_health_is_told_from_within(self, checkout, tmp_path):
        with git_host(tmp_path / "host", checkout / ".git") as host:
            assert health(host) == (0, "")
            git(host.repo, "update-ref", "-d", "refs/heads/main")
            assert health(host) == (1, "the repository has no main branch yet: push it as organiser\n")
            host.stop()
            assert host.process.returncode == 0
            code, said = health(host)
            assert (code, "the web server does not answer" in said) == (1, True)

    def test_a_team_without_account_is_named(self, checkout, repo):
        prepare(repo, checkout / ".git")
        assert teams_without_account(repo, {"organiser": "", "platform": "", "red": ""}) == ["blue"]


def health(host) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "my_dagster_project.deploy.git.git_health"],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(PROJECT),
            "GIT_PORT": str(host.port),
            "GIT_ROOT": str(host.folder / "srv"),
        },
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stderr


class TestAccounts:
    def test_are_apart_by_commas_or_white_space(self):
        text = "organiser:12345678,platform:abcdefgh\n red:a:b-c_d=ef \n"
        assert read_accounts(text) == {
            "organiser": "12345678",
            "platform": "abcdefgh",
            "red": "a:b-c_d=ef",
        }

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("", "entry 1 of GIT_ACCOUNTS is not user:password"),
            ("organiser:12345678", "GIT_ACCOUNTS has no platform:password"),
            ("organiser:12345678,platform:abcdefgh,red", "entry 3 of GIT_ACCOUNTS is not user:password"),
            ("organiser:12345678,platform:abcdefgh,../x:12345678", "entry 3 of GIT_ACCOUNTS"),
            ("organiser:12345678,platform:abcdefgh,red:topsec", "the password of red .* shorter than 8"),
            ("organiser:12345678,organiser:abcdefgh", "GIT_ACCOUNTS names organiser twice"),
        ],
    )
    def test_what_is_wrong_is_said_without_a_password(self, text, said):
        with pytest.raises(AccountsError, match=said) as caught:
            read_accounts(text)
        assert not [word for word in ("12345678", "abcdefgh", "topsec") if word in str(caught.value)]

    def test_are_written_as_salted_hashes(self, tmp_path):
        file = tmp_path / "htpasswd"
        write_htpasswd({"red": "same-word", "blue": "same-word"}, file)
        (red, one), (blue, other) = (line.split(":") for line in file.read_text().splitlines())
        assert (red, blue) == ("red", "blue")
        assert one.startswith("$6$")
        assert one != other

    def test_a_missing_secret_ends_the_start_with_a_line_for_people(self, tmp_path):
        done = subprocess.run(
            [sys.executable, "-m", "my_dagster_project.deploy.git.serve"],
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(PROJECT),
                "GIT_ACCOUNTS_FILE": str(tmp_path / "x"),
            },
            capture_output=True,
            text=True,
        )
        assert done.returncode == 1
        assert "the secret GIT_ACCOUNTS cannot be read" in done.stderr
        assert "Traceback" not in done.stderr


class TestRegistry:
    def test_the_platforms_branch_has_a_default(self):
        assert branches_of("teams: {red: {branch: r}}").platform == "platform"
        assert branches_of(REGISTRY).teams == {"red": "red", "blue": "teams/blue"}

    @pytest.mark.parametrize(
        "text", ["", "teams: [", "teams: {red: {}}", "teams: 1", "- 1", "teams: {red: null}"]
    )
    def test_what_names_no_branches_is_an_error(self, text):
        with pytest.raises(RegistryError):
            branches_of(text)

    def test_the_committed_one_can_be_read(self):
        branches = branches_of((PROJECT / "configs" / "teams.yaml").read_text())
        assert branches.teams == {"red": "red", "blue": "blue"}
