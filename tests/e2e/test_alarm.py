"""Rows too good to be true: what comes of them is refused before anything is trained. (Figures too good to be true: test_alarms.)"""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from my_dagster_project.foundation.calendar import load_calendar
from tests.e2e.project import Project

pytestmark = pytest.mark.full

LAST = date(2013, 3, 1)


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


def test_a_label_that_shows_through_is_refused_by_its_column_and_nothing_is_traded(project):
    environment = {"TRADING_CONFIG": "working-tree"}
    run = project.trading("run", **environment)
    assert run.code == 1
    [said] = run.problems
    assert "red INS: a ridge on" in said
    assert "too good to be true" in said
    assert "likely column return_1" in said
    assert project.trades()["orders"] == []
    status = project.trading("status", "--check", **environment)
    assert status.code == 1
    assert "red" in status.out
