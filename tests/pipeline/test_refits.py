"""Models that learn as time passes: a refit for each window, what is due of them, and what stays."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

import dagster as dg
import pandas as pd
import pytest

from my_dagster_project.foundation.adopted import Resolver
from my_dagster_project.foundation.dagster_private import CachingStaleStatusResolver, StaleStatus
from my_dagster_project.history.commits import Committed, commit_pending
from my_dagster_project.history.provenance import announce
from my_dagster_project.history.restore import restore
from my_dagster_project.models.manifest import read_manifest
from my_dagster_project.pipeline import chain
from my_dagster_project.pipeline.assets import keys
from my_dagster_project.pipeline.assets.report_asset import _rows_in_force
from my_dagster_project.pipeline.assets.team_context import TeamContext
from my_dagster_project.pipeline.code_location import build_definitions
from my_dagster_project.pipeline.due import Due, Part
from my_dagster_project.pipeline.freshness import Freshness, _Loading
from my_dagster_project.pipeline.io_manager import StoredWindows
from my_dagster_project.pipeline.refit_windows import windows_in_use
from my_dagster_project.storage.names import of_window
from my_dagster_project.storage.parquet import from_parquet, to_parquet
from my_dagster_project.teams.platform import Platform, load_platform
from tests.support.gitrepo import git
from tests.support.house import House, build, failures

RED = ("red", "AAPL")
FEATURES, ROWS, MODEL = keys.features_key(*RED), keys.training_rows_key(*RED), keys.model_key(*RED)
PREDICTIONS = keys.predictions_key(*RED)
SESSIONS = ["2013-01-30", "2013-01-31", "2013-02-01", "2013-02-04"]
JANUARY, FEBRUARY = WINDOWS = ["2013-01-01", "2013-02-01"]
TRAIN = chain.job("train")


def made(house: House, *wanted: dg.AssetKey, over: Sequence[str] = ()) -> None:
    run = house.materialize(*wanted, sessions=over)
    assert run.success, failures(run)


def due(house: House, sessions: list[str] = SESSIONS, *, revised: bool = False) -> list[Part]:
    graph = build_definitions(house.platform, house.settings).resolve_asset_graph()
    now = Due(house.platform, graph, house.instance, house.settings, revised=revised)
    return now.parts(TRAIN, "red", sessions)


def edited(house: House, old: str, new: str) -> House:
    """The same house after an edit of red's file."""
    source = house.platform.sources.teams["red"]
    assert old in source.text
    sources = replace(
        house.platform.sources, teams={"red": replace(source, text=source.text.replace(old, new))}
    )
    return replaced(house, load_platform(sources))


def replaced(house: House, platform: Platform) -> House:
    """The same house, its records included, with another platform."""
    again = House(platform, house.settings)
    again.instance = house.instance
    return again


@dataclass(frozen=True)
class StandingClock:
    """An exchange clock that shows one instant."""

    instant: datetime

    def now(self) -> datetime:
        return self.instant


def lived(house: House) -> House:
    """The same house where sessions are lived, in February."""
    market = house.platform.registry.market.model_copy(update={"end": None})
    registry = house.platform.registry.model_copy(update={"market": market})
    clock = StandingClock(datetime(2013, 2, 5, 12, tzinfo=UTC))
    return replaced(house, replace(house.platform, registry=registry, clock=clock))


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> House:
    """Two refits of one symbol, trained in one run, and predictions over the end of the month between them."""
    drift = {"kind": "baseline", "strategy": "drift"}
    built = build(tmp_path_factory.mktemp("refits"), {"red": ["AAPL"]}, refit="monthly", model=drift)
    made(built, keys.bars_key("AAPL"))
    assert due(built) == [Part([FEATURES, ROWS, MODEL], WINDOWS)]
    made(built, FEATURES)
    made(built, ROWS, over=WINDOWS)
    assert due(built) == [Part([MODEL], WINDOWS)]
    made(built, MODEL, over=WINDOWS)
    made(built, PREDICTIONS, over=SESSIONS)
    return built


def manifest(house: House, window: str):
    return read_manifest(house.store.read(of_window((*RED, "model"), window)))


def test_each_refit_saw_everything_before_its_window_and_has_a_seed_of_its_own(house):
    january, february = manifest(house, JANUARY), manifest(house, FEBRUARY)
    assert (january.trained_through, february.trained_through) == (date(2012, 12, 31), date(2013, 1, 31))
    assert january.seed != february.seed
    assert sum(february.rows.values()) > sum(january.rows.values())


