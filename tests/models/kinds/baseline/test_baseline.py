"""Baselines on real rows: what they learn, what they answer, and that their graph says exactly the same."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from my_dagster_project.foundation.errors import ModelError
from my_dagster_project.models.kinds.baseline.baseline_kind import BASELINE
from my_dagster_project.models.kinds.baseline.baseline_model import STRATEGIES, fit, predict
from my_dagster_project.models.kinds.port import Task
from my_dagster_project.models.onnx_scores import onnx_scores
from my_dagster_project.models.parity import probe_rows
from my_dagster_project.models.prediction import predict as answer
from my_dagster_project.models.training_input import TrainingSpec
from tests.models.samples import CUTOFF, quiet, sample_rows

TEAM_OF = {"next_return": "red", "next_direction": "blue"}
TASK = Task("next_return", {"return_1": "log_return", "weekday": "weekday"})


def trained(strategy: str, target: str = "next_return", trained_through: date = CUTOFF):
    section = {"strategy": strategy} | ({"input": "return_1"} if strategy == "momentum" else {})
    spec = TrainingSpec("green", "AAPL", section, target, tuple(BASELINE.inputs(section)), 1, trained_through)
    rows = sample_rows(TEAM_OF[target])
    return fit(spec, rows, quiet), rows


@pytest.mark.parametrize("target", TEAM_OF)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_graph_says_exactly_the_same(strategy, target):
    model, rows = trained(strategy, target)
    assert model.manifest.parity.max_abs_diff == 0
    probes = probe_rows(model.manifest.inputs, rows)
    together = onnx_scores(model.files, model.manifest, probes)
    assert together.tolist() == predict(model.files, probes, "").tolist()
    assert answer(model.files, rows.tail(3)).engine == "onnxruntime"
    assert model.files == trained(strategy, target)[0].files, "the same rows give the same bytes"


def test_what_each_learns_is_of_the_training_rows_alone():
    rows = sample_rows()
    learnt = rows.loc[rows["split"] == 0, "next_return"]
    says = {strategy: trained(strategy)[0] for strategy in STRATEGIES}
    latest = rows.tail(1)
    assert predict(says["drift"].files, latest, "")[0] == learnt.mean()
    assert predict(says["last_value"].files, latest, "")[0] == 0
    assert predict(says["always_up"].files, latest, "")[0] == learnt.abs().mean()
    up = rows["return_1"].astype("float32") > 0
    known = rows["split"] == 0
    falls, rises = rows[known & ~up], rows[known & up]
    assert predict(says["momentum"].files, rises.tail(1), "")[0] == rises["next_return"].mean()
    assert predict(says["momentum"].files, falls.tail(1), "")[0] == falls["next_return"].mean()
    missing = rises.tail(1).assign(return_1=np.nan)
    assert predict(says["momentum"].files, missing, "")[0] == learnt.mean()


def test_a_position_stands_for_a_return_and_is_told_beside_it():
    model, rows = trained("hold")
    frame = answer(model.files, rows.tail(2)).frame
    assert frame["position"].tolist() == [1, 1]
    assert frame["predicted_return"].tolist() == [model.manifest.return_scale] * 2
    assert frame["probability_up"].isna().all()
    too_much = model.files | {"manifest.json": replace(model.manifest, exported=False).to_json()}
    too_much |= {"baseline.json": b'{"missing": -1.5}'}
    with pytest.raises(ModelError, match=r"answered 1\.5; a position is -1 to 1"):
        answer(too_much, rows.tail(1))


def test_of_a_direction_it_answers_with_a_probability():
    rows = sample_rows("blue")
    ups = rows.loc[rows["split"] == 0, "next_direction"].mean()
    frame = answer(trained("drift", "next_direction")[0].files, rows.tail(1)).frame
    assert frame["probability_up"].iloc[0] == ups
    assert trained("last_value", "next_direction")[0].manifest.target == "next_direction"


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ({}, ["strategy: is missing (valid: drift, last_value, always_up, hold, momentum)"]),
        ({"strategy": "drift"}, []),
        ({"strategy": "momentum", "input": "return_1"}, []),
        ({"strategy": "drfit"}, ['strategy: cannot be "drfit" (did you mean drift?)']),
        ({"strategy": ["drift"]}, ["strategy: must be text, not a list"]),
        ({"strategy": "drift", "stratgy": 1}, ["stratgy: unknown key (did you mean strategy?)"]),
        ({"strategy": "momentum"}, ["input: is missing: the name of the feature whose sign momentum looks at"]),
        ({"strategy": "drift", "input": "return_1"}, ["input: is for strategy momentum; drift looks at no feature"]),
    ],
)  # fmt: skip
def test_a_section_is_judged_by_itself(section, told):
    assert [problem.text for problem in BASELINE.lint(section)] == told


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("return_1", []),
        ("retrun_1", ['input: "retrun_1" is no feature of this file (did you mean return_1?)']),
        ("weekday", ["input: weekday is a category, which has no sign"]),
        (7, []),
    ],
)
def test_a_section_is_judged_beside_its_file(name, told):
    section = {"strategy": "momentum", "input": name}
    assert [problem.text for problem in BASELINE.fits(section, TASK)] == told
