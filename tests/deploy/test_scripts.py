"""The small programs around the containers, run as they are; `docker` is a program that says how it was called."""

import importlib.util
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STACK = ROOT / "my_dagster_project" / "deploy"
DOCKER = '#!/bin/sh\necho "called: $*"\necho "extra: $TRADING_EXTRA"\necho "files: $COMPOSE_FILE"\necho "paper: ${TRADING_PAPER_BROKER-default}"\n'


@pytest.fixture
def compose(tmp_path):
    """Runs deploy/compose with a file of secrets; gives what docker was told."""
    docker = tmp_path / "docker"
    docker.write_text(DOCKER)
    docker.chmod(0o755)
    secrets = tmp_path / "secrets"

    def run(text: str, *arguments: str) -> str:
        secrets.write_text(text)
        environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "TRADING_SECRETS_FILE": str(secrets)}
        done = subprocess.run(
            [STACK / "compose", *arguments], env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout

    return run


def test_teams_accounts_and_webhooks_travel_together(compose):
    told = compose(
        "ALPACA_RED_KEY=one\nNOTIFY_RED_WEBHOOK='https://x/y=z'\nSMTP_HOST=\nREDIS_PASSWORD=two\n", "ps"
    )
    assert "extra: ALPACA_RED_KEY=one\nNOTIFY_RED_WEBHOOK=https://x/y=z\nfiles" in told
    assert "two" not in told


def test_the_bundled_git_server_is_for_who_has_no_other(compose):
    assert "--profile git" in compose("TRADING_GIT_REMOTE=\n", "up")
    assert "--profile git" not in compose("TRADING_GIT_REMOTE=https://host/x.git\n", "up")


def test_minio_is_left_out_where_s3_is_elsewhere(compose):
    assert "files: docker-compose.yml\n" in compose("", "up")
    assert "deploy/s3-elsewhere.yaml\n" in compose("TRADING_S3_ENDPOINT=https://s3.example.org\n", "up")


def test_databases_are_opened_to_other_hosts_only_when_asked(compose):
    assert "deploy/expose.yaml\n" in compose("TRADING_OTHER_HOSTS=1\n", "up")


def test_orders_go_to_one_broker(compose):
    assert "paper: default" in compose("", "up")
    assert "paper: \n" in compose("TRADING_BROKER_URL=https://paper-api.alpaca.markets\n", "up")


def test_without_secrets_it_says_how_to_get_them(tmp_path):
    environment = {**os.environ, "TRADING_SECRETS_FILE": str(tmp_path / "none")}
    done = subprocess.run(
        [STACK / "compose", "ps"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "make up" in done.stderr


def test_every_secret_file_becomes_a_variable(tmp_path):
    (tmp_path / "REDIS_PASSWORD").write_text("a b'c\n")
    (tmp_path / "TRADING_EXTRA").write_text("ALPACA_RED_KEY=one\nNOTIFY_RED_WEBHOOK=https://x/?a=b&c")
    done = subprocess.run(
        [STACK / "entrypoint", "env"],
        env={"PATH": "/usr/bin:/bin", "SECRETS_FOLDER": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    told = dict(line.split("=", 1) for line in done.stdout.splitlines())
    assert told["REDIS_PASSWORD"] == "a b'c"
    assert told["ALPACA_RED_KEY"] == "one"
    assert told["NOTIFY_RED_WEBHOOK"] == "https://x/?a=b&c"


def test_mlflow_gets_its_secrets_where_braces_name_them(tmp_path):
    spec = importlib.util.spec_from_file_location("start", ROOT / "mlflow-tracking-server" / "start.py")
    start = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(start)
    assert (
        start.filled("postgresql://mlflow:{PW}@db/{x}/{NONE}", {"PW": "p"})
        == "postgresql://mlflow:p@db/{x}/{NONE}"
    )
    start.write_auth_file(tmp_path / "auth.ini", "sqlite:///x", ("admin", "50%off"))
    assert (tmp_path / "auth.ini").stat().st_mode & 0o777 == 0o600
    assert "admin_password = 50%%off" in (tmp_path / "auth.ini").read_text()


@pytest.mark.parametrize(
    ("typed", "code", "called"), [("wipe\n", 0, True), ("yes\n", 1, False), ("", 1, False)]
)
def test_wiping_names_what_is_lost_and_asks(tmp_path, typed, code, called):
    docker = tmp_path / "docker"
    docker.write_text(DOCKER)
    docker.chmod(0o755)
    (tmp_path / "secrets").write_text("")
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "TRADING_SECRETS_FILE": str(tmp_path / "secrets")}
    done = subprocess.run(
        [STACK / "wipe"], env=environment, input=typed, capture_output=True, text=True, check=False
    )
    assert done.returncode == code
    assert "every object and version in MinIO" in done.stdout
    assert ("--profile * down --volumes --remove-orphans" in done.stdout) == called