def test_each_session_is_predicted_by_the_refit_of_its_window(house):
    read = {
        session: from_parquet(house.store.read_file((*RED, "predictions"), f"{session}.parquet")).iloc[0]
        for session in SESSIONS
    }
    by = {window: house.store.fingerprint(of_window((*RED, "model"), window)) for window in WINDOWS}
    assert [row["model"] for row in read.values()] == [by[JANUARY]] * 2 + [by[FEBRUARY]] * 2
    for session, row in read.items():
        assert row["trained_through"].date() < date.fromisoformat(session)


def test_every_refit_is_up_to_date_with_a_version_of_its_own(house):
    assert due(house) == []
    events = house.instance.fetch_materializations(MODEL, limit=10).records
    assert [event.partition_key for event in events] == WINDOWS[::-1]
    assert len({event.asset_materialization.tags["dagster/data_version"] for event in events}) == 2


def test_a_report_measures_drift_against_what_the_model_in_force_learned_from(house):
    """It took the 250 rows before the first scored session: what no model that predicts had learned from alone, months ago."""
    red = TeamContext("red", house.platform.teams["red"], house.platform)
    stored = StoredWindows(house.store, (*RED, "training_rows"), ["2012-12-01", *WINDOWS])
    for newest, window in ((SESSIONS[1], JANUARY), (SESSIONS[-1], FEBRUARY)):
        predictions = pd.DataFrame({"session": pd.to_datetime([SESSIONS[0], newest])})
        assert _rows_in_force(red, predictions, stored).equals(stored[window])
    untrained = pd.DataFrame({"session": pd.to_datetime(["2012-12-03"])})
    assert _rows_in_force(red, untrained, stored).empty
    made(house, keys.report_key(*RED))
    graph = build_definitions(house.platform, house.settings).resolve_asset_graph()
    assert graph.get(keys.report_key(*RED)).parent_keys >= {ROWS, PREDICTIONS}


def test_new_rows_of_features_make_no_refit_of_the_past_stale(house):
    """They come every morning, and Dagit called every model of the past out of date."""
    graph = build_definitions(house.platform, house.settings).resolve_asset_graph()
    version = dg.AssetMaterialization(FEATURES, tags={"dagster/data_version": "another morning"})
    house.instance.report_runless_asset_event(version)
    status = CachingStaleStatusResolver(house.instance, graph, _Loading(house.instance)).get_status
    assert [status(ROWS, window) for window in WINDOWS] == [StaleStatus.STALE] * 2
    assert [status(MODEL, window) for window in WINDOWS] == [StaleStatus.FRESH] * 2
    assert not any(set(part.assets) & {ROWS, MODEL} for part in due(house))
    made(house, FEATURES)


def test_a_longer_market_makes_only_the_new_window_due(house):
    assert due(house, ["2012-12-28", *SESSIONS]) == [Part([ROWS, MODEL], ["2012-12-01"])]


def test_a_remake_trains_what_follows_from_revised_features_in_one_go(house, monkeypatch):
    """Rows alone were made anew; the models behind them were then out of date, so nothing was predicted by them, and the
    sessions were traded again on what the old ones had said."""
    monkeypatch.setattr(Freshness, "is_fresh", lambda self, key, sessions=(): key != FEATURES)
    assert due(house) == [Part([FEATURES], [])]
    assert due(house, revised=True) == [Part([FEATURES, ROWS, MODEL], WINDOWS)]


def test_an_edit_retrains_the_windows_of_a_replay_and_in_a_season_only_the_one_in_force(house):
    after = edited(house, "strategy: drift", "strategy: always_up")
    assert windows_in_use(after.platform, "red") == [FEBRUARY]
    assert due(after) == [Part([MODEL], WINDOWS)]
    assert windows_in_use(lived(after).platform, "red") == [FEBRUARY]
    assert due(lived(after)) == [Part([MODEL], [FEBRUARY])]


def test_a_window_that_has_not_begun_is_not_trained(house):
    clock = StandingClock(datetime(2013, 1, 31, 22, tzinfo=UTC))
    run = replaced(house, replace(house.platform, clock=clock)).materialize(ROWS, sessions=[FEBRUARY])
    assert "window 2013-02-01 has not begun" in failures(run)["red__AAPL__training_rows"]


