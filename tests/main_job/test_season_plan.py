"""The change from a replay to a real season is the registry's, and says what is lacking before anything can be ordered."""

from dataclasses import replace
from datetime import UTC, date, datetime

import dagster as dg
import pytest

from my_dagster_project.foundation.errors import ConfigError
from my_dagster_project.foundation.settings import settings_from
from my_dagster_project.main_job.season_plan import (
    Check,
    checks,
    first_session,
    keep_accounts,
    planned_registry,
)
from my_dagster_project.pipeline.assets import sessions_asked as asking
from my_dagster_project.storage.season import State
from my_dagster_project.teams.deployment import on_its_clock, season_book
from my_dagster_project.teams.loading import load_registry
from my_dagster_project.teams.platform import load_platform
from tests.support.committed import PROJECT, committed
from tests.support.loopback import Reply, serving

START = date(2026, 12, 7)
TEXT = committed().sources.registry.text


@pytest.mark.parametrize("symbols", ["[AAPL, IBM]", "\n  - AAPL\n  - IBM"], ids=["one line", "a line each"])
def test_the_change_is_of_the_market_the_start_and_the_clock_alone(symbols):
    before = (
        TEXT.replace("[AAPL, GOOG, IBM, MSFT]", symbols)
        + "\nseason:\n  clock: {lapse: {session_every: 3s}}\n"
    )
    load_registry(before)
    after = planned_registry(before, "alpaca", START, ["MSFT"])
    registry, was = load_registry(after), committed().registry
    assert (registry.market.source, registry.market.end, registry.market.symbols) == (
        "alpaca",
        None,
        ("MSFT",),
    )
    assert (registry.competition.start, registry.season.lapse) == (START, None)
    assert registry.teams == was.teams
    assert registry.competition.model_copy(update={"start": was.competition.start}) == was.competition
    assert after.count("#") >= TEXT.count("#") - 3, "comments stay"
    assert planned_registry(after, "alpaca", START, ["MSFT"]) == after


def test_the_first_session_is_one():
    registry, now = committed().registry, datetime(2026, 9, 4, 12, tzinfo=UTC)
    assert first_session("next-monday", registry, now) == date(2026, 9, 8), "the Monday is Labor Day"
    assert first_session("2026-12-05", registry) == START
    with pytest.raises(ConfigError, match="a date like"):
        first_session("soon", registry)


def test_what_is_lacking_is_said_before_anything_is_ordered(tmp_path):
    settings = settings_from(
        {"TRADING_HOME": str(tmp_path), "TRADING_BROKER_URL": "https://paper-api.alpaca.markets"}, PROJECT
    )
    text = planned_registry(TEXT, "alpaca", START, [])
    found = {check.what: check for check in checks(text, committed().sources, settings)}
    assert {what for what, check in found.items() if check.well} == {
        "registry",
        "calendar",
        "file of red",
        "file of blue",
    }
    assert "market data key" in found["bars of IBM"].said
    assert "set ALPACA_RED_KEY and ALPACA_RED_SECRET" in found["account of red"].said


def test_an_account_is_a_teams_own_and_the_one_the_season_was_planned_with(tmp_path, environ):
    def looked_at(*ids: str, equity: str = "100000") -> dict[str, Check]:
        balance = {"status": "ACTIVE", "cash": equity, "equity": equity, "buying_power": equity}
        replies = [reply for one in ids for reply in (Reply({"id": one, **balance}), Reply([]))]
        with serving(*replies) as alpaca:
            keys = {
                f"ALPACA_{slot}_{part}": "k" * 20 for slot in ("RED", "BLUE") for part in ("KEY", "SECRET")
            }
            told = {"TRADING_HOME": str(tmp_path), "TRADING_BROKER_URL": alpaca.url, **keys}
            environ(TRADING_PROJECT=str(PROJECT), **told)
            settings = settings_from(told, PROJECT)
            found = list(checks(planned_registry(TEXT, "alpaca", START, []), committed().sources, settings))
            keep_accounts(settings, found)
        return {check.what: check for check in found if check.what.startswith("account")}

    assert "is the account of team red" in looked_at("PA-1", "PA-1")["account of blue"].said
    assert all(check.well for check in looked_at("PA-1", "PA-2").values())
    told = looked_at("PA-3", "PA-2")
    assert not told["account of red"].well
    assert "it is PA-3, another one than the season was planned with (PA-1" in told["account of red"].said
    assert "equity is 99999" in looked_at("PA-1", "PA-2", equity="99999")["account of red"].said


def test_nothing_is_decided_before_the_organiser_has_begun(tmp_path, environ):
    environ(TRADING_HOME=str(tmp_path), TRADING_PROJECT=str(PROJECT))
    settings = settings_from({"TRADING_HOME": str(tmp_path)}, PROJECT)
    sources, text = committed().sources, planned_registry(TEXT, "alpaca", START, [])
    live = replace(sources, registry=replace(sources.registry, text=text))
    platform = on_its_clock(load_platform(live), settings)
    with pytest.raises(dg.Failure, match="the season was not begun"):
        asking._require_begun(platform)
    season_book(settings).begin(State("autumn", START, START), "olga")
    asking._require_begun(platform)
