"""A prediction is believed as far as its own file proves it; what is wrong with one stops its symbol and nobody else."""

from datetime import date

import pandas as pd
import pytest

from my_dagster_project.domain.volatility import largest_moves
from my_dagster_project.storage.parquet import from_parquet, to_parquet
from my_dagster_project.trading.closes import history
from tests.support.house import failures
from tests.support.trading import FIRST, predict, sent, trade, why

AAPL = ("red", "AAPL", "predictions")


def table(house) -> pd.DataFrame:
    return from_parquet(house.store.read_file(AAPL, f"{FIRST}.parquet"))


def stored(house, data: pd.DataFrame | bytes) -> str:
    """Store this as the prediction of AAPL, trade, and give why AAPL was not; IBM was."""
    data = data if isinstance(data, bytes) else to_parquet(data)
    house.store.write(AAPL, {f"{FIRST}.parquet": data}, replace=False, record={})
    run = trade(house, FIRST)
    assert run.success, failures(run)
    assert sent(house) == ["red-20130222-IBM-buy-1"]
    return why(house, "AAPL")


@pytest.fixture
def predicted(house):
    predict(house, FIRST, AAPL=0.02, IBM=0.01)
    return house


def test_another_teams_file_that_was_copied_in_is_not_traded(predicted):
    assert "belongs to team blue" in stored(predicted, table(predicted).assign(team="blue"))


def test_another_symbols_file_is_not_traded(predicted):
    assert "its file holds a prediction of IBM" in stored(predicted, table(predicted).assign(symbol="IBM"))


def test_a_model_that_never_was_here_is_not_believed(predicted):
    why_not = stored(predicted, table(predicted).assign(team="red", model="0" * 32 + ".dir"))
    assert "model 00000000000000000000000000000000.dir made it, and there never was one here" in why_not


def test_the_model_in_force_is_believed_and_so_is_one_from_before(predicted):
    model = predicted.store.write(("red", "AAPL", "model"), {"a": b"one"}, replace=True, record={})
    predicted.store.write(
        AAPL,
        {f"{FIRST}.parquet": to_parquet(table(predicted).assign(team="red", model=model.md5))},
        replace=False,
        record={},
    )
    assert trade(predicted, FIRST).success
    assert len(sent(predicted)) == 2


def test_of_two_contradictory_rows_none_is_traded(predicted):
    both = pd.concat([table(predicted), table(predicted).assign(predicted_return=-0.02)])
    assert "2 predictions for one session" in stored(predicted, both)


@pytest.mark.parametrize(("value", "words"), [(3.93, "+3.93 is beyond"), (1e308, "+1e+308 is beyond")])
def test_a_return_beyond_anything_the_symbol_ever_did_stops_it(predicted, value, words):
    assert words in stored(predicted, table(predicted).assign(predicted_return=value))


@pytest.mark.parametrize(
    "data", [b"", b"PAR1 torn", None, "columns"], ids=["empty", "torn", "rows", "columns"]
)
def test_a_broken_file_names_its_symbol_and_stops_nobody_else(predicted, data):
    whole = table(predicted)
    data = whole.iloc[:0] if data is None else whole[["session"]] if data == "columns" else data
    assert "the file of its prediction cannot be read (" in stored(predicted, data)


def test_the_largest_move_is_as_of_the_session(house):
    known = history(house.store, "AAPL")
    moves = largest_moves(known.adjusted)
    assert list(moves) == sorted(moves)
    day = date(2013, 2, 22)
    assert known.largest_move(day) == moves[known.sessions.index(day)]
    assert known.largest_move(known.sessions[5]) is None
    assert largest_moves([1.0, float("nan"), 0.0, 2.0]) == (0.0, 0.0, 0.0, 0.0)
