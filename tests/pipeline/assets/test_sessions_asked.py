"""A step refuses, in a sentence, the sessions that it may not make at the time the exchange's clock shows."""

from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from my_dagster_project.foundation.errors import BrokerError
from my_dagster_project.pipeline.assets import keys
from my_dagster_project.pipeline.assets.sessions_asked import sessions_asked
from my_dagster_project.pipeline.assets.stamp import partitions_of
from my_dagster_project.pipeline.resources import all_resources
from tests.support.house import RANGE, failures
from tests.support.lapse import FIRST, lapse

ASSETS = Path(keys.__file__).parent
DECIDED, SETTLED = keys.orders_key("red"), dg.AssetKey(["red", "fills"])


@pytest.fixture
def season(tmp_path):
    """A lapse at its third session, and a way to ask a step for sessions of it."""
    platform, _ = lapse(tmp_path, date(2012, 12, 5))
    instance = dg.DagsterInstance.ephemeral()

    def ask(key: dg.AssetKey, *sessions: str) -> str:
        @dg.asset(
            key=key, partitions_def=partitions_of(platform), backfill_policy=dg.BackfillPolicy.single_run()
        )
        def step(context: dg.AssetExecutionContext) -> None:
            assert [str(day) for day in sessions_asked(context, platform)] == sorted(context.partition_keys)

        one = (
            {"partition_key": sessions[0]}
            if len(sessions) == 1
            else {"tags": dict(zip(RANGE, sessions, strict=bool(sessions)))}
        )
        result = dg.materialize([step], instance=instance, raise_on_error=False, **one)
        return "" if result.success else next(iter(failures(result).values()))

    return ask


@pytest.mark.parametrize("key", [DECIDED, SETTLED], ids=lambda key: key.path[-1])
def test_a_session_after_the_clock_is_refused(season, key):
    said = "session 2012-12-06 has not closed: the exchange's clock stands at 2012-12-05 21:00 UTC, and 2012-12-05 is the last"
    assert said in season(key, "2012-12-06")
    assert said in season(key, "2012-12-05", "2012-12-06")


def test_what_was_missed_is_not_decided_later(season):
    said = "session 2012-12-04 is over: the exchange opened at 2012-12-05 14:30 UTC"
    assert said in season(DECIDED, "2012-12-04")
    assert said in season(DECIDED, "2012-12-04", "2012-12-05")
    assert season(SETTLED, "2012-12-03", "2012-12-04") == ""


def test_what_was_decided_is_written_once(season):
    assert season(DECIDED, "2012-12-05") == ""
    assert "red/orders of session 2012-12-05 is on record" in season(DECIDED, "2012-12-05")
    assert season(SETTLED, "2012-12-05") == season(SETTLED, "2012-12-05") == ""


@pytest.mark.parametrize("key", [DECIDED, SETTLED], ids=lambda key: key.path[-1])
def test_a_run_that_was_launched_without_a_session_or_with_the_last_one_first_is_told(season, key):
    assert "is asked for a session, and this run names none" in season(key)
    assert "from 2012-12-05 to 2012-12-03 there is no session" in season(key, "2012-12-05", "2012-12-03")


def test_every_step_of_sessions_gets_them_from_the_one_place():
    asking = [
        path.name
        for path in ASSETS.glob("*.py")
        if "context.partition_key" in path.read_text(encoding="utf-8")
    ]
    assert asking == ["sessions_asked.py"]


def test_no_account_outside_lives_in_a_lapse(tmp_path, environ):
    environ(ALPACA_RED_KEY="key", ALPACA_RED_SECRET="secret")
    platform, settings = lapse(tmp_path, FIRST)
    broker = all_resources(platform, settings).broker.model_copy(
        update={"url": "https://paper-api.alpaca.markets"}
    )
    with pytest.raises(BrokerError, match="trades at today's prices; unset TRADING_BROKER_URL"):
        broker.open("red", "RED")
