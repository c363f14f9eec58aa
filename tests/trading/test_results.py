"""A team's money from its records alone, also from those of before settlements had their own costs."""

import json
from datetime import date
from decimal import Decimal

import pytest

from my_dagster_project.foundation.calendar import load_calendar
from my_dagster_project.foundation.errors import StorageError
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.file_store import FileStore
from my_dagster_project.trading.fills import NOTHING, Execution, SettledOrder, Settlement
from my_dagster_project.trading.results import Result, expected_sessions, result_of

FRIDAY, MONDAY, TUESDAY = date(2013, 2, 22), date(2013, 2, 25), date(2013, 2, 26)


@pytest.fixture
def store(tmp_path) -> AssetStore:
    return AssetStore(FileStore(tmp_path / "store"), FileStore(tmp_path / "dvc"))


def record(store, day, equity, *accepted, mode="paper"):
    outcomes = [{"order": {"id": "o"} if one else None} for one in accepted]
    body = {"mode": mode, "plan": {"snapshot": {"equity": equity}}, "outcomes": outcomes}
    store.write(("red", "orders"), {f"{day}.json": json.dumps(body).encode()}, replace=False, record={})


def settled(store, day, following, equity, *statuses, spread="5", drop=()):
    done = (Execution(Decimal(10), Decimal(100), "2013-02-25T14:30:00+00:00"),)
    orders = tuple(
        SettledOrder(
            *(str(n), "AAPL", "buy", status, Decimal(10), Decimal(10), None, None, None, NOTHING),
            done if status == "filled" else (),
        )
        for n, status in enumerate(statuses)
    )
    one = Settlement("red", day, following, "paper", orders, Decimal("0.10"), equity, Decimal(spread))
    told = {name: value for name, value in json.loads(one.to_json()).items() if name not in drop}
    store.write(("red", "fills"), {f"{day}.json": json.dumps(told).encode()}, replace=False, record={})


def test_nothing_on_record_is_nothing_earned(store):
    assert result_of(store, "red", Decimal(5)) == Result()


def test_orders_fills_costs_and_curve_are_those_on_record(store):
    record(store, FRIDAY, "100000", True, True)
    record(store, MONDAY, "100500.5", True, False)
    settled(store, FRIDAY, MONDAY, Decimal("100500.50"), "filled", "expired", "refused", "halted", "canceled")
    found = result_of(store, "red", Decimal(99))
    assert found.curve == ((FRIDAY, Decimal(100000)), (MONDAY, Decimal("100500.50")))
    # Three that the broker had after Friday, and one after Monday that has not been settled yet.
    assert (found.orders, found.fills) == (4, 1)
    assert found.costs == Decimal("0.60")
    assert (found.traded, found.settled) == ({FRIDAY, MONDAY}, {FRIDAY})


def test_settlements_of_before_they_had_costs_are_read_at_the_registrys_half_spread(store):
    settled(store, FRIDAY, MONDAY, None, "filled", drop=("costs", "spread_bps"))
    found = result_of(store, "red", Decimal(20))
    assert found.costs == Decimal("2.10")
    assert found.curve == ()


def test_a_session_in_mode_off_has_no_equity(store):
    record(store, FRIDAY, "0", mode="off")
    found = result_of(store, "red", Decimal(5))
    assert (found.curve, found.traded) == ((), {FRIDAY})


@pytest.mark.parametrize("damaged", [b"{", b"{}", b'{"mode": "paper", "plan": null, "outcomes": []}'])
def test_a_damaged_record_is_said_with_the_team(store, damaged):
    store.write(("red", "orders"), {f"{FRIDAY}.json": damaged}, replace=False, record={})
    with pytest.raises(StorageError, match="red"):
        result_of(store, "red", Decimal(5))


def test_expected_are_the_sessions_of_the_replay_and_those_the_team_had_before(store):
    calendar, window = load_calendar("XNYS"), [MONDAY, TUESDAY]
    assert expected_sessions(calendar, window, Result()) == window
    before = Result(traded=frozenset({FRIDAY, date(2013, 3, 1)}))
    assert expected_sessions(calendar, window, before) == [FRIDAY, MONDAY, TUESDAY]
    assert expected_sessions(calendar, [], before) == []
