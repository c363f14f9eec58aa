"""A team walked through past sessions: what each refit would have said, which is what a season's said, and its scores."""

from dataclasses import asdict, replace
from datetime import date

import pandas as pd
import pytest
import yaml

from my_dagster_project.domain.evaluation import evaluate, score
from my_dagster_project.domain.ranking import pooled_mase
from my_dagster_project.foundation.errors import ConfigError, TradingError
from my_dagster_project.pipeline.assets import keys
from my_dagster_project.pipeline.code_location import build_definitions
from my_dagster_project.pipeline.evaluating import (
    JOB,
    OP,
    require_walkable,
    sessions_between,
    stored_evaluation,
)
from my_dagster_project.pipeline.recomputing import Recomputing
from my_dagster_project.pipeline.walk_forward import Walk, model_of, stored
from my_dagster_project.reports.figure_addresses import address_of
from my_dagster_project.storage.parquet import from_session_files, to_parquet
from my_dagster_project.storage.stored_bars import BARS_FILE, read_bars
from my_dagster_project.teams.platform import load_platform
from tests.support.house import House, build, failures

RED = ("red", "AAPL")
MOMENTUM = {"kind": "baseline", "strategy": "momentum", "input": "return_5"}
SEASON = ["2013-01-30", "2013-01-31", "2013-02-01", "2013-02-04"]


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> House:
    """A team whose two refits have predicted some sessions of the competition."""
    built = build(tmp_path_factory.mktemp("walk"), {"red": ["AAPL"]}, refit="monthly", model=MOMENTUM)
    windows = ["2013-01-01", "2013-02-01"]
    for wanted, over in (
        (keys.bars_key("AAPL"), []),
        (keys.features_key(*RED), []),
        (keys.training_rows_key(*RED), windows),
        (keys.model_key(*RED), windows),
        (keys.predictions_key(*RED), SEASON),
    ):
        run = built.materialize(wanted, sessions=over)
        assert run.success, failures(run)
    return built


def walk(house: House, first: str, last: str) -> Walk:
    return Walk(house.platform, *RED, sessions_between(house.platform, first, last), house.store)


def test_it_says_what_the_season_said(house):
    said = walk(house, SEASON[0], SEASON[-1]).predictions(None, print)
    lived = from_session_files(house.store.read((*RED, "predictions")))
    columns = ["session", "target_session", "close", "predicted_return", "trained_through"]
    pd.testing.assert_frame_equal(said[columns], lived[columns])


def test_it_begins_before_the_competition_and_no_refit_sees_what_it_predicts(house):
    table = walk(house, "2012-03-15", "2012-06-20").predictions(None, print)
    assert table["refit"].unique().tolist() == ["2012-03-01", "2012-04-01", "2012-05-01", "2012-06-01"]
    assert (table["trained_through"] < table["session"]).all()
    assert (table["session"].iloc[0], table["session"].iloc[-1]) == (
        pd.Timestamp("2012-03-15"),
        pd.Timestamp("2012-06-20"),
    )
    assert table["model"].nunique() == 4
    assert len(list(house.store.store.list(".controls/"))) == 1, (
        "its own kind is asked once, not by each refit"
    )


def test_what_came_later_changes_nothing_and_what_is_stored_is_not_trained_again(house, tmp_path):
    first = walk(house, "2012-08-01", "2012-09-10")
    known = first.predictions(None, print)
    trained: list[str] = []
    assert walk(house, "2012-08-01", "2012-09-10").predictions(None, trained.append).equals(known)
    assert (trained, walk(house, "2012-08-01", "2012-09-10").left) == ([], [])
    other = build(tmp_path, {"red": ["AAPL"]}, refit="monthly", model=MOMENTUM)
    bars = read_bars(house.store, "AAPL")
    cut = bars[bars["session"] <= "2012-09-12"]
    other.store.write(("market", "AAPL", "bars"), {BARS_FILE: to_parquet(cut)}, replace=True, record={})
    again = walk(other, "2012-08-01", "2012-09-10").predictions(None, trained.append)
    assert again.equals(known)
    assert len(trained) == 2


def test_more_sessions_of_a_window_are_predicted_by_the_model_that_is_kept(house):
    walk(house, "2012-11-01", "2012-11-09").predictions(None, print)
    trained: list[str] = []
    table = walk(house, "2012-11-01", "2012-11-30").predictions(None, trained.append)
    assert (trained, len(table)) == ([], 21)
    kept = house.store.fingerprint(model_of(*RED, date(2012, 11, 1)))
    assert table["model"].unique().tolist() == [kept]