def test_of_a_refused_refit_the_earlier_one_stays_in_force(house):
    """A season of a team whose one refit was stopped had no predictions for a month."""
    market = house.platform.registry.market.model_copy(update={"end": None})
    registry = house.platform.registry.model_copy(update={"market": market})
    clock = StandingClock(datetime(2013, 3, 2, 12, tzinfo=UTC))
    lived = replaced(house, replace(house.platform, registry=registry, clock=clock))
    sessions, march, daily = ["2013-03-01"], "2013-03-01", chain.job("daily")
    files = house.store.read(FEATURES.path)
    table = from_parquet(files["features.parquet"])
    leaking = {"features.parquet": to_parquet(table.assign(rsi_14=table["rsi_14"] * 1.01))}
    house.store.write(FEATURES.path, leaking, replace=True, record={})
    assert due(lived, sessions) == [Part([ROWS, MODEL], [march])]
    run = lived.materialize(ROWS, sessions=[march])
    said = failures(run)["red__AAPL__training_rows"]
    assert re.match(
        r"red AAPL, refit of 2013-03-01: rsi_14 of \d+ of \d+ rows is another .*earlier refit stays", said
    )
    graph = build_definitions(lived.platform, lived.settings).resolve_asset_graph()
    now = Due(lived.platform, graph, lived.instance, lived.settings)
    assert PREDICTIONS in now.part(daily, "red", sessions).assets
    made(lived, PREDICTIONS, over=sessions)
    row = from_parquet(house.store.read_file((*RED, "predictions"), f"{march}.parquet")).iloc[0]
    assert row["model"] == house.store.fingerprint(of_window((*RED, "model"), FEBRUARY))
    house.store.write(FEATURES.path, files, replace=True, record={})
    made(lived, ROWS, over=[march])
    again = Due(lived.platform, graph, lived.instance, lived.settings)
    assert PREDICTIONS not in again.part(daily, "red", sessions).assets, (
        "as soon as it may be trained it is waited for"
    )


def test_a_restore_brings_back_the_refits_of_a_version_and_leaves_the_others(house, tmp_path):
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "main")

    def commit() -> list[Committed]:
        return commit_pending(house.store, tmp_path, lambda owner: owner, lambda _: house.settings.dvc_url)

    commit()
    first, before = (
        git(tmp_path, "rev-parse", "red"),
        house.store.fingerprint(of_window((*RED, "model"), FEBRUARY)),
    )
    made(edited(house, "strategy: drift", "strategy: always_up"), MODEL, over=[FEBRUARY])
    made(house, ROWS, over=["2012-12-01"])
    made(house, MODEL, over=["2012-12-01"])
    assert due(house) == [Part([MODEL], [FEBRUARY])]
    done = restore(house.store, tmp_path, "red", first, commit, chain.restore_turn)
    assert house.store.fingerprint(of_window((*RED, "model"), FEBRUARY)) == before
    assert house.store.fingerprint(of_window((*RED, "model"), "2012-12-01")) is not None
    assert not [asset for asset in announce(house.instance, done) if asset[-1].startswith("model")]
    assert due(house, ["2012-12-28", *SESSIONS]) == []


def test_a_model_made_before_there_were_rows_of_training_is_adopted(tmp_path):
    """It was made from features and bars; the stage between came later, and nothing is trained again for it."""
    built = build(tmp_path, {"red": ["AAPL"]})
    graph = build_definitions(built.platform, built.settings).resolve_asset_graph()
    number = {}
    for key in (keys.bars_key("AAPL"), FEATURES):
        code = {"dagster/code_version": graph.get(key).code_version or "", "dagster/data_version": "1"}
        reads = {f"dagster/input_event_pointer/{one.to_user_string()}": number[one] for one in number}
        built.instance.report_runless_asset_event(dg.AssetMaterialization(key, tags={**code, **reads}))
        number[key] = str(built.instance.fetch_materializations(key, limit=1).records[0].storage_id)
    tags = {"dagster/code_version": graph.get(MODEL).code_version, "dagster/data_version": "1"}
    tags |= {f"dagster/input_event_pointer/{one.to_user_string()}": number[one] for one in number}
    tags |= {f"dagster/input_data_version/{one.to_user_string()}": "1" for one in number}
    built.instance.report_runless_asset_event(dg.AssetMaterialization(MODEL, tags=tags))
    assert [set(part.assets) & {ROWS, MODEL} for part in due(built)] == [{ROWS}]
    assert Resolver(built.instance, graph, _Loading(built.instance)).get_status(MODEL) == StaleStatus.FRESH
