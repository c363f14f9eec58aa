"""The chain with models that are not Ludwig's: a baseline, and a kind that is one folder and one row of the table."""

import json
import math
from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest
from onnx import TensorProto, helper

from my_dagster_project.domain.examination import EXAMINATION, read_examination
from my_dagster_project.domain.leaderboard import TradingSummary
from my_dagster_project.domain.ranking import assemble
from my_dagster_project.foundation.errors import ModelError
from my_dagster_project.foundation.problems import Problem
from my_dagster_project.models.kinds.port import Kind, TrainedModel
from my_dagster_project.models.kinds.table import KINDS
from my_dagster_project.models.manifest import MANIFEST, ONNX, Input, Manifest, read_manifest
from my_dagster_project.models.training_input import what_it_learnt_from
from my_dagster_project.pipeline.assets import keys
from my_dagster_project.pipeline.assets.competition_table import _figures
from my_dagster_project.pipeline.assets.model_asset import training_spec
from my_dagster_project.pipeline.assets.team_context import TeamContext
from my_dagster_project.storage.parquet import from_parquet
from my_dagster_project.teams.sections import Model
from tests.support import house
from tests.support.house import House, checks, failures, made
from tests.support.trading import brief_pauses

brief = pytest.fixture(autouse=True)(brief_pauses)
SESSIONS = ("2013-02-22", "2013-02-25")
RECEIVED = "received.json"
MOMENTUM = {"kind": "baseline", "strategy": "momentum", "input": "return_1"}


def _fit(spec, rows, on_epoch) -> TrainedModel:
    """Nothing is learned: what arrived from outside is kept, by session."""
    parts = {"train": int((rows["split"] == 0).sum()), "validation": int((rows["split"] == 1).sum())}
    manifest = Manifest(
        spec.team, spec.symbol, spec.target, (), spec.trained_through, spec.seed, parts, 0, 0.01, {},
        exported=False, reason="its predictions arrive from outside", kind="letters", answers="position",
    )  # fmt: skip
    files = {RECEIVED: json.dumps(spec.section["received"]).encode(), MANIFEST: manifest.to_json()}
    return TrainedModel(files, manifest, {})


def _predict(files, features, label):
    received = json.loads(files[RECEIVED])
    return np.array([received.get(f"{session:%Y-%m-%d}", 0.0) for session in features["session"]])


LETTERS = Kind(
    name="letters",
    title="what arrived by letter",
    says="Predictions that arrive from outside.",
    lint=lambda section: [] if "received" in section else [Problem(("received",), "is missing")],
    fits=lambda section, task: [],
    inputs=lambda section: [],
    complete=dict,
    fit=_fit,
    predict=_predict,
    answers=lambda section, target: "position",
)


def _a_graph() -> bytes:
    """What a team made elsewhere: a tenth of `return_1`."""
    weight = helper.make_tensor("weight", TensorProto.FLOAT, [1, 1], [0.1])
    numbers = helper.make_tensor_value_info("numbers", TensorProto.FLOAT, ["rows", 1])
    answer = helper.make_tensor_value_info("answer", TensorProto.FLOAT, ["rows", 1])
    node = helper.make_node("MatMul", ["numbers", "weight"], ["answer"])
    graph = helper.make_graph([node], "elsewhere", [numbers], [answer], [weight])
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    ).SerializeToString()


ARRIVED = {"model.onnx": _a_graph()}


def _take(spec, rows, on_epoch) -> TrainedModel:
    """Nothing is learned: the file that arrived is the model, if it is the one that the section names."""
    data = ARRIVED[spec.section["file"]]
    if sha256(data).hexdigest() != spec.section["sha256"]:
        raise spec.error(f"{spec.section['file']} is not the file whose sha256 the section says")
    manifest = Manifest(
        **what_it_learnt_from(spec, rows), inputs=tuple(Input(name, "number") for name in spec.section["reads"]),
        epochs=0, versions={}, exported=True, kind="parcel",
    )  # fmt: skip
    return TrainedModel({ONNX: data, MANIFEST: manifest.to_json()}, manifest, {})


