"""`model: {scope: team}`: one model learns from the rows of all of a team's symbols, and predicts each of them."""

from dataclasses import replace
from datetime import date

import dagster as dg
import pandas as pd
import pytest

from my_dagster_project.domain.targets import pooled_rows
from my_dagster_project.foundation.errors import ModelError
from my_dagster_project.history.commits import commit_pending
from my_dagster_project.history.restore import restore
from my_dagster_project.models.manifest import read_manifest
from my_dagster_project.people.status.symbol_chains import ChainReader, Expected
from my_dagster_project.pipeline import chain
from my_dagster_project.pipeline.assets import keys
from my_dagster_project.pipeline.code_location import build_definitions
from my_dagster_project.pipeline.due import Due, Part
from my_dagster_project.pipeline.training_budget import cpu_seconds
from my_dagster_project.pipeline.trainings import due_trainings, fingerprints
from my_dagster_project.storage.names import of_window
from my_dagster_project.storage.parquet import from_parquet
from my_dagster_project.teams.effects import effects
from my_dagster_project.teams.platform import load_platform
from my_dagster_project.trading.predicted import predicted
from tests.pipeline.test_refits import lived
from tests.support.gitrepo import git
from tests.support.house import House, checks, csv_house, failures

SYMBOLS = ["AAPL", "GOOG", "IBM"]
SESSIONS = ["2013-01-30", "2013-01-31", "2013-02-01"]
JANUARY, FEBRUARY = WINDOWS = ["2013-01-01", "2013-02-01"]
SINCE_DECEMBER = 61  # sessions to the end of the sample
POOLED = {"kind": "baseline", "scope": "team", "strategy": "drift"}
MODEL = keys.model_key("red", "")
ROWS = [keys.training_rows_key("red", symbol) for symbol in SYMBOLS]
FEATURES = [keys.features_key("red", symbol) for symbol in SYMBOLS]
TRAIN, DAILY = chain.job("train"), chain.job("daily")


def made(house: House, *wanted: dg.AssetKey, over=()) -> dg.ExecuteInProcessResult:
    run = house.materialize(*wanted, sessions=over)
    assert run.success, failures(run)
    return run


def due(house: House, job=TRAIN, sessions=SESSIONS) -> list[Part]:
    graph = build_definitions(house.platform, house.settings).resolve_asset_graph()
    return Due(house.platform, graph, house.instance, house.settings).parts(job, "red", list(sessions))


def edited(house: House, **changes) -> House:
    """The same house, its records included, with another file of red's."""
    import yaml

    source = house.platform.sources.teams["red"]
    text = yaml.safe_dump(yaml.safe_load(source.text) | changes)
    sources = replace(house.platform.sources, teams={"red": replace(source, text=text)})
    platform = load_platform(sources)
    assert not platform.problems, platform.problems
    again = House(platform, house.settings)
    again.instance = house.instance
    return again


def shorten(prices, sessions: int) -> None:
    """A stock that came to the exchange so many sessions ago."""
    head, *bars = prices.read_text().splitlines()
    prices.write_text("\n".join([head, *bars[-sessions:], ""]))


def stored(house: House, window: str):
    return house.store.read(of_window(("red", "model"), window))


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> House:
    """Two refits of one model of three symbols, trained in one run with their rows, and what follows from them."""
    folder = tmp_path_factory.mktemp("pooled")
    built = csv_house(folder, {"red": SYMBOLS}, SYMBOLS, refit="monthly", model=POOLED)
    settled = max(feature.reach.past for feature in built.platform.teams["red"].feature_list)
    shorten(folder / "prices" / "GOOG.csv", settled + SINCE_DECEMBER + 90)
    assert due(built) == [], "without bars there is nothing to learn from"
    made(built, *(keys.bars_key(symbol) for symbol in SYMBOLS))
    (part,) = due(built)
    assert (set(part.assets), part.sessions) == ({*FEATURES, *ROWS, MODEL}, WINDOWS)
    assert part.assets[-1] == MODEL
    run = made(built, *part.assets, over=WINDOWS)
    assert checks(run)["red/model", "onnx_agrees_with_baseline"].passed
    assert due(built) == []
    return built


def test_one_model_learns_from_the_rows_of_all_symbols_and_says_so(house):
    parts = {}
    for symbol in SYMBOLS:
        rows = from_parquet(
            house.store.read_file(("red", symbol, f"training_rows@{FEBRUARY}"), "training_rows.parquet")
        )
        assert rows["session"].max().date() < date(2013, 1, 31), "no close of its window"
        parts[symbol] = rows
    manifest = read_manifest(stored(house, FEBRUARY))
    assert (manifest.symbol, manifest.symbols, manifest.label) == ("", tuple(SYMBOLS), "red")
    assert manifest.trained_through == date(2013, 1, 31)
    whole = pooled_rows(parts, "next_return", 0.15)
    assert manifest.rows == {
        "train": int((whole["split"] == 0).sum()),
        "validation": int((whole["split"] == 1).sum()),
    }
    assert cpu_seconds(house.instance, "red") > 0
    events = house.instance.fetch_materializations(MODEL, limit=5).records
    assert [event.partition_key for event in events] == WINDOWS[::-1], "one training a window"
    assert len({event.asset_materialization.tags["dagster/data_version"] for event in events}) == 2


