"""Tries at a window: each edited configuration counts once, and the first result stays, whatever happens to the account."""

from datetime import date

import pytest

from my_dagster_project.foundation.errors import StorageError
from my_dagster_project.pipeline.partitions import replay_sessions
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.file_store import FileStore
from my_dagster_project.trading.replays import begin, end, tries
from tests.support.trading import SECOND, predict, trade

WINDOW = [date(2013, 2, 25), date(2013, 2, 26), date(2013, 2, 27)]
LATER, OTHER = [date(2013, 2, 27), date(2013, 2, 28)], [date(2013, 3, 1)]


@pytest.fixture
def store(tmp_path) -> AssetStore:
    return AssetStore(FileStore(tmp_path / "store"), FileStore(tmp_path / "dvc"))


def replay(store, configuration, total, window=WINDOW, team="red"):
    begin(store, team, window, configuration, f"red at {configuration}")
    if total is not None:
        end(store, team, window, total)


def told(store, window=WINDOW, team="red"):
    return [(one.configuration, one.total_return) for one in tries(store, team, window)]


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
    end(store, "red", WINDOW, 0.1)
    assert told(store) == []
    replay(store, "a", 0.01)
    [info] = store.store.list(".trading/replays/")
    store.store.put(info.key, b"{")
    with pytest.raises(StorageError, match=r"2013-02-25_2013-02-27/a\.json of a replay is damaged"):
        tries(store, "red", WINDOW)


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
