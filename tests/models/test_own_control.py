"""Controls of a model itself: who could learn nothing and still knows what came has brought it along."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from my_dagster_project.domain.own_controls import HELD, answers_control, shuffled_parts
from my_dagster_project.models.kinds.baseline.baseline_kind import BASELINE
from my_dagster_project.models.kinds.port import TrainedModel
from my_dagster_project.models.kinds.table import KINDS
from my_dagster_project.models.manifest import MANIFEST
from my_dagster_project.models.own_control import shuffled_control
from tests.models.samples import sample_rows, sample_spec


def momentum():
    section = {"kind": "baseline", "strategy": "momentum", "input": "return_5"}
    return replace(sample_spec(), section=section, features=("return_5",))


def test_a_kind_that_learns_from_its_rows_alone_knows_nothing_when_they_are_shuffled():
    found = shuffled_control(BASELINE, momentum(), sample_rows())
    assert found.rows == HELD
    assert abs(found.score) < 4 * found.luck
    assert not found.is_impossible
    assert shuffled_control(BASELINE, momentum(), sample_rows().tail(150)) is None, "too few to tell"


@pytest.mark.parametrize("share", [1.0, 0.5])
def test_what_a_model_brought_along_shows_whatever_it_learnt(monkeypatch, share):
    """Predictions from outside that have seen these years, as a kind to come may have them: no ridge can know."""
    came = sample_rows().set_index("session")["next_return"]
    noise = np.random.default_rng(1).normal(0, came.std(), len(came))
    told = share * came + (1 - share) * noise

    def fit(spec, rows, on_epoch):
        manifest = BASELINE.fit(spec, rows, on_epoch).manifest
        manifest = replace(
            manifest, kind="outside", exported=False, parity=None, reason="it came from outside"
        )
        return TrainedModel({MANIFEST: manifest.to_json()}, manifest, {})

    outside = replace(
        BASELINE, name="outside", fit=fit, predict=lambda files, rows, label: told[rows["session"]].to_numpy()
    )
    monkeypatch.setitem(KINDS, "outside", outside)
    assert shuffled_control(outside, momentum(), sample_rows()).is_impossible


def test_what_is_learnt_is_older_than_what_is_asked_and_belongs_to_no_row():
    rows = sample_rows()
    learnt, asked = shuffled_parts(rows, "next_return")
    between = rows[rows["session"].between(learnt["session"].max(), asked["session"].min())]
    assert len(between) == 3, "the last close that is learnt is not the first that is asked about"
    own = rows["next_return"].iloc[: len(learnt)]
    assert sorted(learnt["next_return"]) == sorted(own)
    assert (learnt["next_return"].to_numpy() != own.to_numpy()).mean() > 0.9
    assert learnt["split"].is_monotonic_increasing
    assert learnt["split"].mean() == pytest.approx(0.15, abs=0.01)


def test_rows_of_several_symbols_are_parted_between_sessions_and_count_as_those_of_one():
    rows = pd.concat([sample_rows().assign(symbol=name) for name in ("AAPL", "IBM")]).sort_values("session")
    learnt, asked = shuffled_parts(rows, "next_return")
    assert asked["session"].nunique() == HELD
    assert learnt["session"].max() < asked["session"].min()
    together = answers_control(asked["next_return"], asked["next_return"], symbols=2)
    assert together.luck == pytest.approx(HELD**-0.5)
    assert together.score == pytest.approx(1.0)


def test_answers_without_a_figure_or_too_few_tell_nothing():
    assert answers_control([0.1] * 40, [0.1] * 40) is None
    assert answers_control([np.nan] * 400, [0.1] * 400) is None
    assert answers_control([0.1] * 400, np.arange(400.0)).score == 0.0
