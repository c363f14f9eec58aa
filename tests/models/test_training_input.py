from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from my_dagster_project.foundation.errors import ModelError
from my_dagster_project.models import training_input
from my_dagster_project.models.kinds.ludwig.ludwig_input import ludwig_config
from my_dagster_project.models.training_input import TrainingSpec

BATCHES = {"batch_size": 64, "eval_batch_size": 64}


def make_spec(target="next_return", **ludwig) -> TrainingSpec:
    kind = "number" if target == "next_return" else "binary"
    section = {
        "input_features": [{"name": "gap", "type": "number"}, {"name": "weekday", "type": "category"}],
        "output_features": [{"name": target, "type": kind}],
        "trainer": dict(BATCHES),
    }
    return TrainingSpec(
        team="red",
        symbol="AAPL",
        section=section | ludwig,
        target=target,
        features=("gap", "weekday"),
        seed=1,
        trained_through=date(2012, 11, 30),
    )


def check_rows(spec, rows):
    training_input.check_rows(spec, rows, ["gap"])


def make_rows(count=100) -> pd.DataFrame:
    sessions = pd.bdate_range(end="2012-11-29", periods=count)
    values = np.sin(np.arange(count))
    return pd.DataFrame(
        {
            "session": sessions,
            "gap": values,
            "weekday": sessions.weekday.astype(str),
            "next_return": values / 100,
            "next_direction": (values > 0).astype(int),
            "split": (np.arange(count) >= count * 0.8).astype(int),
        }
    )


def test_good_rows_and_a_good_configuration_pass():
    for target in ("next_return", "next_direction"):
        check_rows(make_spec(target), make_rows())
        assert ludwig_config(make_spec(target))["preprocessing"]["split"] == {
            "type": "fixed",
            "column": "split",
        }


def test_the_specification_is_not_changed():
    spec = make_spec()
    ludwig_config(spec)
    assert "preprocessing" not in spec.section


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"gap": np.nan}, "feature gap has no value"),
        ({"gap": "a lot"}, "feature gap is of type number"),
        ({"gap": np.inf}, "feature gap is infinite at session 2012"),
        ({"gap": -np.inf}, "feature gap is infinite at session 2012"),
        ({"next_return": 0.0}, "next_return is 0.0 in every training row"),
        ({"next_return": np.nan}, "next_return has no finite value at session"),
        ({"next_return": np.inf}, "next_return has no finite value at session"),
        ({"split": 0}, "0 validation rows"),
        ({"split": 1}, "0 training rows"),
        ({"session": pd.Timestamp("2012-11-30")}, "row of session 2012-11-30 would learn from a close after"),
    ],
)
def test_bad_rows_are_refused_by_name(changed, message):
    with pytest.raises(ModelError, match=f"^red/AAPL: .*{message}"):
        check_rows(make_spec(), make_rows().assign(**changed))


def test_no_rows_are_refused():
    with pytest.raises(ModelError, match="red/AAPL: 0 training rows, at least 50"):
        check_rows(make_spec(), make_rows().head(0))


def test_a_third_part_is_refused():
    rows = make_rows()
    rows.loc[99, "split"] = 2
    with pytest.raises(ModelError, match="only 0 and 1"):
        check_rows(make_spec(), rows)


@pytest.mark.parametrize("column", ["session", "gap", "next_return", "split"])
def test_a_missing_column_is_named(column):
    with pytest.raises(ModelError, match=column):
        check_rows(make_spec(), make_rows().drop(columns=column))


def test_one_late_row_among_many_is_found():
    rows = make_rows()
    rows.loc[3, "session"] = pd.Timestamp("2013-01-02")
    with pytest.raises(ModelError, match="2013-01-02"):
        check_rows(make_spec(), rows)


def test_a_direction_that_is_neither_0_nor_1_is_refused():
    rows = make_rows().assign(next_direction=lambda frame: frame["next_direction"] * 2 - 1)
    with pytest.raises(ModelError, match="must be 0 or 1"):
        check_rows(make_spec("next_direction"), rows)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"model_type": "llm"}, "model_type llm is not supported"),
        ({"preprocessing": {"split": {"type": "random"}}}, "split is the platform's"),
        ({"input_features": []}, "input_features is empty"),
        ({"input_features": [{"name": "rsi", "type": "number"}]}, r"\['rsi'\], which are not among"),
        ({"output_features": [{"name": "next_return", "type": "category"}]}, "of type number"),
        ({"output_features": []}, "must be exactly one"),
        ({"trainer": {"batch_size": "auto", "eval_batch_size": 8}}, "trainer.batch_size must be a number"),
        ({"trainer": {"batch_size": 8}}, "trainer.eval_batch_size must be a number"),
    ],
)
def test_a_configuration_that_cannot_be_reproduced_is_refused(changed, message):
    with pytest.raises(ModelError, match=f"^red/AAPL: .*{message}"):
        ludwig_config(make_spec(**changed))


def test_the_target_decides_the_output():
    with pytest.raises(ModelError, match="name next_direction of type binary"):
        ludwig_config(replace(make_spec(), target="next_direction"))
