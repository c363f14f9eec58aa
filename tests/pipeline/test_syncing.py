"""The project and the git remote: how often it is asked, main in the platform's own clone, and a push that is told."""

import hashlib
import hmac
import json
from pathlib import Path

import dagster as dg
import pytest
import yaml

from my_dagster_project.foundation.errors import ConfigError
from my_dagster_project.foundation.settings import Settings, settings_from
from my_dagster_project.pipeline.push_notice import on_push, verify_signature
from my_dagster_project.pipeline.sensors import team_files_sensor, versions_sensor
from my_dagster_project.pipeline.syncing import RemotePoll, sync_branches
from my_dagster_project.storage.opening import open_assets
from my_dagster_project.teams.platform import load_platform
from my_dagster_project.teams.registry_names import RESERVED_TEAMS
from my_dagster_project.teams.sources import read_registry, read_sources
from tests.support.configs import CONFIGS
from tests.support.gitrepo import empty_repo, git
from tests.support.loopback import Reply, serving

RELOADED = json.dumps(
    {
        "data": {
            "reloadRepositoryLocation": {
                "__typename": "WorkspaceLocationEntry",
                "loadStatus": "LOADED",
                "locationOrLoadError": {"__typename": "RepositoryLocation"},
            }
        }
    }
).encode()


class School:
    """An organiser's clone, the bare remote, and the platform's clone with its settings."""

    def __init__(self, folder: Path) -> None:
        self.organiser = empty_repo(folder / "organiser")
        (self.organiser / "configs").mkdir()
        for name in ("teams.yaml", "defaults.yaml", "red.yaml", "blue.yaml"):
            (self.organiser / "configs" / name).write_bytes((CONFIGS / name).read_bytes())
        self.commit("first")
        for branch in ("red", "blue"):
            git(self.organiser, "branch", branch)
        git(folder, "clone", "-q", "--bare", str(self.organiser), "remote.git")
        self.remote = folder / "remote.git"
        git(self.organiser, "remote", "add", "origin", str(self.remote))
        git(folder, "clone", "-q", str(self.remote), "platform")
        self.clone = folder / "platform"

    def settings(self, **environment: str) -> Settings:
        known = {
            "TRADING_HOME": str(self.clone.parent / "home"),
            "TRADING_GIT_REMOTE": str(self.remote),
            "TRADING_FOLLOW_MAIN": "1",
        }
        return settings_from(known | environment, self.clone)

    def commit(self, message: str) -> None:
        git(self.organiser, "add", ".")
        git(self.organiser, "commit", "-q", "-m", message)

    def push_registry(self, **changes: object) -> None:
        path = self.organiser / "configs" / "teams.yaml"
        registry = yaml.safe_load(path.read_text())
        registry["teams"] |= changes.pop("teams", {})
        path.write_text(yaml.safe_dump(registry | changes, sort_keys=False))
        self.commit("registry")
        git(self.organiser, "push", "-q", "origin", "main")

    def push_red(self, text: str) -> None:
        git(self.organiser, "switch", "-q", "red")
        (self.organiser / "configs" / "red.yaml").write_text(text)
        self.commit("red")
        git(self.organiser, "push", "-q", "origin", "red")
        git(self.organiser, "switch", "-q", "main")


@pytest.fixture
def school(tmp_path: Path) -> School:
    return School(tmp_path)


class TestMainIsFollowed:
    def test_the_registry_in_force_is_the_pushed_one(self, school):
        settings = school.settings()
        known = read_registry(school.clone)
        school.push_registry(platform_branch="ours")
        assert sync_branches(known, settings) == []
        assert read_registry(school.clone).platform_branch == "ours"

    def test_a_team_it_adds_is_synced_in_the_same_turn(self, school):
        known = read_registry(school.clone)
        git(school.organiser, "push", "-q", "origin", "main:green")
        school.push_registry(teams={"green": {"branch": "green", "account": "GREEN"}})
        sync_branches(known, school.settings())
        assert git(school.clone, "rev-parse", "green") == git(school.remote, "rev-parse", "green")

    def test_a_broken_registry_arrives_and_the_known_teams_are_synced(self, school):
        known = read_registry(school.clone)
        (school.organiser / "configs" / "teams.yaml").write_text("teams: 1\n")
        school.commit("broken")
        git(school.organiser, "push", "-q", "origin", "main")
        sync_branches(known, school.settings())
        assert git(school.clone, "rev-parse", "red") == git(school.remote, "rev-parse", "red")
        with pytest.raises(ConfigError):
            read_registry(school.clone)

    def test_never_in_a_persons_checkout(self, school):
        before = git(school.clone, "rev-parse", "main")
        school.push_registry(platform_branch="ours")
        sync_branches(read_registry(school.clone), school.settings(TRADING_FOLLOW_MAIN=""))
        assert git(school.clone, "rev-parse", "main") == before

    def test_a_remote_that_is_away_is_one_warning_for_all(self, school):
        away = school.settings(TRADING_GIT_REMOTE=str(school.remote.with_name("away.git")))
        [warning] = sync_branches(read_registry(school.clone), away)
        assert warning.startswith("main, red, blue, platform: Could not ask ")

    def test_without_a_remote_there_is_nothing_to_do(self, school):
        assert sync_branches(read_registry(school.clone), school.settings(TRADING_GIT_REMOTE="")) == []


