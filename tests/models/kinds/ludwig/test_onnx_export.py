import numpy as np
import pytest

from my_dagster_project.models.kinds.ludwig import ludwig_training
from my_dagster_project.models.kinds.ludwig.ludwig_files import load_ludwig, ludwig_scores
from my_dagster_project.models.kinds.ludwig.ludwig_runtime import ludwig_session
from my_dagster_project.models.kinds.ludwig.ludwig_training import train
from my_dagster_project.models.manifest import read_manifest
from my_dagster_project.models.parity import TOLERANCE, compare, probe_rows
from my_dagster_project.models.prediction import predict
from tests.models.samples import quiet, sample_rows, sample_spec, trained, with_inputs
from tests.support.draws import only_whole

pytestmark = pytest.mark.slow

ATTENTION = {"hidden_size": 16, "num_heads": 2, "num_layers": 1}
COMBINERS = {
    "concat": {"num_fc_layers": 1, "output_size": 16},
    "transformer": ATTENTION,
    "ft_transformer": ATTENTION,
    "tabtransformer": ATTENTION,
    "tabnet": {"size": 8, "output_size": 8},
    "project_aggregate": {},
}
NORMALIZATIONS = ("zscore", "minmax", "iq", "log1p", None)
STRATEGIES = ("fill_with_mean", "fill_with_const", "fill_with_mode")


def parity(files, rows):
    """The stored graph against the stored Ludwig model."""
    manifest = read_manifest(files)
    with ludwig_session():
        model = load_ludwig(files, manifest.label)
        return compare(files, manifest, lambda probes: ludwig_scores(model, probes, manifest.label), rows)


def exported(spec, rows, tolerance=TOLERANCE):
    """Train one epoch, then compare the stored files afresh."""
    model = train(spec, rows, quiet)
    assert model.manifest.reason is None
    found = parity(model.files, rows.tail(300))
    assert found.rows > 300
    assert found.max_abs_diff < tolerance
    return model


@pytest.mark.parametrize(
    ("combiner", "team"),
    [
        *((combiner, "red") for combiner in COMBINERS),
        ("concat", "blue"),
        *(pytest.param(combiner, "blue", marks=pytest.mark.full) for combiner in [*COMBINERS][1:]),
    ],
)
def test_every_combiner_says_what_ludwig_says(combiner, team):
    spec = sample_spec(team, epochs=1, combiner={"type": combiner} | COMBINERS[combiner])
    exported(spec, sample_rows(team))


@pytest.mark.parametrize(
    "normalizations", [NORMALIZATIONS, *only_whole(*((one,) for one in NORMALIZATIONS))], ids=str
)
def test_every_normalisation_of_inputs_is_in_the_graph(normalizations):
    """All of them in one model, each of two features; in `make test-full` each alone too."""
    rows, inputs = sample_rows(), [{"name": "weekday", "type": "category"}]
    for normalization in normalizations:
        for feature in ("rsi_14", "volatility_21"):
            name = f"{feature}_{normalization}"
            rows[name] = rows[feature]
            preprocessing = {"normalization": normalization}
            inputs.append({"name": name, "type": "number", "preprocessing": preprocessing})
    exported(with_inputs(sample_spec(epochs=1), inputs), rows)


@pytest.mark.parametrize("normalization", ["zscore", "minmax", "iq", None])
def test_every_normalisation_of_the_target_is_undone_in_the_graph(normalization):
    output = {"name": "next_return", "type": "number", "preprocessing": {"normalization": normalization}}
    exported(sample_spec(epochs=1, output_features=[output]), sample_rows())


@pytest.mark.parametrize("strategies", [STRATEGIES, *only_whole(*((one,) for one in STRATEGIES))], ids=str)
def test_missing_values_are_filled_as_ludwig_fills_them(strategies):
    """All of them in one model, each of a feature; in `make test-full` each alone too."""
    rows, inputs = sample_rows(), [{"name": "weekday", "type": "category"}]
    for strategy in strategies:
        name = f"gap_{strategy}"
        rows[name] = rows["gap"]
        rows.loc[rows.index[::7], name] = np.nan
        preprocessing = {"normalization": "zscore", "missing_value_strategy": strategy}
        inputs.append({"name": name, "type": "number", "preprocessing": preprocessing})
    exported(with_inputs(sample_spec(epochs=1), inputs), rows)


def test_outliers_are_replaced_as_ludwig_replaces_them():
    treated = {"normalization": "zscore", "outlier_strategy": "fill_with_mean", "outlier_threshold": 2.0}
    exported(sample_spec(epochs=1, defaults={"number": {"preprocessing": treated}}), sample_rows())


def test_a_binary_input_and_no_category_at_all():
    rows = sample_rows().assign(up=lambda frame: (frame["return_1"] > 0).astype(float))
    inputs = [{"name": "up", "type": "binary"}, {"name": "gap", "type": "number"}]
    exported(with_inputs(sample_spec(epochs=1), inputs), rows)
    exported(with_inputs(sample_spec(epochs=1), inputs[1:]), rows)


def test_only_a_category():
    exported(with_inputs(sample_spec(epochs=1), [{"name": "weekday", "type": "category"}]), sample_rows())


def test_a_calibrated_probability_is_in_the_graph():
    output = {"name": "next_direction", "type": "binary", "calibration": True}
    exported(sample_spec("blue", epochs=1, output_features=[output]), sample_rows("blue"))


def test_features_may_be_called_as_they_like():
    rows = sample_rows().rename(columns={"gap": "keys", "rsi_14": "type"})
    inputs = [{"name": name, "type": "number"} for name in ("keys", "type")]
    exported(with_inputs(sample_spec(epochs=1), inputs), rows)


def test_what_onnx_cannot_express_is_said_and_nothing_is_printed(capfd):
    inputs = [{"name": "gap", "type": "number", "encoder": {"type": "bins"}}]
    model = train(with_inputs(sample_spec(epochs=1), inputs), sample_rows(), quiet)
    assert "model.onnx" not in model.files
    assert "searchsorted" in model.manifest.reason
    assert capfd.readouterr().out == ""


def test_an_export_that_fails_costs_the_speed_and_not_the_model(monkeypatch):
    def fail(model):
        raise RuntimeError("no such operator\nand a long story")

    monkeypatch.setattr(ludwig_training, "export_onnx", fail)
    model = train(sample_spec(epochs=1), sample_rows(), quiet)
    assert model.manifest.reason.endswith("(RuntimeError: no such operator and a long story)")
    answer = predict(model.files, sample_rows().tail(3))
    assert answer.engine == "ludwig"


def test_another_models_graph_does_not_pass():
    mixed = trained("red").files | {
        "model.onnx": train(sample_spec(epochs=4), sample_rows(), quiet).files["model.onnx"]
    }
    assert parity(mixed, sample_rows()).max_abs_diff > TOLERANCE


def test_the_graph_holds_no_path_of_the_machine_it_was_made_on():
    assert b"site-packages" not in trained("red").files["model.onnx"]


def test_the_probes_hold_every_kind_of_row_that_goes_wrong():
    inputs = read_manifest(trained("red").files).inputs
    rows = sample_rows().tail(5)
    probes = probe_rows(inputs, rows)
    added = probes.iloc[5:]
    assert all(added[entry.name].isna().any() for entry in inputs)
    assert (added["weekday"] == "a label that training never saw").sum() == 1
    assert added.isna().all(axis=1).sum() == 1
