"""Between Dagster and the store: real assets, materialized on a folder and on S3."""

from datetime import date

import dagster as dg
import pandas as pd
import pytest

from my_dagster_project.pipeline.io_manager import StoreIOManager
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.dvc_format import dir_md5, md5_of
from my_dagster_project.storage.parquet import from_parquet, to_parquet
from my_dagster_project.storage.season import SeasonBook, State
from tests.support.house import failures

DAYS = dg.DailyPartitionsDefinition("2013-01-01", end_date="2013-01-11")
TABLE = pd.DataFrame({"session": pd.to_datetime(["2013-01-02", "2013-01-03"]), "close": [1.5, 2.5]})
ONE_RUN = dg.BackfillPolicy.single_run()


def of_day(day: str, close: float = 1.0) -> bytes:
    return to_parquet(pd.DataFrame({"session": [pd.Timestamp(day)], "close": [close]}))


def materialize(assets: AssetStore, *wanted, days=(), select=None, **options):
    ends = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
    return dg.materialize(
        wanted,
        selection=select,
        resources={"io_manager": StoreIOManager(assets)},
        partition_key=days[0] if len(days) == 1 else None,
        tags=dict(zip(ends, (days[0], days[-1]), strict=True)) if len(days) > 1 else None,
        **options,
    )


@dg.asset(key=["red", "AAPL", "features"], metadata={"config_sha": "abc123"})
def features():
    return {"features.parquet": to_parquet(TABLE)}


@dg.asset(key=["red", "AAPL", "model"])
def model():
    return {"model.onnx": b"graph", "ludwig/weights": b"weights"}


@dg.asset(key=["red", "AAPL", "predictions"], partitions_def=DAYS, backfill_policy=ONE_RUN)
def predictions(context):
    return {f"{day}.parquet": of_day(day) for day in context.partition_keys}


def reader(of, seen: list, **options) -> dg.AssetsDefinition:
    """An asset that reads another and keeps in `seen` what it was given."""

    @dg.asset(key=["red", "AAPL", "reader"], ins={"given": dg.AssetIn(of.key)}, **options)
    def read(given):
        seen.append(given)
        return {"done.txt": b"done"}

    return read


def test_a_table_comes_back_as_the_table_it_was(assets):
    seen: list[pd.DataFrame] = []
    assert materialize(assets, features, reader(features, seen)).success
    pd.testing.assert_frame_equal(seen[0], TABLE)


def test_several_files_come_back_as_they_were(assets):
    seen: list[dict[str, bytes]] = []
    materialize(assets, model, reader(model, seen))
    assert seen == [{"model.onnx": b"graph", "ludwig/weights": b"weights"}]


def test_a_person_finds_the_objects_by_what_the_materialization_says(assets):
    [event] = materialize(assets, features).get_asset_materialization_events()
    data = to_parquet(TABLE)
    shown = {name: value.value for name, value in event.materialization.metadata.items()}
    assert shown["md5"] == dir_md5({"features.parquet": md5_of(data)})
    assert shown["size"] == len(data)
    assert shown["objects"] == f"{assets.store.url}/red/AAPL/features/"
    assert assets.store.get("red/AAPL/features/features.parquet") == data


def test_the_version_that_waits_for_its_commit_names_run_configuration_and_sessions(assets):
    run = materialize(assets, features)
    sessions = materialize(assets, predictions, days=["2013-01-02", "2013-01-04"])
    first, second = assets.pending.of("red")
    assert first.record == {"run_id": run.run_id, "config_sha": "abc123"}
    assert (first.asset, first.replace) == (("red", "AAPL", "features"), True)
    assert second.record == {"run_id": sessions.run_id, "sessions": "2013-01-02..2013-01-04"}
    assert second.replace is False


def test_a_range_is_one_write_with_one_file_per_session(assets):
    materialize(assets, predictions, days=["2013-01-02", "2013-01-04"])
    assert assets.names(("red", "AAPL", "predictions")) == [f"2013-01-0{day}.parquet" for day in (2, 3, 4)]
    assert len(assets.pending.of("red")) == 1