class TestPolling:
    @pytest.fixture
    def now(self) -> list[float]:
        return [100.0]

    def asked(self, poll: RemotePoll, now: list[float], ticks: list[float]) -> list[float]:
        """At which of the ticks the remote was asked."""
        done: list[float] = []
        for tick in ticks:
            now[0] = tick
            poll(lambda: done.append(now[0]) or [])
        return done

    def test_at_most_every_so_many_seconds(self, now):
        poll = RemotePoll(60, slack=5, clock=lambda: now[0])
        assert self.asked(poll, now, [100, 110, 120, 150, 156, 160, 170, 216, 280]) == [100, 156, 216, 280]

    def test_a_tick_a_little_early_is_no_missed_one(self, now):
        poll = RemotePoll(10, slack=5, clock=lambda: now[0])
        ticks = [100, 109.9, 119.7, 130.1]
        assert self.asked(poll, now, ticks) == ticks

    def test_a_host_that_keeps_us_waiting_is_asked_less_often(self, now):
        poll = RemotePoll(10, clock=lambda: now[0])

        def slow() -> list[str]:
            now[0] += 30
            return ["it kept silent"]

        assert poll(slow) == ["it kept silent"]
        assert self.asked(poll, now, [130, 140, 200, 249]) == []
        assert self.asked(poll, now, [250, 260]) == [250, 260]

    def test_the_sensor_asks_the_remote_seldom_and_looks_here_each_time(self, school, monkeypatch):
        settings = school.settings(TRADING_GIT_POLL_SECONDS="3600")
        platform = load_platform(read_sources(school.clone))
        assert platform.problems == {}
        reloads: list[str] = []
        monkeypatch.setattr(
            "my_dagster_project.pipeline.sensors.reload_location",
            lambda url: reloads.append(url) or "reloaded",
        )
        sensor = team_files_sensor(platform, settings, [])

        def tick() -> None:
            with (
                dg.DagsterInstance.ephemeral() as instance,
                dg.build_sensor_context(instance) as context,
            ):
                sensor.evaluate_tick(context)

        tick()
        assert reloads == []
        school.push_red("team: crimson\n")
        tick()
        assert reloads == []  # the hour is not over
        git(school.clone, "fetch", "-q", "origin", "red:red")
        tick()
        assert len(reloads) == 1

    def test_versions_are_pushed_when_they_are_committed_however_seldom_the_remote_is_asked(self, school):
        settings = school.settings(TRADING_GIT_POLL_SECONDS="3600")
        platform = load_platform(read_sources(school.clone))
        sync_branches(platform.registry, settings)
        assets = open_assets(settings.store_url, settings.dvc_url)
        assets.write(("red", "IBM", "model"), {"model.onnx": b"x"}, replace=True, record={"run_id": "r1"})
        with dg.build_sensor_context() as context:
            said = versions_sensor(platform, settings).evaluate_tick(context).skip_message
        assert said is not None
        assert "1 assets" in said
        assert git(school.remote, "show", "--stat", "red").count("model.dvc") == 1

    def test_a_branch_that_fails_is_said_and_the_versions_of_the_others_are_pushed(self, school, monkeypatch):
        monkeypatch.setattr("my_dagster_project.git.branch._ATTEMPTS", 1)
        settings = school.settings(TRADING_GIT_POLL_SECONDS="3600")
        platform = load_platform(read_sources(school.clone))
        sync_branches(platform.registry, settings)
        assets = open_assets(settings.store_url, settings.dvc_url)
        for team in ("red", "blue"):
            assets.write((team, "IBM", "model"), {"model.onnx": b"x"}, replace=True, record={"run_id": "r1"})
        lock = school.clone / ".git" / "refs" / "heads" / "blue.lock"
        lock.parent.mkdir(parents=True, exist_ok=True)
        lock.write_text("")
        with dg.build_sensor_context() as context:
            said = versions_sensor(platform, settings).evaluate_tick(context).skip_message
        assert said is not None
        assert "red: " in said
        assert "\nblue: " in said
        assert git(school.remote, "show", "--stat", "red").count("model.dvc") == 1

    @pytest.mark.parametrize("text", ["-1", "soon", "nan"])
    def test_an_interval_that_is_none_is_refused(self, school, text):
        with pytest.raises(ConfigError, match="TRADING_GIT_POLL_SECONDS"):
            school.settings(TRADING_GIT_POLL_SECONDS=text)