PARCEL = Kind(
    name="parcel",
    title="what arrived as a file",
    says="A model that arrives as an ONNX file.",
    lint=lambda section: [],
    fits=lambda section, task: [],
    inputs=lambda section: section["reads"],
    complete=dict,
    fit=_take,
    predict=lambda files, rows, label: pytest.fail("its graph answers"),
)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Red with momentum of AAPL, of IBM what two letters said, of MSFT what a file says; everything up to the orders."""
    letters = {"kind": "letters", "received": {SESSIONS[0]: 0.5, SESSIONS[1]: -1}}
    named = sha256(ARRIVED["model.onnx"]).hexdigest()
    parcel = {"kind": "parcel", "file": "model.onnx", "sha256": named, "reads": ["return_1"]}
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(KINDS, "parcel", PARCEL)
        patch.setitem(KINDS, "letters", LETTERS)
        made_of = house.build(
            tmp_path_factory.mktemp("kinds"),
            {"red": ["AAPL", "IBM", "MSFT"]},
            model=MOMENTUM,
            overrides={"IBM": {"model": letters}, "MSFT": {"model": parcel}},
        )
        symbols = made_of.platform.symbols
        runs = {
            "bars": made_of.materialize(*(keys.bars_key(symbol) for symbol in symbols)),
            "features": made_of.materialize(*(keys.features_key("red", symbol) for symbol in symbols)),
            "training_rows": made_of.materialize(
                *(keys.training_rows_key("red", symbol) for symbol in symbols)
            ),
            "model": made_of.materialize(*(keys.model_key("red", symbol) for symbol in symbols)),
            "predictions": made_of.materialize(
                *(keys.predictions_key("red", symbol) for symbol in symbols), sessions=SESSIONS
            ),
            "report": made_of.materialize(*(keys.report_key("red", symbol) for symbol in symbols)),
            "orders": made_of.materialize(keys.orders_key("red"), sessions=SESSIONS[:1]),
        }
        problems = {name: failures(run) for name, run in runs.items() if not run.success}
        assert not problems, problems
        yield made_of, runs


def predicted(built: House, symbol: str, session: str):
    return from_parquet(built.store.read_file(("red", symbol, "predictions"), f"{session}.parquet")).iloc[0]


def test_a_baseline_goes_through_the_chain(built):
    made_of, runs = built
    manifest = read_manifest(made_of.store.read(("red", "AAPL", "model")))
    assert (manifest.kind, manifest.exported, manifest.parity.max_abs_diff) == ("baseline", True, 0)
    seen = read_examination(made_of.store.read_file(("red", "AAPL", "model"), EXAMINATION))
    assert [one.input for one in seen.importance] == ["return_1"]
    assert seen.kept == len(seen.epochs["validation_loss"]) == 1
    assert len(seen.predicted) == len(seen.actual) > 0
    assert seen.error == pytest.approx(np.abs(np.subtract(seen.predicted, seen.actual)).mean())
    answered = checks(runs["model"])
    assert answered["red/AAPL/model", "onnx_agrees_with_baseline"].passed
    assert made(runs["predictions"])["red/AAPL/predictions"][-1].metadata["engine"].value == "onnxruntime"
    answers = set(json.loads(made_of.store.read(("red", "AAPL", "model"))["baseline.json"]).values())
    assert {predicted(made_of, "AAPL", session)["predicted_return"] for session in SESSIONS} <= answers
    assert made_of.account().orders(), "0.0002 is below its mean return"


def test_positions_have_no_mase_and_are_judged_by_money(built):
    """Their error in dollars punished a team that said "hold" for the size of a forecast it never made."""
    made_of, _ = built
    scored = from_parquet(made_of.store.read_file(("red", "AAPL", "report"), "scored.parquet"))
    red = made_of.platform.teams["red"]
    holds = red.model_copy(update={"model": Model.model_validate({"kind": "baseline", "strategy": "hold"})})
    of = {("red", "AAPL"): scored}
    forecast = _figures(made_of.platform, of)
    told = _figures(replace(made_of.platform, teams={"red": holds}), of)
    assert forecast["red", "AAPL"].mase > 0
    assert math.isnan(told["red", "AAPL"].mase)
    assert told["red", "AAPL"].direction == forecast["red", "AAPL"].direction
    rows = {row.team: row for row in assemble(told, {"red": TradingSummary(equity=100_000)}).teams}
    assert (math.isnan(rows["red"].mase), rows["red"].trading.equity) == (True, 100_000)


def test_a_new_kind_is_a_folder_and_a_row(built):
    """It has no form in ONNX, and answers by session, as what arrives from outside does; nothing else was told of it."""
    made_of, runs = built
    assert read_manifest(made_of.store.read(("red", "IBM", "model"))).kind == "letters"
    assert made(runs["predictions"])["red/IBM/predictions"][-1].metadata["engine"].value == "letters"
    said = [predicted(made_of, "IBM", session) for session in SESSIONS]
    assert [row["position"] for row in said] == [0.5, -1]
    assert [row["predicted_return"] for row in said] == [0.005, -0.01], (
        "a position stands for a return, to be scored alike"
    )
    assert "position" not in predicted(made_of, "AAPL", SESSIONS[0])
    assert {kind.name for kind in made_of.platform.kinds} == {"baseline", "letters", "parcel"}


def test_a_model_that_arrives_as_a_file_is_a_kind_of_the_same_shape(built):
    """Its graph answers, through the same manifest, examination, report and orders; another file than the named one is refused."""
    made_of, runs = built
    manifest = read_manifest(made_of.store.read(("red", "MSFT", "model")))
    assert (manifest.kind, manifest.exported, manifest.inputs) == (
        "parcel",
        True,
        (Input("return_1", "number"),),
    )
    assert made(runs["predictions"])["red/MSFT/predictions"][-1].metadata["engine"].value == "onnxruntime"
    read = from_parquet(made_of.store.read_file(("red", "MSFT", "features"), "features.parquet")).set_index(
        "session"
    )
    for session in SESSIONS:
        said = predicted(made_of, "MSFT", session)["predicted_return"]
        assert said == pytest.approx(0.1 * read.loc[session, "return_1"], rel=1e-6)
    gate = checks(runs["model"])["red/MSFT/model", "onnx_agrees_with_parcel"]
    assert gate.passed
    assert "it came as ONNX" in gate.description
    spec = training_spec(TeamContext("red", made_of.platform.teams["red"], made_of.platform), "MSFT", "")
    rows = from_parquet(made_of.store.read_file(("red", "MSFT", "training_rows"), "training_rows.parquet"))
    with pytest.raises(ModelError, match="is not the file whose sha256"):
        _take(replace(spec, section=spec.section | {"sha256": "0" * 64}), rows, None)
