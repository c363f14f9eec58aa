import hashlib
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from my_dagster_project.foundation.errors import ModelError
from my_dagster_project.models.bounds import Bounds
from my_dagster_project.models.kinds.ludwig import epochs
from my_dagster_project.models.kinds.ludwig.ludwig_training import train
from my_dagster_project.models.manifest import read_manifest
from my_dagster_project.models.prediction import predict
from tests.models.samples import quiet, sample_rows, sample_spec, trained, with_inputs

pytestmark = pytest.mark.slow


def sha(files):
    return {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}


def test_training_gives_the_files_to_predict_with_and_a_manifest_that_describes_them():
    model = trained("red")
    assert sorted(model.files) == [
        "ludwig/model_hyperparameters.json",
        "ludwig/model_weights.safetensors",
        "ludwig/training_set_metadata.json",
        "manifest.json",
        "model.onnx",
    ]
    manifest = read_manifest(model.files)
    assert manifest == model.manifest
    assert (manifest.team, manifest.symbol, manifest.trained_through) == ("red", "AAPL", date(2012, 11, 30))
    assert [entry.name for entry in manifest.inputs] == list(sample_spec().features)
    rows = sample_rows()
    assert manifest.return_scale == pytest.approx(rows.loc[rows["split"] == 0, "next_return"].abs().mean())


def test_scales_and_labels_are_those_of_the_rows_that_were_handed_over_and_of_no_others():
    """Ludwig takes them from training and validation alike, never from what it will be asked: rows after the cut-off are not there."""
    learnt, rows = json.loads(trained("red").files["ludwig/training_set_metadata.json"]), sample_rows()
    numbers = [name for name in sample_spec().features if "mean" in learnt[name]]
    assert numbers
    for name in [*numbers, "next_return"]:
        own = (learnt[name]["mean"], learnt[name]["std"])
        assert own == pytest.approx((rows[name].mean(), rows[name].std()), rel=1e-5, abs=1e-9), name
    labels = {str(one) for name in sample_spec().features for one in learnt[name].get("str2idx", {})}
    assert labels - {"<UNK>"} == set(rows["weekday"].unique())


def test_every_epoch_is_reported_with_its_losses():
    seen = []
    model = train(sample_spec(epochs=3), sample_rows(), lambda epoch, metrics: seen.append((epoch, metrics)))
    assert [epoch for epoch, _ in seen] == [1, 2, 3]
    told = {
        f"{part}_{name}"
        for part in ("train", "validation")
        for name in ("loss", "mean_absolute_error", "mean_squared_error")
    }
    assert all(set(metrics) == told for _, metrics in seen)
    assert model.manifest.epochs == 3
    assert model.metrics["validation_loss"] == min(metrics["validation_loss"] for _, metrics in seen)


def test_the_same_seed_gives_the_same_bytes_whatever_else_is_drawn():
    rng = np.random.default_rng(1)
    first = train(sample_spec(), sample_rows(), lambda *_: rng.random())
    assert sha(first.files) == sha(trained("red").files)


def test_metrics_that_nobody_asks_for_change_nothing_that_is_learnt(monkeypatch):
    monkeypatch.setattr(epochs, "keep_asked_metrics", lambda trainer: None)
    seen = {}
    every = train(sample_spec(), sample_rows(), lambda epoch, metrics: seen.update(metrics))
    assert "validation_root_mean_squared_error" in seen
    assert sha(every.files) == sha(trained("red").files)


@pytest.mark.full
def test_the_same_seed_gives_the_same_bytes_in_another_process():
    script = (
        "import hashlib, json, sys\n"
        "from tests.models.samples import *\n"
        "files = train(sample_spec(), sample_rows(), quiet).files\n"
        "print(json.dumps({n: hashlib.sha256(c).hexdigest() for n, c in files.items()}))\n"
    )
    environment = os.environ | {"PYTHONHASHSEED": "12345", "OMP_NUM_THREADS": "2"}
    result = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert json.loads(result.stdout.splitlines()[-1]) == sha(trained("red").files)


def test_another_seed_gives_another_model():
    other = train(replace(sample_spec(), seed=7), sample_rows(), quiet)
    assert other.files["model.onnx"] != trained("red").files["model.onnx"]


def test_it_goes_on_from_the_weights_of_the_one_before_with_its_scales():
    first, rows = trained("red"), sample_rows().iloc[20:]
    cold = replace(sample_spec(), seed=7)
    warm = replace(cold, begins_with=first.files)
    after = train(warm, rows, quiet)

    def apart(files) -> float:
        mine, others = (predict(one, rows).frame["predicted_return"] for one in (files, first.files))
        return float((mine - others).abs().mean())

    assert 0 < apart(after.files) < apart(train(cold, rows, quiet).files) / 2
    scales = "ludwig/training_set_metadata.json"
    assert json.loads(after.files[scales])["return_1"] == json.loads(first.files[scales])["return_1"]
    assert sha(train(warm, rows, quiet).files) == sha(after.files)