def test_an_edit_is_walked_anew(house):
    walk(house, "2012-10-01", "2012-10-31").predictions(None, print)
    source = house.platform.sources.teams["red"]
    text = source.text.replace("input: return_5", "input: return_21")
    assert text != source.text
    platform = load_platform(replace(house.platform.sources, teams={"red": replace(source, text=text)}))
    trained: list[str] = []
    one = walk(house, "2012-10-01", "2012-10-31")
    replace(one, platform=platform).predictions(None, trained.append)
    assert [said.rpartition(",")[0] for said in trained] == ["red AAPL: refit of 2012-10-01"]


def test_which_symbol_a_row_is_of_is_no_look_into_the_future(house):
    """Computed again without the symbol's name the column was another one, and the walk was refused."""
    source = house.platform.sources.teams["red"]
    config = yaml.safe_load(source.text)
    config["features"]["which"] = {"kind": "symbol"}
    text = yaml.safe_dump(config)
    platform = load_platform(replace(house.platform.sources, teams={"red": replace(source, text=text)}))
    table = replace(walk(house, "2012-10-01", "2012-10-31"), platform=platform).predictions(None, print)
    assert table["refit"].unique().tolist() == ["2012-10-01"]


def test_who_never_refits_has_one_model_from_before_all_of_it(tmp_path, house):
    platform = build(tmp_path, {"red": ["AAPL"]}, model=MOMENTUM).platform
    one = replace(walk(house, "2012-03-15", "2012-06-20"), platform=platform)
    assert [(refit.window, refit.closes) for refit in one.refits()] == [
        (date(2012, 3, 15), date(2012, 3, 14))
    ]


def test_the_job_scores_all_of_it_and_touches_nothing_else(house):
    before = house.store.fingerprint((*RED, "predictions"))
    job = build_definitions(house.platform, house.settings).resolve_job_def(JOB)
    asked = {"team": "red", "first": "2012-03-15", "last": "2012-06-20"}
    run = job.execute_in_process(run_config={"ops": {OP: {"config": asked}}}, instance=house.instance)
    assert run.success
    again = Recomputing(house.platform, house.store, address_of("red.evaluation.mase"))
    assert [one.equal for one in again.findings()] == [True]
    assert ("red", "evaluation") in again.objects()
    found = stored_evaluation(house.store, "red")
    assert (found.first, found.last) == ("2012-03-15", "2012-06-20")
    bars = read_bars(house.store, "AAPL")
    scored = score(walk(house, "2012-03-15", "2012-06-20").predictions(None, print), bars)
    assert found.whole.mase.value == pytest.approx(pooled_mase([evaluate(scored)]))
    assert found.whole.mase.low < found.whole.mase.value < found.whole.mase.high
    by_refit = [one for one in found.slices if one.cut == "refit"]
    assert sum(one.scores.n for one in by_refit) == found.whole.n == len(scored)
    assert {one.name for one in found.slices if one.cut == "volatility"} == {"calm", "usual", "wild"}
    assert asdict(found.slices[1].scores) == asdict(found.whole)  # of one symbol
    assert house.store.fingerprint((*RED, "predictions")) == before
    assert {asset[-1] for asset in house.store.of("red")} >= {stored(*RED)[-1], "evaluation"}


def test_what_cannot_be_walked_says_so(house, tmp_path):
    pooled = build(tmp_path, {"red": ["AAPL"]}, refit="monthly", model={**MOMENTUM, "scope": "team"}).platform
    with pytest.raises(ConfigError, match="one model for all its symbols"):
        require_walkable(pooled, "red")
    with pytest.raises(TradingError, match="no session whose next one has closed"):
        sessions_between(house.platform, "2013-02-01", "2013-01-01")
    with pytest.raises(TradingError, match="a session is a date like"):
        sessions_between(house.platform, "yesterday")
    with pytest.raises(ConfigError, match="no team 'green'"):
        require_walkable(house.platform, "green")
    with pytest.raises(ConfigError, match="red does not trade IBM"):
        require_walkable(house.platform, "red", ["IBM"])
    assert sessions_between(house.platform)[-1] == date(2013, 2, 28)
