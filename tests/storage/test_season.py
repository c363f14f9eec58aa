"""The state of a season: it only goes forward, whoever drives it, on a folder and on S3."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from my_dagster_project.foundation.calendar import load_calendar
from my_dagster_project.foundation.errors import SeasonError, SeasonMovedError, StorageError
from my_dagster_project.storage.file_store import FileStore
from my_dagster_project.storage.season import SeasonBook, State
from tests.support.draws import draws

XNYS = load_calendar()
FIRST, LAST = date(2012, 12, 3), date(2013, 3, 1)
BEGUN = State("autumn", FIRST, FIRST, LAST, session_every=30)


@pytest.fixture
def season(store) -> SeasonBook:
    season = SeasonBook(store)
    season.begin(BEGUN, "olga")
    return season


def test_a_closed_session_leads_to_the_next_one_with_what_was_missed(season):
    assert season.close(XNYS, FIRST, "driver", {"red": "no predictions in time"}).session == date(2012, 12, 4)
    season.close(XNYS, date(2012, 12, 4), "driver")
    state = season.read()
    assert (state.session, state.ended) == (date(2012, 12, 5), False)
    assert state.missed == {"2012-12-03": {"red": "no predictions in time"}}
    assert [(one.number, one.what, one.by) for one in season.log()] == [
        (1, "begun", "olga"),
        (2, "session 2012-12-03 closed", "driver"),
        (3, "session 2012-12-04 closed", "driver"),
    ]


def test_a_driver_that_is_second_is_told_who_was_first(season):
    season.close(XNYS, FIRST, "driver on one host")
    with pytest.raises(
        SeasonMovedError, match=r"2012-12-03 is not the one at work.*driver on one host.*first"
    ):
        season.close(XNYS, FIRST, "driver on another")
    with pytest.raises(SeasonMovedError, match="a season was begun in this store"):
        season.begin(BEGUN, "otto")


def test_a_pause_and_a_closed_session_at_once_both_hold(season):
    paused = season.set("olga", "paused", paused=True, session_every=5.0)
    assert season.close(XNYS, FIRST, "driver").paused
    with pytest.raises(SeasonMovedError):
        season.change(paused, replace(paused, paused=False, what="resumed"), "otto")
    assert season.read().paused


def test_the_last_session_ends_the_season_and_nothing_goes_back(season):
    for session in XNYS.sessions(FIRST, LAST):
        state = season.close(XNYS, session, "driver", {"red": "late"} if session == FIRST else None)
    assert (state.ended, state.session) == (True, LAST)
    for back in (
        {"session": FIRST},
        {"ended": False},
        {"missed": {}},
        {"terms": {"calendar": "XLON"}},
        {"symbols": ("X",)},
    ):
        with pytest.raises(SeasonError, match="only goes forward"):
            season.change(state, replace(state, **back), "olga")
    with pytest.raises(SeasonMovedError):
        season.close(XNYS, LAST, "driver")


def test_a_session_that_has_not_closed_cannot_be_closed(tmp_path):
    session = XNYS.sessions(XNYS.last - timedelta(days=9), XNYS.last)[0]
    season = SeasonBook(FileStore(tmp_path))
    season.begin(State("autumn", session, session), "olga")
    with pytest.raises(SeasonError, match="has not closed at the exchange yet"):
        season.close(XNYS, session, "driver")


def test_without_a_season_there_is_none(store):
    assert SeasonBook(store).read() is None
    with pytest.raises(SeasonError, match="trading season start"):
        SeasonBook(store).close(XNYS, FIRST, "driver")


def test_a_damaged_state_is_no_state(season, store):
    store.put(".trading/season/000002.json", json.dumps({"name": "autumn"}).encode())
    with pytest.raises(StorageError, match=r"000002\.json.*damaged"):
        season.read()


@draws(10)
@given(st.lists(st.sampled_from(["close", "pause", "read"]), min_size=1, max_size=25), st.integers(2, 5))
def test_whoever_advances_it_every_session_is_closed_once_and_in_order(tmp_path_factory, acts, drivers):
    """Several drivers at once, each with a store of its own over the same folder, each with the same list of acts."""
    folder = tmp_path_factory.mktemp("season")
    SeasonBook(FileStore(folder)).begin(BEGUN, "olga")

    def drive(name: int) -> list[date]:
        season, seen = SeasonBook(FileStore(folder)), []
        for act in acts:
            seen.append(season.require().session)
            try:
                if act == "close":
                    season.close(XNYS, seen[-1], f"driver {name}")
                elif act == "pause":
                    season.set(f"driver {name}", "paused", paused=True)
            except SeasonMovedError:
                continue
        return seen

    with ThreadPoolExecutor(drivers) as pool:
        seen = list(pool.map(drive, range(drivers)))
    assert all(one == sorted(one) for one in seen)
    log = SeasonBook(FileStore(folder)).log()
    closed = [one.what.split()[1] for one in log if one.what.endswith("closed")]
    assert closed == [str(session) for session in XNYS.sessions(FIRST, LAST)[: len(closed)]]
    assert [one.number for one in log] == list(range(1, len(log) + 1))
    assert len(closed) >= acts.count("close")


def test_the_newest_state_is_found_without_asking_for_all_of_them(store, monkeypatch):
    """Hundreds of times a session: with sixty sessions behind it each look listed them all."""
    season = SeasonBook(store)
    season.begin(BEGUN, "olga")
    assert season.read().number == 1
    other = SeasonBook(store)
    for session in XNYS.sessions(FIRST, LAST)[:3]:
        other.close(XNYS, session, "driver")
    with monkeypatch.context() as patched:
        patched.setattr(type(store), "list", lambda *_: pytest.fail("listed"))
        assert season.read().number == 4
    for info in list(store.list(".trading/season/")):
        store.delete(info.key)
    assert season.read() is None, "the season was put away"
