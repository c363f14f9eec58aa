"""Refits that begin with the weights of the one before: in order, each with that of its own chain, or with weights drawn anew."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from my_dagster_project.models.kinds.port import Kind, TrainedModel
from my_dagster_project.models.kinds.table import KINDS
from my_dagster_project.models.manifest import MANIFEST, Manifest, read_manifest
from my_dagster_project.models.training_input import what_it_learnt_from
from my_dagster_project.pipeline.assets import keys
from my_dagster_project.pipeline.due import Part
from my_dagster_project.pipeline.refit_windows import first_window
from my_dagster_project.pipeline.walk_forward import Walk
from my_dagster_project.storage.names import of_window
from my_dagster_project.teams.platform import Platform
from tests.pipeline.test_refits import due, edited, lived, made, replaced
from tests.support.house import House, build, failures

RED = ("red", "AAPL")
ROWS, MODEL = keys.training_rows_key(*RED), keys.model_key(*RED)
DECEMBER, JANUARY, FEBRUARY = WINDOWS = ["2012-12-01", "2013-01-01", "2013-02-01"]
SESSIONS = ["2012-12-28", "2013-01-31", "2013-02-04"]


def _fit(spec, rows, on_epoch) -> TrainedModel:
    """It counts, and so says how many refits its weights have been through."""
    before = read_manifest(spec.begins_with).epochs if spec.begins_with else 0
    manifest = Manifest(
        **what_it_learnt_from(spec, rows), inputs=(), epochs=before + 1, versions={}, exported=False,
        reason="it only counts", kind="counting",
    )  # fmt: skip
    return TrainedModel({MANIFEST: manifest.to_json()}, manifest, {})


COUNTING = Kind(
    name="counting",
    title="a model that counts",
    says="How many refits its weights have been through.",
    lint=lambda section: [],
    fits=lambda section, task: [],
    inputs=lambda section: [],
    complete=dict,
    fit=_fit,
    predict=lambda files, rows, label: np.full(len(rows), read_manifest(files).epochs / 1000),
    warm=True,
)


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """Three refits of a replay, trained in one run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(KINDS, "counting", COUNTING)
        training = {"warm_start": True, "validation_fraction": 0.15}
        built = build(
            tmp_path_factory.mktemp("warm"), {"red": ["AAPL"]}, refit="monthly", model={"kind": "counting"}, training=training
        )  # fmt: skip
        built = replaced(built, replaying(built.platform, 60))
        made(built, keys.bars_key("AAPL"))
        made(built, keys.features_key(*RED))
        made(built, ROWS, over=WINDOWS)
        made(built, MODEL, over=WINDOWS)
        yield built


def replaying(platform: Platform, sessions: int) -> Platform:
    competition = platform.registry.competition.model_copy(update={"replay_sessions": sessions})
    return replace(platform, registry=platform.registry.model_copy(update={"competition": competition}))


def otherwise(house: House) -> House:
    """The same after an edit of what models learn from."""
    after = edited(house, "validation_fraction: 0.15", "validation_fraction: 0.2")
    return replaced(after, replaying(after.platform, 60))


def refits(house: House) -> list[int]:
    """Through how many refits the weights of each window have been."""
    return [read_manifest(house.store.read(of_window((*RED, "model"), one))).epochs for one in WINDOWS]


def test_each_begins_with_the_one_before_it(house):
    assert refits(house) == [1, 2, 3]
    assert due(house, SESSIONS) == []
    events = house.instance.fetch_materializations(MODEL, limit=3).records[::-1]
    told = [event.asset_materialization.metadata.get("begins_with") for event in events]
    stored = [house.store.fingerprint(of_window((*RED, "model"), one)) for one in WINDOWS]
    assert [one and one.value for one in told] == [None, *stored[:2]], "which model that was is on record"


def test_one_that_is_due_makes_due_all_that_begin_with_it(house):
    after = otherwise(house)
    assert due(after, SESSIONS[1:2]) == [Part([ROWS, MODEL], [JANUARY])]
    assert due(after, SESSIONS) == [Part([ROWS, MODEL], WINDOWS)]


def test_a_replay_takes_none_before_its_own_is_there(house):
    """Out of order it would have begun with weights drawn anew, and no run after it would have made it otherwise."""
    after = otherwise(house)
    made(after, ROWS, over=[FEBRUARY])
    run = after.materialize(MODEL, sessions=[FEBRUARY])
    assert "begins with the weights of 2013-01-01 (warm_start)" in failures(run)["red__AAPL__model"]
    made(house, ROWS, over=[FEBRUARY])
    assert refits(house) == [1, 2, 3]


def test_a_chain_that_begins_with_another_window_is_another(house):
    """60 replayed sessions are of three windows, 40 of two: the first of each begins with weights drawn anew."""
    shorter = replaced(house, replaying(house.platform, 40))
    assert (first_window(house.platform, "red"), first_window(shorter.platform, "red")) == (DECEMBER, JANUARY)
    assert due(shorter, SESSIONS[1:]) == [Part([MODEL], [JANUARY, FEBRUARY])]


def test_a_season_begins_anew_after_an_edit_and_goes_on_warm(house):
    before = lived(house)
    assert due(before, SESSIONS) == []
    after = lived(otherwise(house))
    assert due(after, SESSIONS) == [Part([ROWS, MODEL], [FEBRUARY])]
    made(after, ROWS, over=[FEBRUARY])
    made(after, MODEL, over=[FEBRUARY])
    assert refits(house) == [1, 2, 1], "of the month before there is none that was made as this one is"
    made(before, ROWS, over=[FEBRUARY])
    made(before, MODEL, over=[FEBRUARY])
    assert refits(house) == [1, 2, 3]


def test_a_walk_takes_the_same_way_and_another_beginning_is_another_way(house):
    def walk(first: str) -> list[float]:
        days = house.platform.calendar.sessions(date.fromisoformat(first), date(2013, 2, 4))
        table = Walk(house.platform, *RED, days, house.store).predictions(None, told.append)
        return (table.groupby("refit")["predicted_return"].first() * 1000).tolist()

    told: list[str] = []
    assert walk(SESSIONS[0]) == pytest.approx([1, 2, 3])
    assert len(told) == 3
    assert walk(SESSIONS[0]) == pytest.approx([1, 2, 3])
    assert len(told) == 3, "what is stored and still holds is not trained again"
    assert walk("2013-01-02") == pytest.approx([1, 2]), "this way begins in January"
    assert len(told) == 5
