import itertools
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from my_dagster_project.foundation.errors import ModelError
from my_dagster_project.models.kinds.ludwig.ludwig_training import train
from my_dagster_project.models.prediction import predict
from tests.models.samples import quiet, sample_rows, sample_spec, trained, with_inputs
from tests.support.draws import draws

pytestmark = pytest.mark.slow

ALONE = """
import pickle, sys
files, rows = pickle.load(open(sys.argv[1], "rb"))
from my_dagster_project.models.prediction import predict
answer = predict(files, rows)
assert answer.engine == "onnxruntime" and len(answer.frame) == len(rows)
heavy = {"ludwig", "torch", "mlflow", "onnx", "onnxscript"} & set(sys.modules)
assert not heavy, heavy
# Not ru_maxrss: it begins with what the parent held when it forked, and the parent holds Ludwig.
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(int(status["VmHWM"].split()[0]) // 1024)
"""


def test_predicting_needs_neither_ludwig_nor_torch_nor_300_megabytes(tmp_path):
    (tmp_path / "model").write_bytes(pickle.dumps((dict(trained("red").files), sample_rows().tail(60))))
    result = subprocess.run(
        [sys.executable, "-c", ALONE, str(tmp_path / "model")], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert int(result.stdout) < 300


def test_a_regression_team_predicts_returns():
    rows = sample_rows().set_index("session", drop=False).tail(60)
    answer = predict(trained("red").files, rows)
    assert (answer.engine, answer.note) == ("onnxruntime", None)
    assert list(answer.frame.columns) == ["predicted_return", "probability_up"]
    assert answer.frame.index.equals(rows.index)
    assert answer.frame["predicted_return"].abs().max() < 0.2
    assert answer.frame["probability_up"].isna().all()


def test_a_classification_team_predicts_probabilities_and_the_returns_they_stand_for():
    model = trained("blue")
    frame = predict(model.files, sample_rows("blue").tail(60)).frame
    assert frame["probability_up"].between(0, 1).all()
    expected = (2 * frame["probability_up"] - 1) * model.manifest.return_scale
    assert np.allclose(frame["predicted_return"], expected)


@draws(10)
@given(team=st.sampled_from(["red", "blue"]), drawn=st.data())
def test_a_row_is_the_same_bytes_whichever_rows_are_asked_for_with_it(team, drawn):
    """A replay asks for a range, a season for a session a day: many rows at once round differently, and the range did."""
    model, rows = trained(team).files, sample_rows(team).tail(40)
    together = predict(model, rows).frame
    order = drawn.draw(st.permutations(range(len(rows))))
    cuts = sorted(drawn.draw(st.sets(st.integers(1, len(rows) - 1), max_size=6)))
    calls = [order[a:b] for a, b in itertools.pairwise([0, *cuts, len(rows)])]
    asked = pd.concat([predict(model, rows[sorted(rows.columns)].iloc[call]).frame for call in calls])
    assert asked.loc[rows.index].to_numpy().tobytes() == together.to_numpy().tobytes()


def test_a_missing_value_is_filled():
    rows = sample_rows().tail(3).assign(gap=[np.nan, 0.0, np.nan], weekday=[None, "9", "0"])
    assert np.isfinite(predict(trained("red").files, rows).frame["predicted_return"]).all()


def test_no_rows_give_no_predictions():
    assert predict(trained("red").files, sample_rows().head(0)).frame.shape == (0, 2)


def test_a_missing_column_is_named():
    with pytest.raises(ModelError, match=r"red/AAPL: .*\['gap', 'weekday'\]"):
        predict(trained("red").files, sample_rows().drop(columns=["gap", "weekday"]))


def test_an_infinite_value_is_refused_with_its_session():
    rows = sample_rows().tail(3)
    rows.loc[rows.index[1], "gap"] = -np.inf
    with pytest.raises(ModelError, match=f"feature gap is infinite at {rows['session'].iloc[1]:%Y-%m-%d}"):
        predict(trained("red").files, rows)


def test_text_in_a_number_column_is_refused():
    with pytest.raises(ModelError, match="red/AAPL: feature gap"):
        predict(trained("red").files, sample_rows().tail(3).assign(gap="wide"))


@pytest.mark.parametrize("name", ["manifest.json", "model.onnx"])
@pytest.mark.parametrize("damage", [lambda content: None, lambda content: content[:50], lambda content: b""])
def test_a_torn_model_is_one_message(name, damage):
    files = dict(trained("red").files)
    files[name] = damage(files[name])
    if files[name] is None:
        del files[name]
    with pytest.raises(ModelError, match=rf"{name}.*Train it again"):
        predict(files, sample_rows().tail(3))


def test_a_model_with_text_falls_back_to_ludwig_and_says_so():
    rows = sample_rows().assign(news=lambda frame: np.where(frame["gap"] > 0, "good open", "bad open today"))
    text = {
        "name": "news",
        "type": "text",
        "encoder": {"type": "embed"},
        "preprocessing": {"tokenizer": "space"},
    }
    spec = with_inputs(sample_spec(epochs=1), [{"name": "gap", "type": "number"}, text])
    model = train(spec, rows, quiet)
    answer = predict(model.files, rows.tail(20))
    assert answer.engine == "ludwig"
    assert "red/AAPL predicts with Ludwig" in answer.note
    assert "news is of type text" in answer.note
    assert np.isfinite(answer.frame["predicted_return"]).all()
    assert predict(model.files, rows.tail(7)).frame.equals(answer.frame.tail(7))
    assert predict(model.files, rows.head(0)).frame.shape == (0, 2)
    with pytest.raises(ModelError, match="lacks ludwig/model_weights"):
        predict({n: c for n, c in model.files.items() if "weights" not in n}, rows.tail(1))
