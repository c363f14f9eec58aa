"""What was accepted and then failed in training, or was ignored without a word: each is said before, with its place."""

import copy

import pytest

from my_dagster_project.models.kinds.ludwig.ludwig_keys import lint_ludwig
from tests.models.kinds.ludwig.test_ludwig_keys import VALID
from tests.teams.helpers import complaint, edited, line_of, load

SEEN = {
    "betas": (("trainer", "optimizer", "betas"), [0.9], "must be two numbers"),
    "betas of one": (("trainer", "optimizer", "betas"), [0.9, 1.0], "must be two numbers"),
    "clip": (("output_features", 0, "clip"), [0], "must be two whole numbers"),
    "clip the wrong way round": (("output_features", 0, "clip"), [1, 0], "must be two whole numbers"),
    "clip of fractions": (("output_features", 0, "clip"), [-0.1, 0.1], "must be two whole numbers"),
    "norm_params": (("combiner", "fc_layers", 0, "norm_params"), {"epz": 1}, "unknown parameter"),
    "another norm's": (("combiner", "norm_params"), {"epsilon": 0.1}, "unknown parameter (did you mean eps?)"),
    "effective_batch_size": (("trainer", "effective_batch_size"), 300, "must be a multiple of batch_size (256)"),
    "a smaller one": (("trainer", "effective_batch_size"), 64, "must be a multiple of batch_size (256)"),
    "bucketing_field": (("trainer", "bucketing_field"), "nonsense", "is for sequences"),
    "contrastive": (("trainer", "contrastive_pretrain_epochs"), 3, "has no effect here"),
    "sample_ratio": (("preprocessing", "sample_ratio"), 0, "must be above 0 and at most 1"),
    "oversampling": (("preprocessing", "oversample_minority"), 0.5, "needs target next_direction"),
    "undersampling": (("preprocessing", "undersample_majority"), 0.5, "needs target next_direction"),
    "drop_row": (("input_features", 0, "preprocessing", "missing_value_strategy"), "drop_row", "every session is predicted"),
    "drop_row for all": (("defaults", "number", "preprocessing", "missing_value_strategy"), "drop_row", "every session is"),
    "bfill": (("input_features", 0, "preprocessing", "missing_value_strategy"), "bfill", "it fills in what comes later"),
    "outliers dropped": (("input_features", 0, "preprocessing", "outlier_strategy"), "drop_row", "every session is predicted"),
    "outliers for all": (("defaults", "number", "preprocessing", "outlier_strategy"), "bfill", "it fills in what comes later"),
    "rows of nothing": (("trainer", "increase_batch_size_eval_split"), "vaildation", "did you mean validation?"),
    "tied": (("input_features", 1, "tied"), "nothing", 'must be an input above this one, and of its type, not "nothing"'),
    "tied to another type": (("input_features", 1, "tied"), "x", "must be an input above this one"),
    "dependencies": (("output_features", 0, "dependencies"), ["foo"], "there is only this one"),
    "rows of a test": (("trainer", "learning_rate_scheduler", "reduce_eval_split"), "test", "no rows are kept for one"),
    "defaults of a type nobody has": (("defaults", "timeseries"), {}, "unknown key (valid: binary, category, number)"),
    "defaults of a part no category has": (("defaults", "category", "decoder"), {"type": "classifier"}, "has no effect"),
    "sequences": (("preprocessing", "global_max_sequence_length"), 3, "is for sequences"),
    "adafactor": (("trainer", "optimizer"), {"type": "adafactor"}, "fails in training with Ludwig"),
    "schedule_free_adamw": (("trainer", "optimizer"), {"type": "schedule_free_adamw"}, "fails in training with Ludwig"),
}  # fmt: skip
FINE = {
    "betas": (("trainer", "optimizer", "betas"), [0.8, 0.9]),
    "clip": (("output_features", 0, "clip"), [-1, 1.0]),
    "norm_params": (("combiner", "fc_layers", 0), {"output_size": 8, "norm": "batch", "norm_params": {"eps": 0.1}}),
    "effective_batch_size": (("trainer", "effective_batch_size"), 512),
    "sample_ratio": (("preprocessing", "sample_ratio"), 0.5),
    "the output's own": (("output_features", 0, "preprocessing", "missing_value_strategy"), "drop_row"),
}  # fmt: skip


def changed(place, value):
    section = copy.deepcopy(VALID)
    section.setdefault("preprocessing", {})
    section["combiner"]["norm"] = "layer" if "epsilon" in str(value) else "batch"
    at = section
    for part in place[:-1]:
        at = at.setdefault(part, {}) if isinstance(at, dict) else at[part]
    at[place[-1]] = value
    return section


@pytest.mark.parametrize(("place", "value", "message"), SEEN.values(), ids=SEEN)
def test_what_would_fail_or_be_ignored_is_said_at_its_place(place, value, message):
    [problem] = lint_ludwig(changed(place, value))
    assert problem.loc[: len(place)] == place
    assert message in problem.message


@pytest.mark.parametrize(("place", "value"), FINE.values(), ids=FINE)
def test_what_works_passes(place, value):
    assert lint_ludwig(changed(place, value)) == []


def test_a_metric_that_the_target_has_not_is_refused_in_the_output_too():
    text = edited(
        "red", ("      type: number\n", "      type: number\n      default_validation_metric: foo\n")
    )
    assert f"{line_of(text, 'default_validation_metric')}: ludwig.output_features[0]" in complaint(text)
    load(text.replace("metric: foo", "metric: r2"))


def test_features_that_need_more_history_than_there_is_are_refused_before_training():
    text = edited(
        "red",
        ("{kind: DEMA, timeperiod: 20}", "{kind: DEMA, timeperiod: 100}"),
        ("cutoff: 2012-11-30", "cutoff: 2002-12-30"),
    )
    assert f"{line_of(text, 'dema_20:')}: features.dema_20: needs " in complaint(text)
    load(edited("red", ("cutoff: 2012-11-30", "cutoff: 2002-12-30")))