def test_all_symbols_are_split_at_one_session():
    """By a later row of another symbol a training would know what its validation is about."""
    days = pd.bdate_range("2010-01-04", periods=400)
    tables = {
        "OLD": pd.DataFrame({"session": days, "next_return": 0.01}),
        "NEW": pd.DataFrame({"session": days[-150:], "next_return": 0.02}),
        "FEW": pd.DataFrame({"session": days[-99:], "next_return": 0.03}),
    }
    rows = pooled_rows(tables, "next_return", 0.2)
    training, validation = rows[rows["split"] == 0], rows[rows["split"] == 1]
    assert set(rows["symbol"]) == {"OLD", "NEW"}
    assert set(training["symbol"]) == {"OLD", "NEW"}
    boundary = validation["session"].min()
    assert training["session"].max() < boundary - pd.offsets.BDay(1), "the last close it learns is before it"
    assert len(validation) == pytest.approx(0.2 * 550, abs=2)
    with pytest.raises(ModelError, match=r"no symbol has 100 training rows \(FEW 99\)"):
        pooled_rows({"FEW": tables["FEW"]}, "next_return", 0.2)


def test_each_symbol_is_predicted_by_it_and_traded_on(house):
    for part in due(house, DAILY):
        made(house, *(key for key in part.assets if key.path[-1] == "predictions"), over=SESSIONS)
    for session, window in zip(SESSIONS, (JANUARY, JANUARY, FEBRUARY), strict=True):
        for symbol in SYMBOLS:
            row = from_parquet(
                house.store.read_file(("red", symbol, "predictions"), f"{session}.parquet")
            ).iloc[0]
            assert row["model"] == house.store.fingerprint(of_window(("red", "model"), window))
            assert row["trained_through"].date() < date.fromisoformat(session)
    found = predicted("red", house.platform.teams["red"], date(2013, 2, 1), house.store)
    assert [(one.symbol, one.problem) for one in found.signals] == [(symbol, "") for symbol in SYMBOLS]
    made(house, keys.report_key("red", "AAPL"))
    definitions = build_definitions(house.platform, house.settings)
    reader = ChainReader(definitions, house.instance, house.platform.pooled)
    days = tuple(map(date.fromisoformat, SESSIONS))
    row = reader.team("red", ["AAPL"], Expected(days), busy=False).symbols[0]
    assert {name for name, fresh in row.marks.items() if fresh} >= {"training_rows", "model", "predictions"}


def test_a_symbol_without_rows_is_left_out_and_the_log_and_dagit_say_so(house):
    run = house.materialize(*ROWS, MODEL, sessions=["2012-12-01"])
    assert run.success, failures(run)
    (event,) = house.instance.fetch_materializations(
        dg.AssetRecordsFilter(asset_key=MODEL, asset_partitions=["2012-12-01"]), limit=1
    ).records
    told = event.asset_materialization.metadata
    assert told["left_out"].value.startswith("GOOG left out: fewer than 100 training rows")
    assert read_manifest(stored(house, "2012-12-01")).symbols == ("AAPL", "IBM")


def test_a_symbol_that_leaves_makes_the_model_another_and_its_rows_stay(house):
    after = edited(house, symbols=["AAPL", "IBM"])
    assert due(after) == [Part([MODEL], WINDOWS)]
    before, now = house.platform.teams["red"], after.platform.teams["red"]
    (told, dropped) = effects(before, now, WINDOWS)
    assert told.startswith(
        "trains one model of AAPL, IBM (2 trainings, windows from 2013-01-01 to 2013-02-01)"
    )
    assert dropped == "drops GOOG"
    requests, _ = due_trainings(after.platform, house.instance, fingerprints(house.platform))
    (request,) = requests
    assert [key for key in request.asset_selection if key.path[-1] == "model"] == [MODEL]


def test_a_symbol_that_comes_in_a_season_makes_the_refit_in_force_another_and_the_past_stays(house):
    before, january = lived(edited(house, symbols=["AAPL", "IBM"])), stored(house, JANUARY)
    made(before, MODEL, over=[FEBRUARY])
    assert (due(before), read_manifest(stored(house, FEBRUARY)).symbols) == ([], ("AAPL", "IBM"))
    after = lived(house)
    assert due(after) == [Part([MODEL], [FEBRUARY])], "January has predicted, and has ended"
    made(after, MODEL, over=[FEBRUARY])
    assert read_manifest(stored(house, FEBRUARY)).symbols == tuple(SYMBOLS)
    assert stored(house, JANUARY) == january
    assert due(after) == []


def test_a_restore_brings_back_each_window_of_it(house, tmp_path):
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "main")

    def commit():
        return commit_pending(house.store, tmp_path, lambda owner: owner, lambda _: house.settings.dvc_url)

    commit()
    first = git(tmp_path, "rev-parse", "red")
    before = [house.store.fingerprint(of_window(("red", "model"), one)) for one in WINDOWS]
    other = edited(house, model=POOLED | {"strategy": "always_up"})
    made(other, MODEL, over=[FEBRUARY])
    assert house.store.fingerprint(of_window(("red", "model"), FEBRUARY)) != before[1]
    restore(house.store, tmp_path, "red", first, commit, chain.restore_turn)
    assert [house.store.fingerprint(of_window(("red", "model"), one)) for one in WINDOWS] == before
