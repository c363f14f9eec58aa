"""Tries at a window: each edited configuration counts once, and the first result stays, whatever happens to the account."""

import json
from datetime import date

import pytest

from my_dagster_project.foundation.errors import StorageError
from my_dagster_project.pipeline.partitions import replay_sessions
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.file_store import FileStore
from my_dagster_project.trading.replays import begin, end, evaluated, trials, tries
from tests.support.trading import SECOND, predict, trade

WINDOW = [date(2013, 2, 25), date(2013, 2, 26), date(2013, 2, 27)]
LATER, OTHER = [date(2013, 2, 27), date(2013, 2, 28)], [date(2013, 3, 1)]


@pytest.fixture
def store(tmp_path) -> AssetStore:
    return AssetStore(FileStore(tmp_path / "store"), FileStore(tmp_path / "dvc"))


def replay(store, configuration, total, window=WINDOW, team="red"):
    begin(store, team, window, configuration, f"red at {configuration}")
    if total is not None:
        end(store, team, window, returns(total, window))


def returns(total, window=WINDOW):
    """Nothing, but for the last session."""
    return {day.isoformat(): total if day == window[-1] else 0.0 for day in window}


def told(store, window=WINDOW, team="red"):
    return [
        (one.configuration, one.total_return and round(one.total_return, 9))
        for one in tries(store, team, window)
    ]


def test_every_configuration_counts_once_and_its_first_result_stays(store):
    replay(store, "a", 0.01)
    replay(store, "b", -0.02)
    replay(store, "a", 0.5)  # back again: nothing new, and no better
    replay(store, "b", 0.6)
    assert told(store) == [("a", 0.01), ("b", -0.02)]
    assert told(store, team="blue") == []


def test_a_replay_that_was_given_up_halfway_was_a_try(store):
    replay(store, "a", None)
    replay(store, "b", 0.03)
    assert told(store) == [("a", None), ("b", 0.03)]
    replay(store, "a", 0.04)
    assert told(store) == [("a", 0.04), ("b", 0.03)]


def test_windows_that_share_a_session_are_one_to_those_who_count(store):
    replay(store, "a", 0.01)
    replay(store, "b", 0.02, LATER)
    replay(store, "c", 0.03, OTHER)
    assert told(store, LATER) == [("a", 0.01), ("b", 0.02)]
    assert told(store, OTHER) == [("c", 0.03)]


def test_nothing_begun_has_no_end_and_a_damaged_record_is_named(store):
    end(store, "red", WINDOW, returns(0.1))
    assert told(store) == []
    replay(store, "a", 0.01)
    [info] = store.store.list(".trading/replays/")
    store.store.put(info.key, b"{")
    with pytest.raises(StorageError, match=r"2013-02-25_2013-02-27/a\.json of a replay is damaged"):
        tries(store, "red", WINDOW)


def test_a_trial_is_a_configuration_on_a_span_with_its_returns_written_once(store):
    replay(store, "a", 0.01)
    replay(store, "a", 0.5)
    replay(store, "b", None)
    replay(store, "a", 0.02, OTHER)
    evaluated(store, "red", "a", "red at a", returns(0.04))
    evaluated(store, "red", "a", "red at a", returns(0.9))
    evaluated(store, "blue", "a", "blue at a", returns(0.7))
    found = sorted(sum(one.values()) for one in trials(store, "red"))
    assert found == [0.01, 0.02, 0.04], "repetitions are none, another span or a walk is one"
    assert [one.configuration for one in tries(store, "red", WINDOW)] == ["a", "b"], "a walk is no replay"


def test_a_try_of_before_returns_were_kept_gets_those_of_the_same_result_alone(store):
    replay(store, "a", 0.01)
    [info] = store.store.list(".trading/replays/")
    old = {name: value for name, value in json.loads(store.store.get(info.key)).items() if name != "returns"}
    store.store.put(info.key, json.dumps(old).encode())
    assert trials(store, "red") == []
    end(store, "red", WINDOW, returns(0.5))
    assert trials(store, "red") == []
    end(store, "red", WINDOW, returns(0.01))
    assert trials(store, "red") == [returns(0.01)]


def test_the_session_that_begins_the_window_begins_a_try_and_no_other_does(house):
    window = replay_sessions(house.platform)
    assert window[1].isoformat() == SECOND
    predict(house, window[0].isoformat(), AAPL=0.01)
    predict(house, SECOND, AAPL=0.01)
    assert trade(house, window[0].isoformat()).success
    [one] = tries(house.store, "red", window)
    assert one.configuration == house.platform.teams["red"].trial_fingerprint()
    assert (one.origin, one.total_return) == (house.platform.origin("red"), None)
    house.store.store.delete(house.store.store.list(".trading/replays/")[0].key)
    assert trade(house, SECOND).success
    assert trade(house, window[0].isoformat()).success  # it has passed: nothing is traded, nothing is tried
    assert tries(house.store, "red", window) == []