def test_nothing_is_left_behind(tmp_path, monkeypatch, capfd):
    trained("red")  # what only a process's first training does is done
    (tmp_path / "tmp").mkdir()
    (tmp_path / "cwd").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    monkeypatch.chdir(tmp_path / "cwd")
    handlers, threads_handler = list(logging.getLogger().handlers), signal.getsignal(signal.SIGINT)
    capfd.readouterr()
    train(sample_spec(), sample_rows(), quiet)
    assert [path for path in tmp_path.rglob("*") if path.name not in ("tmp", "cwd")] == []
    assert logging.getLogger().handlers == handlers
    assert signal.getsignal(signal.SIGINT) is threads_handler
    assert capfd.readouterr() == ("", "")


def test_nothing_is_left_behind_after_an_error_either(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = signal.getsignal(signal.SIGINT)

    def fail(epoch, metrics):
        raise RuntimeError("the caller's own")

    with pytest.raises(ModelError, match="the caller's own"):
        train(sample_spec(), sample_rows(), fail)
    assert list(tmp_path.iterdir()) == []
    assert signal.getsignal(signal.SIGINT) is before


def test_a_diverging_training_is_one_message_that_says_what_to_do():
    spec = sample_spec(epochs=5)
    spec.section["trainer"] |= {
        "learning_rate": 1e30,
        "optimizer": {"type": "sgd"},
        "gradient_clipping": None,
    }
    with pytest.raises(ModelError, match=r"red/AAPL: training diverged, .*learning_rate"):
        train(spec, sample_rows(), quiet)


def test_a_training_that_takes_too_long_is_ended_and_says_what_to_do():
    spec = replace(sample_spec(epochs=50), bounds=Bounds(seconds=0.0, memory=4 * 1024**3))
    with pytest.raises(
        ModelError, match=r"red/AAPL: training was ended in epoch 1: .* the 0 s a training may take"
    ):
        train(spec, sample_rows(), quiet)


def test_a_training_ends_where_its_teams_cpu_of_the_day_does():
    until = time.process_time() + 0.3
    spec = replace(sample_spec(epochs=500), bounds=Bounds(seconds=600, memory=4 * 1024**3, cpu_until=until))
    with pytest.raises(ModelError, match=r"was ended in epoch \d+: its team has taken the seconds of CPU"):
        train(spec, sample_rows(), quiet)


def test_a_training_that_takes_too_much_memory_fails_alone_and_the_next_one_trains():
    """Eight layers of 8,192 are 2 GB of weights: without a bound the kernel chose which team died."""
    wide = {"type": "concat", "num_fc_layers": 8, "output_size": 8192}
    spec = replace(sample_spec(combiner=wide, epochs=1), bounds=Bounds(seconds=600, memory=256 * 1024**2))
    with pytest.raises(ModelError, match=r"red/AAPL: training needs more memory than 256 MB"):
        train(spec, sample_rows(), quiet)
    fits = replace(sample_spec(epochs=1), bounds=Bounds(seconds=600, memory=2 * 1024**3))
    assert train(fits, sample_rows(), quiet).manifest.epochs == 1


def test_a_configuration_that_ludwig_refuses_is_one_message():
    with pytest.raises(ModelError, match=r"^red/AAPL: Ludwig could not train the model \(ConfigValid[^\n]*$"):
        train(sample_spec(combiner={"type": "concatt"}), sample_rows(), quiet)


def test_a_fill_strategy_that_looks_ahead_is_refused():
    spec = sample_spec()
    spec.section["defaults"]["number"]["preprocessing"]["missing_value_strategy"] = "bfill"
    with pytest.raises(ModelError, match=r"red/AAPL: input return_1 .*bfill"):
        train(spec, sample_rows(), quiet)


def test_a_constant_feature_still_trains():
    assert train(sample_spec(epochs=1), sample_rows().assign(gap=0.0), quiet).manifest.exported


def test_a_text_input_trains_is_not_exported_and_says_why():
    rows = sample_rows().assign(news=lambda frame: np.where(frame["gap"] > 0, "good open", "bad open today"))
    text = {
        "name": "news",
        "type": "text",
        "encoder": {"type": "embed"},
        "preprocessing": {"tokenizer": "space"},
    }
    model = train(with_inputs(sample_spec(epochs=1), [{"name": "gap", "type": "number"}, text]), rows, quiet)
    assert "model.onnx" not in model.files
    assert not model.manifest.exported
    assert "news is of type text" in model.manifest.reason
