"""Leaks planted in a table that is about to be stored, in a target and in predictions: each is named for what it is."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from my_dagster_project.domain import features as module
from my_dagster_project.domain.features import Feature, compute_features
from my_dagster_project.domain.lookahead import (
    check_features,
    ends_and_middle,
    inputs_problem,
    predictions_problem,
    target_problem,
)
from my_dagster_project.domain.targets import training_rows
from my_dagster_project.foundation.calendar import load_calendar

CUTOFF = date(2008, 9, 12)
FEATURES = [Feature("r", "log_return"), Feature("sma", "SMA", {"timeperiod": 10})]


@pytest.fixture(scope="module")
def table(apple):
    return compute_features(apple, FEATURES)


def forward(apple):
    return np.log(apple["adj_close"]).diff().shift(-1).fillna(0.0)


LEAKS = {
    "the label shifted by one": lambda table, apple: table.assign(r=table["r"].shift(-1).fillna(0.0)),
    "a small forward return": lambda table, apple: table.assign(
        r=forward(apple)[-len(table) :].to_numpy() / 390
    ),
    "a future close": lambda table, apple: table.assign(
        sma=apple["adj_close"].shift(-5).ffill()[-len(table) :].to_numpy()
    ),
    "a scaler fitted on all": lambda table, apple: table.assign(
        r=(table["r"] - table["r"].mean()) / table["r"].std()
    ),
    "one session only": lambda table, apple: table.assign(
        r=table["r"].where(table.index != len(table) - 2, 0.05)
    ),
}


@pytest.mark.parametrize("leak", LEAKS.values(), ids=LEAKS)
def test_a_leak_in_the_table_that_will_be_stored_is_caught(table, apple, leak):
    """The check looked at a computation of its own; what an asset stored besides it was never seen."""
    assert check_features(leak(table, apple), apple, FEATURES)
    assert check_features(table, apple, FEATURES) == []


def test_a_session_more_is_checked_against_what_was_stored_before_it_came(table, apple):
    """All truncations anew took half a second of each session of a season."""
    before, asked = table.iloc[:-1], []
    counted = lambda *given: asked.append(len(given[0])) or compute_features(*given)  # noqa: E731
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("my_dagster_project.domain.lookahead.compute_features", counted)
        assert check_features(table, apple, FEATURES, "", before) == []
    assert len(asked) == 1 < asked[0] < 50
    leaking = [leak(table, apple) for leak in LEAKS.values()]
    earlier = [leak(before, apple.iloc[:-1]) for leak in LEAKS.values()]
    for now, then in zip(leaking, earlier, strict=True):
        assert check_features(now, apple, FEATURES, "", then)
        assert check_features(now, apple, FEATURES, "", before)
    wrong = table.assign(sma=table["sma"].where(table.index != len(table) - 1, 0.05))
    assert [one.why for one in check_features(wrong, apple, FEATURES, "", before)] == ["with a later start"]


def test_a_missing_category_is_no_difference_from_itself(table, apple, monkeypatch):
    monkeypatch.setitem(module._OWN_KINDS, "weekday", lambda series: pd.Series(series["weekday"]).shift(-1))
    day = [Feature("weekday", "weekday")]
    found = check_features(compute_features(apple, day), apple, day)
    assert {mismatch.why for mismatch in found} == {"with nothing after it"}


KINDS = {
    "a forward return divided by 390": lambda series: (
        pd.Series(np.log(series["close"])).diff().shift(-1).ffill() / 390
    ),
    "the next open's gap": lambda series: pd.Series(series["open"]).shift(-1).ffill() / series["close"] - 1,
    "a scaler fitted on all": lambda series: (
        (series["volume"] - series["volume"].mean()) / series["volume"].std()
    ),
    "only what the greatest moves will be": lambda series: (
        pd.Series(np.log(series["close"])).diff().shift(-1).abs().gt(0.1).astype(float)
    ),
}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_kind_that_sees_the_future_is_caught_however_small_it_is(apple, kind, monkeypatch):
    monkeypatch.setitem(module._OWN_KINDS, "intraday_return", kind)
    wanted = [Feature("leak", "intraday_return")]
    assert check_features(compute_features(apple, wanted), apple, wanted)


def rows_of(table, apple, target="next_return", **changed):
    rows = training_rows(table, apple, target, start=None, cutoff=CUTOFF, validation_fraction=0.15)
    return rows.assign(**{name: change(rows) for name, change in changed.items()})


@pytest.mark.parametrize("target", ["next_return", "next_direction"])
def test_the_platforms_own_target_passes(table, apple, target):
    assert target_problem(rows_of(table, apple, target), apple, target, CUTOFF) is None


def test_a_wrong_way_target_is_told_as_such_and_not_as_a_cut_off(table, apple):
    past = np.log(apple["adj_close"]).diff()
    late = np.log(apple["adj_close"]).diff().shift(-2)

    def told(values):
        by_session = values.set_axis(apple["session"])
        rows = rows_of(table, apple, next_return=lambda rows: rows["session"].map(by_session).to_numpy())
        return target_problem(rows, apple, "next_return", CUTOFF)

    assert "has the wrong sign" in told(-np.log(apple["adj_close"]).diff().shift(-1))
    assert "is the return up to the session, which is known already" in told(past)
    assert "is a session late" in told(late)
    assert "is not the return" in told(past * 0.1)


def test_a_target_that_reaches_beyond_the_cut_off_says_so(table, apple):
    rows = rows_of(table, apple)
    said = target_problem(rows, apple, "next_return", rows["session"].max().date())
    assert "learns from the close of 2008-09-12, after the cut-off 2008-09-11" in said


def test_training_rows_have_the_features_of_their_own_session(table, apple):
    """Of the table that is stored the target alone was looked at."""
    rows = rows_of(table, apple)
    assert inputs_problem(rows, table) is None
    shifted = rows.assign(sma=rows["sma"].shift(-1).ffill())
    assert "but the features say" in inputs_problem(shifted, table)


def test_a_direction_upside_down_is_caught(table, apple):
    rows = rows_of(table, apple, "next_direction", next_direction=lambda rows: 1 - rows["next_direction"])
    assert "next_direction is not 1 where" in target_problem(rows, apple, "next_direction", CUTOFF)


@pytest.fixture
def predicted(apple):
    calendar = load_calendar("XNYS")
    rows = apple.iloc[500:560]
    sessions = [session.date() for session in rows["session"]]
    table = pd.DataFrame(
        {
            "session": rows["session"].to_numpy(),
            "target_session": pd.to_datetime([calendar.next_session(session) for session in sessions]),
            "close": rows["close"].to_numpy(),
            "predicted_return": np.random.default_rng(1).normal(0, 0.002, len(rows)),
        }
    )
    some = table[table["session"].isin(pd.DatetimeIndex(ends_and_middle(sessions)))]
    return table, calendar.next_session, some[["session", "predicted_return"]]


def test_predictions_are_about_their_own_session(predicted, apple):
    table, following, some = predicted
    assert predictions_problem(table, apple, following, some) is None
    assert predictions_problem(table.iloc[:1], apple, following, some.iloc[:1]) is None
    moved = table.assign(predicted_return=table["predicted_return"].shift(-1).fillna(0.0))
    assert "but the model says" in predictions_problem(moved, apple, following, some)
    late = table.assign(target_session=table["target_session"].shift(-1).ffill())
    assert "not the next session" in predictions_problem(late, apple, following, some)
    cheap = table.assign(close=table["close"] / 2)
    assert "but it closed at" in predictions_problem(cheap, apple, following, some)


@pytest.mark.parametrize("name", ["probability_up", "position"])
def test_everything_that_a_model_answered_is_stored_as_it_was(predicted, apple, name):
    """Orders follow positions and probabilities; the return alone was compared."""
    table, following, some = predicted
    own, said = table.assign(**{name: 0.5}), some.assign(**{name: 0.5})
    assert predictions_problem(own, apple, following, said) is None
    assert f"{name} 1.000000 is stored" in predictions_problem(
        own.assign(**{name: 1.0}), apple, following, said
    )
    assert predictions_problem(own.assign(**{name: np.nan}), apple, following, said)
    nothing = some.assign(**{name: np.nan})
    assert predictions_problem(own.assign(**{name: np.nan}), apple, following, nothing) is None