def test_another_session_is_added_and_the_others_stay(assets):
    materialize(assets, predictions, days=["2013-01-02", "2013-01-03"])
    before = assets.read_file(("red", "AAPL", "predictions"), "2013-01-02.parquet")
    materialize(assets, predictions, days=["2013-01-04"])
    assert len(assets.names(("red", "AAPL", "predictions"))) == 3
    assert assets.read_file(("red", "AAPL", "predictions"), "2013-01-02.parquet") == before


def test_a_table_over_all_sessions_has_those_that_are_there_in_order(assets):
    seen: list[pd.DataFrame] = []
    materialize(assets, predictions, days=["2013-01-08"])
    materialize(assets, predictions, days=["2013-01-02"])
    report = reader(predictions, seen)
    materialize(assets, predictions, report, select=[report])
    assert [str(day.date()) for day in seen[0]["session"]] == ["2013-01-02", "2013-01-08"]


def test_a_session_reads_its_own_session_only(assets):
    seen: list[pd.DataFrame] = []
    materialize(assets, predictions, days=["2013-01-02", "2013-01-04"])
    same = reader(predictions, seen, partitions_def=DAYS, backfill_policy=ONE_RUN)
    materialize(assets, predictions, same, select=[same], days=["2013-01-03"])
    assert [str(day.date()) for day in seen[0]["session"]] == ["2013-01-03"]


def test_sessions_that_were_never_made_are_named(assets):
    same = reader(predictions, [], partitions_def=DAYS, backfill_policy=ONE_RUN)
    with pytest.raises(
        dg.Failure,
        match=r"red/AAPL/predictions: nothing stored for 2013-01-02\.\.2013-01-04; materialize these sessions first",
    ):
        materialize(assets, predictions, same, select=[same], days=["2013-01-02", "2013-01-04"])


def test_an_asset_that_was_never_made_says_so(assets):
    later = reader(features, [])
    with pytest.raises(dg.Failure, match=r"There is no red/AAPL/features in .*; materialize it first"):
        materialize(assets, features, later, select=[later])


def test_materializing_again_replaces_the_files_of_before(assets):
    @dg.asset(key=["red", "AAPL", "model"])
    def smaller():
        return {"model.onnx": b"other"}

    materialize(assets, model)
    materialize(assets, smaller)
    assert assets.read(("red", "AAPL", "model")) == {"model.onnx": b"other"}


def test_an_asset_that_fails_leaves_the_files_of_before(assets):
    @dg.asset(key=["red", "AAPL", "features"])
    def broken():
        raise dg.Failure("no")

    materialize(assets, features)
    assert not materialize(assets, broken, raise_on_error=False).success
    [data] = assets.read(("red", "AAPL", "features")).values()
    pd.testing.assert_frame_equal(from_parquet(data), TABLE)


def test_what_is_no_asset_is_not_stored(assets):
    @dg.op
    def loose():
        return {"a.txt": b"a"}

    @dg.job(resource_defs={"io_manager": StoreIOManager(assets)})
    def job():
        loose()

    with pytest.raises(TypeError, match="loose: only assets are stored"):
        job.execute_in_process()


def test_what_a_season_decided_is_written_once_however_it_is_made_again(assets):
    close = 1.0

    @dg.asset(key=["red", "AAPL", "predictions"], partitions_def=DAYS)
    def decided(context):
        return {f"{context.partition_key}.parquet": of_day(context.partition_key, close)}

    def remade() -> dg.ExecuteInProcessResult:
        return materialize(assets, decided, days=["2013-01-02"], raise_on_error=False)

    assert remade().success
    close = 2.0
    assert remade().success  # a replay, by whatever has changed
    SeasonBook(assets.store).begin(State("autumn", date(2013, 1, 2), date(2013, 1, 2)), "olga")
    assert remade().success  # as a run does that was killed before it could tell Dagster
    close = 3.0
    [said] = failures(remade()).values()
    assert "red/AAPL/predictions/2013-01-02.parquet was decided in the season and is written once" in said
    assert assets.read(("red", "AAPL", "predictions")) == {"2013-01-02.parquet": of_day("2013-01-02", 2.0)}
