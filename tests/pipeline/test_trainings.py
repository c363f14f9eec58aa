"""What a changed team file makes due, with Dagster's own records of which bars there are."""

from dataclasses import replace

import dagster as dg
import pytest

from my_dagster_project.pipeline.assets.keys import bars_key
from my_dagster_project.pipeline.trainings import due_trainings, fingerprints
from my_dagster_project.teams.platform import Platform
from my_dagster_project.teams.schema import SymbolOverride
from tests.support.committed import committed
from tests.support.lapse import FIRST, lapse


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture(scope="module")
def platform() -> Platform:
    return committed()


def fetched(instance: dg.DagsterInstance, *symbols: str) -> None:
    for symbol in symbols:
        made = dg.AssetMaterialization(bars_key(symbol), metadata={"last_session": "2013-02-28"})
        instance.report_runless_asset_event(made)


def with_red(platform: Platform, **changes) -> Platform:
    red = platform.teams["red"].model_copy(update=changes)
    return replace(platform, teams={**platform.teams, "red": red})


def asked(requests: list[dg.RunRequest]) -> dict[str, set[str]]:
    return {one.job_name: {"/".join(key.path) for key in one.asset_selection} for one in requests}


def test_nothing_changed_asks_for_nothing(platform, instance):
    assert due_trainings(platform, instance, fingerprints(platform)) == ([], fingerprints(platform))


def test_an_override_trains_its_symbol_only(platform, instance):
    fetched(instance, *platform.symbols)
    changed = with_red(platform, overrides={"IBM": SymbolOverride(ludwig={"trainer": {"epochs": 3}})})
    requests, remembered = due_trainings(changed, instance, fingerprints(platform))
    assert asked(requests) == {"red_train": {"red/IBM/features", "red/IBM/training_rows", "red/IBM/model"}}
    assert due_trainings(changed, instance, remembered)[0] == []


def test_a_symbol_nobody_had_gets_its_bars_first_and_is_trained_when_they_are_there(platform, instance):
    before = with_red(platform, symbols=("AAPL", "GOOG", "IBM"))
    fetched(instance, "AAPL", "GOOG", "IBM")
    requests, remembered = due_trainings(platform, instance, fingerprints(before))
    assert asked(requests) == {"market_daily": {"market/MSFT/bars"}}
    # Asked at each tick, launched once: the run key is the same.
    again, _ = due_trainings(platform, instance, remembered)
    assert [one.run_key for one in again] == [one.run_key for one in requests]
    fetched(instance, "MSFT")
    requests, remembered = due_trainings(platform, instance, remembered)
    assert asked(requests) == {"red_train": {"red/MSFT/features", "red/MSFT/training_rows", "red/MSFT/model"}}
    assert remembered == fingerprints(platform)


def test_what_waits_for_bars_keeps_nothing_else_waiting(platform, instance):
    fetched(instance, "AAPL", "GOOG", "IBM")
    other = platform.teams["red"].training.model_copy(update={"validation_fraction": 0.2})
    requests, remembered = due_trainings(with_red(platform, training=other), instance, fingerprints(platform))
    trained = asked(requests)["red_train"]
    assert {name.split("/")[1] for name in trained} == {"AAPL", "GOOG", "IBM"}
    assert remembered["red"]["MSFT"] == fingerprints(platform)["red"]["MSFT"]


def test_of_a_lapse_its_driver_asks_for_what_a_session_needs(platform, instance, tmp_path):
    """A push trained at once, in the middle of a session that had been begun with the file before it."""
    fetched(instance, *platform.symbols)
    lived, _ = lapse(tmp_path, FIRST, with_red(platform, symbols=("AAPL",)))
    requests, remembered = due_trainings(lived, instance, fingerprints(platform))
    assert (requests, remembered) == ([], fingerprints(lived))