class TestAPushIsTold:
    def test_what_changed_is_fetched_and_the_graph_reloaded(self, school):
        school.push_red("team: crimson\n")
        with serving(Reply(RELOADED)) as dagit:
            settings = school.settings(TRADING_DAGIT_URL=dagit.url)
            assert on_push(settings) == "Team files changed; the graph is reloaded."
            assert on_push(settings) == "No team file has changed."
        assert len(dagit.seen) == 1
        assert read_sources(school.clone).teams["red"].text == "team: crimson\n"

    def test_the_registry_as_well(self, school):
        school.push_registry(platform_branch="ours")
        with serving(Reply(RELOADED)) as dagit:
            assert "is reloaded" in on_push(school.settings(TRADING_DAGIT_URL=dagit.url))

    def test_a_commit_of_pointers_reloads_nothing(self, school):
        git(school.organiser, "switch", "-q", "red")
        (school.organiser / "assets").mkdir()
        (school.organiser / "assets" / "model.dvc").write_text("md5: 1\n")
        school.commit("versions")
        git(school.organiser, "push", "-q", "origin", "red")
        on_push(school.settings())
        assert git(school.clone, "rev-parse", "red") == git(school.remote, "rev-parse", "red")
        assert on_push(school.settings()) == "No team file has changed."

    def test_trouble_is_said_not_raised(self, school):
        away = school.settings(TRADING_GIT_REMOTE=str(school.remote.with_name("away.git")))
        assert "No team file has changed. main, red, blue, platform: Could not ask" in on_push(away)
        (school.clone / "configs" / "teams.yaml").write_text("teams: 1\n")
        assert "configs/teams.yaml" in on_push(school.settings())


BODY = b'{"ref": "refs/heads/red"}'
SECRET = "it is a sécret"
HEX = hmac.new(SECRET.encode(), BODY, hashlib.sha256).hexdigest()


class TestSignatures:
    @pytest.mark.parametrize(
        "headers",
        [
            {"X-Hub-Signature-256": f"sha256={HEX}"},
            {"x-hub-signature-256": f"sha256={HEX}", "x-hub-signature": "sha1=of-no-interest"},
            {"X-Gitlab-Token": SECRET},
            {"X-Gitea-Signature": HEX, "X-Hub-Signature-256": f"sha256={HEX}"},
            {"X-Forgejo-Signature": HEX},
        ],
    )
    def test_of_github_gitlab_and_gitea_are_known(self, headers):
        assert verify_signature(SECRET, BODY, headers)

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"X-Hub-Signature-256": f"sha256={HEX[:-1]}0"},
            {"X-Hub-Signature-256": ""},
            {"X-Hub-Signature-256": f"sha1={HEX}"},
            {"X-Hub-Signature-256": "sha256=" + "ü" * 64},
            {"X-Gitlab-Token": ""},
            {"X-Gitlab-Token": "it is a secret"},
            {"X-Gitlab-Token": HEX},
            {"X-Gitea-Signature": HEX, "X-Hub-Signature-256": "sha256=0"},
            {"Authorization": SECRET},
        ],
    )
    def test_others_are_not(self, headers):
        assert not verify_signature(SECRET, BODY, headers)

    def test_of_another_body_or_secret_are_not(self):
        headers = {"X-Hub-Signature-256": f"sha256={HEX}"}
        assert not verify_signature(SECRET, BODY + b" ", headers)
        assert not verify_signature(SECRET + "x", BODY, headers)

    def test_nothing_fits_a_secret_that_was_not_set(self):
        empty = hmac.new(b"", BODY, hashlib.sha256).hexdigest()
        assert not verify_signature("", BODY, {"X-Hub-Signature-256": f"sha256={empty}"})
        assert not verify_signature("", BODY, {"X-Gitlab-Token": ""})


class TestSettings:
    def test_an_account_in_the_address_is_taken_out_and_shown_by_nothing(self, tmp_path):
        settings = settings_from({"TRADING_GIT_REMOTE": "https://bot:a-secret@h.org/x.git"}, tmp_path)
        assert settings.git_remote == "https://h.org/x.git"
        assert settings.git_login is not None
        assert settings.git_login.password == "a-secret"
        assert "a-secret" not in repr(settings)

    def test_the_secret_counts_and_its_user_has_a_default(self, tmp_path):
        known = {"TRADING_GIT_REMOTE": "https://bot:old@h.org/x.git", "GIT_PASSWORD": "new"}
        login = settings_from(known, tmp_path).git_login
        assert login is not None
        assert (login.user, login.password) == ("platform", "new")

    def test_alone_the_default_is_no_remote_and_no_following(self, tmp_path):
        settings = settings_from({}, tmp_path)
        assert (settings.git_remote, settings.git_login, settings.git_follow_main) == (None, None, False)

    def test_no_team_can_be_called_as_an_account_with_rights(self):
        assert {"organiser", "platform"} <= RESERVED_TEAMS
