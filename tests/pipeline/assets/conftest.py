"""The chain of two teams, run once for all tests that look at its results: about 40 s, most of it Ludwig."""

from dataclasses import dataclass

import dagster as dg
import pytest

from my_dagster_project.pipeline.assets import keys
from tests.support import house
from tests.support.trading import brief_pauses

brief = pytest.fixture(autouse=True)(brief_pauses)
SESSIONS = ("2013-02-22", "2013-02-25", "2013-02-26", "2013-02-27", "2013-02-28")
CHAINS = (("red", "AAPL"), ("red", "IBM"), ("blue", "AAPL"))


@dataclass(frozen=True)
class Chain:
    """A house in which everything was materialized, and the run of each stage."""

    house: house.House
    runs: dict[str, dg.ExecuteInProcessResult]


@pytest.fixture(scope="package")
def chain(tmp_path_factory) -> Chain:
    built = house.build(tmp_path_factory.mktemp("chain"), {"red": ["AAPL", "IBM"], "blue": ["AAPL"]})
    runs = {
        "bars": built.materialize(*(keys.bars_key(symbol) for symbol in built.platform.symbols)),
        "features": built.materialize(*(keys.features_key(*one) for one in CHAINS)),
        "training_rows": built.materialize(*(keys.training_rows_key(*one) for one in CHAINS)),
        "model": built.materialize(*(keys.model_key(*one) for one in CHAINS)),
        "predictions": built.materialize(*(keys.predictions_key(*one) for one in CHAINS), sessions=SESSIONS),
        "report": built.materialize(*(keys.report_key(*one) for one in CHAINS)),
    }
    teams = [keys.orders_key("red"), keys.orders_key("blue")]
    runs |= {f"orders {day}": built.materialize(*teams, sessions=[day]) for day in SESSIONS}
    fills = [keys.fills_key("red"), keys.fills_key("blue")]
    runs["fills"] = built.materialize(*fills, sessions=SESSIONS)
    runs["leaderboard"] = built.materialize(keys.leaderboard_key())
    problems = {name: house.failures(run) for name, run in runs.items() if not run.success}
    assert not problems, problems
    return Chain(built, runs)
