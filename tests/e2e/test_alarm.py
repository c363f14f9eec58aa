"""Figures too good to be true: no check of the chain fails, and still nothing ends well until somebody has looked."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from my_dagster_project.foundation.calendar import load_calendar
from tests.e2e.project import Project

pytestmark = pytest.mark.full

LAST = date(2013, 3, 1)
SAID = "red has no rank: INS: too good to be true: MASE 0."


def foretold(folder) -> None:
    """Prices of a stock that takes back nine tenths of each return on the next day: a label that shows through a feature."""
    sessions = load_calendar("XNYS").sessions(date(2009, 1, 2), LAST)
    random, moves = np.random.default_rng(1), [0.0]
    for noise in random.normal(0, 0.006, len(sessions) - 1):
        moves.append(-0.9 * moves[-1] + noise)
    closes = 100 * np.exp(np.cumsum(moves))
    opens = np.concatenate([[100], closes[:-1]]) * np.exp(random.normal(0, 0.001, len(sessions)))
    table = pd.DataFrame({"session": sessions, "open": opens, "close": closes, "adj_close": closes})
    table["high"], table["low"] = np.maximum(opens, closes) * 1.002, np.minimum(opens, closes) * 0.998
    table["volume"] = random.integers(900_000, 1_100_000, len(sessions))
    folder.mkdir()
    table.to_csv(folder / "INS.csv", index=False)


def to_red_alone(registry) -> None:
    registry["teams"] = {"red": registry["teams"]["red"]}
    registry["market"] |= {"source": "csv", "path": "prices", "symbols": ["INS"], "end": LAST}
    registry["competition"] |= {"replay_sessions": 30}


def to_one_feature(config) -> None:
    config["symbols"] = ["INS"]
    config["features"] = {"return_1": {"kind": "log_return", "sessions": 1}}
    config["ludwig"]["input_features"] = [{"name": "return_1", "type": "number"}]
    config["ludwig"]["combiner"]["dropout"] = 0.0
    config["ludwig"]["trainer"] = {"epochs": 25, "learning_rate": 0.02, "optimizer": {"type": "adam"}}


@pytest.fixture
def project(fresh) -> Project:
    made = fresh()
    foretold(made.folder / "prices")
    made.edit("teams", to_red_alone)
    made.edit("red", to_one_feature)
    return made


def test_a_label_that_shows_through_ends_with_1_and_without_a_rank_until_it_is_cleared(project):
    environment = {"TRADING_CONFIG": "working-tree"}
    run = project.trading("run", **environment)
    assert run.problems == []
    assert SAID in " ".join(run.out.split())
    assert run.code == 1
    status = project.trading("status", "--check", **environment)
    assert status.code == 1
    assert "too good to be true" in status.out
    cleared = project.trading("clear", "red", "--reason", "the stock is made up", **environment)
    assert cleared.code == 0, cleared.text
    assert "the stock is made up" in cleared.out
    assert project.trading("status", "--check", **environment).code == 0
    done = project.trading("run", **environment)
    assert done.code == 0, done.text
    assert "has no rank" not in done.out
