"""Addresses people set, and those that are made of a folder's name, whatever it holds."""

import os
import re
import string
from pathlib import Path

import dagster as dg
import pytest

from my_dagster_project.deploy.instance.home import prepare_environment
from my_dagster_project.deploy.preflight import wrong_addresses
from my_dagster_project.foundation.addresses import ADDRESSES, alias_of, host_name
from my_dagster_project.foundation.errors import ConfigError
from my_dagster_project.foundation.pool_settings import pool_settings
from my_dagster_project.foundation.settings import settings_from
from my_dagster_project.pipeline.coordinator import TradingRunCoordinator
from my_dagster_project.pipeline.recording import dvc_address
from my_dagster_project.storage.dvc_format import config_text
from my_dagster_project.storage.opening import open_store

ODD = "50%2Fyear" + string.punctuation.replace("/", "") + " é"
ROOT = Path(__file__).parents[2]
SETTING = re.compile(r"\b(?:TRADING|AWS|MLFLOW_TRACKING|POSTGRES)_[A-Z0-9_]+\b")
PLACE = re.compile(r"_(?:URL|URI|LINK|ENDPOINT|REMOTE|ARTIFACTS|BUCKET|BROKER|HOST)$")
KEYS = {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"}


# Read by the services around us, or by nothing but the stack's own files: `make up` asks first (deploy/preflight.py).
OF_THE_STACK = {"TRADING_MLFLOW_BUCKET", "TRADING_S3_ENDPOINT"}
# Of a worker on another host Compose asks for the stack's (deploy/worker-host.yaml), and the worker for what is made of it.
# Of MLflow's server the stack's own file says where the front is (deploy/mlflow.yaml).
OTHERS = {
    "TRADING_VISIBILITY_URL",
    "TRADING_GIT_REMOTE",
    "TRADING_HOST",
    "POSTGRES_HOST",
    "TRADING_STACK_HOST",
}


@pytest.mark.parametrize("name", sorted(set(ADDRESSES) - OF_THE_STACK - {"TRADING_REDIS_URL"}))
@pytest.mark.parametrize(
    "value", ["localhost:9000", "http://", "http://host:port", "http:/host", "minio", "http://a b"]
)
def test_an_address_that_is_none_is_one_line_with_its_name(name, value):
    with pytest.raises(ConfigError, match=rf"^{name} is '{value}'; it is an address like \S.*$"):
        settings_from({**KEYS, name: value}, Path("/p"))


def test_every_setting_that_is_an_address_is_declared_and_asked_before_the_stack_starts():
    files = [ROOT / "README.adoc", ROOT / "docker-compose.yml", ROOT / ".env.secrets.template"]
    texts = [
        *files,
        *(ROOT / "my_dagster_project").rglob("*.yaml"),
        *(ROOT / "my_dagster_project").rglob("*.adoc"),
    ]
    named = {name for file in texts for name in SETTING.findall(file.read_text(encoding="utf-8"))}
    assert {name for name in named if PLACE.search(name)} <= ADDRESSES.keys() | OTHERS
    wrong = dict.fromkeys([*ADDRESSES, "TRADING_GIT_REMOTE", "TRADING_HOST", "TRADING_BIND"], "c:\\x y")
    assert [said.split(" is ")[0] for said in wrong_addresses(wrong)] == list(wrong)


@pytest.mark.parametrize(
    "value",
    ["github.com/school/x.git", "localhost:8418/teams.git", "-u/x", "http://", "a b", "file://home/x.git"],
)
def test_a_git_remote_that_is_none_is_said_and_no_program_is_asked(value):
    with pytest.raises(ConfigError, match=r"^TRADING_GIT_REMOTE is '.*'; it is an address like https://git"):
        settings_from({"TRADING_GIT_REMOTE": value}, Path("/p"))


@pytest.mark.parametrize(
    "value",
    [
        "origin",
        "/srv/teams.git",
        "../x.git",
        "git@github.com:s/x.git",
        "ssh://git@h:22/x",
        "http://git:8418/x",
    ],
)
def test_what_git_takes_for_a_remote_is_taken(value):
    assert settings_from({"TRADING_GIT_REMOTE": value}, Path("/p")).git_remote == value


@pytest.mark.parametrize("value", ["http://a.example", "a:3000", "a/b", "a b", "-a"])
def test_a_host_is_a_host_alone(value):
    with pytest.raises(ConfigError, match=r"^TRADING_HOST is '.*'; it is a host's name or address alone"):
        settings_from({"TRADING_HOST": value}, Path("/p"))
    assert host_name({"X": "::1"}, "X") == "::1"
    assert host_name({"X": "my_host.example.org"}, "X") == "my_host.example.org"


@pytest.mark.parametrize("name", ["TRADING_HOME", "DAGSTER_HOME"])
def test_a_folder_that_cannot_be_there_is_said(tmp_path, name):
    file = tmp_path / "file"
    file.write_text("")
    for given in (file, file / "below"):
        with pytest.raises(ConfigError, match=rf"^{name} is '{given}'; {file} is no folder$"):
            settings_from({name: str(given)}, tmp_path)
    with pytest.raises(ConfigError, match=r"^TRADING_WORKER_ALIVE is '.*'; there is no folder "):
        pool_settings({"TRADING_WORKER_ALIVE": str(tmp_path / "no" / "file")})


def test_a_folder_of_another_host_is_no_folder_here():
    with pytest.raises(ConfigError, match="TRADING_STORE_URL is 'file://home/me/store'"):
        settings_from({"TRADING_STORE_URL": "file://home/me/store"}, Path("/p"))


def test_the_address_of_the_pool_is_checked_too_and_no_password_is_repeated():
    with pytest.raises(
        ConfigError, match=r"^TRADING_REDIS_URL is 'redis:6379'; it is an address like redis://"
    ):
        pool_settings({"TRADING_REDIS_URL": "redis:6379"})
    with pytest.raises(ConfigError, match=r"^TRADING_STORE_URL is not one; ") as told:
        settings_from({"TRADING_STORE_URL": "minio://me:hunter2@host/x"}, Path("/p"))
    assert "hunter2" not in str(told.value)


def test_addresses_that_are_right_are_taken():
    given = {
        **KEYS,
        "AWS_ENDPOINT_URL": "http://minio:9000",
        "MLFLOW_TRACKING_URI": "http://mlflow:5000",
        "TRADING_STORE_URL": "s3://trading/store",
        "TRADING_DVC_URL": "file:///srv/dvc",
        "TRADING_MLFLOW_ARTIFACTS": "mlflow-artifacts:/",
        "TRADING_DAGIT_URL": "http://[::1]:3000",
        "TRADING_FRONT_URL": "https://trading.example.org/",
    }
    found = settings_from(given, Path("/p"))
    assert (found.s3.endpoint_url, found.store_url) == ("http://minio:9000", "s3://trading/store")
    assert found.front_url == "https://trading.example.org"


@pytest.fixture
def odd(tmp_path, monkeypatch):
    """Settings of a home in a folder of all printable characters that a file system allows."""
    folder = tmp_path / "here" / ODD
    folder.mkdir(parents=True)
    environ = {"TRADING_HOME": str(folder)}
    found = settings_from(environ, tmp_path)
    prepare_environment(found, environ)
    monkeypatch.setenv("TRADING_DAGSTER_HISTORY", environ["TRADING_DAGSTER_HISTORY"])
    assert environ["DAGSTER_HOME"] != str(found.dagster_home)
    monkeypatch.setenv("DAGSTER_HOME", environ["DAGSTER_HOME"])
    yield found
    alias_of(folder).unlink()
    assert [one.name for one in (tmp_path / "here").iterdir()] == [ODD], "something lies outside the project"


def test_dagster_and_the_store_stay_in_a_folder_of_any_name(odd):
    @dg.asset
    def made() -> int:
        return 1

    with dg.DagsterInstance.from_config(os.environ["DAGSTER_HOME"]) as instance:
        assert dg.materialize([made], instance=instance, resources={"io_manager": dg.mem_io_manager}).success
        assert len(instance.get_runs()) == 1
        assert isinstance(instance.run_coordinator, TradingRunCoordinator)
        instance.all_instigator_state()
    assert {file.name for file in odd.home.rglob("*.db")} >= {"runs.db", "event_log.db", "schedules.db"}
    open_store(odd.store_url).put("a/b.txt", b"x")
    assert (odd.home / "store" / "a" / "b.txt").read_bytes() == b"x"


def test_dvc_reads_the_folder_it_was_told(odd):
    from configobj import ConfigObj  # what DVC reads its configuration with

    written = config_text(dvc_address(odd.dvc_url)).decode().splitlines()
    assert ConfigObj(written)['remote "storage"']["url"] == str(odd.home / "dvc")
    plain = config_text("file:///home/me/my project/.local/dvc")
    assert b"    url = /home/me/my project/.local/dvc\n" in plain


@pytest.mark.slow
def test_mlflow_writes_into_a_folder_of_any_name(odd):
    from my_dagster_project.models.tracking import start_run

    with start_run(odd.mlflow_uri, "red", "AAPL", {}, odd.mlflow_artifacts) as run:
        run.log_files({"notes.txt": b"kept"})
    assert (odd.home / "mlflow" / "mlflow.db").is_file()
    [kept] = (odd.home / "mlflow").rglob("notes.txt")
    assert kept.read_bytes() == b"kept"
