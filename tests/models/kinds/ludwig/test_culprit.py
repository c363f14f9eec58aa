"""Which part of a section is to blame, found by leaving parts out."""

import pytest

from my_dagster_project.models.kinds.ludwig.culprit import culprit

SECTION = {
    "model_type": "ecd",
    "input_features": [
        {"name": "x", "type": "number", "encoder": {"type": "dense", "norm": "batch"}},
        {"name": "w", "type": "category"},
    ],
    "output_features": [{"name": "y", "type": "number", "preprocessing": {"normalization": "zscore"}}],
    "combiner": {"type": "concat", "fc_layers": [{"output_size": 8}, {"output_size": 4, "norm": "batch"}]},
    "trainer": {"epochs": 3, "batch_size": 7, "optimizer": {"type": "adamw", "betas": [2]}},
    "preprocessing": {"split": {"type": "fixed", "column": "split"}},
}


def has(section, *loc):
    for part in loc:
        try:
            section = section[part]
        except (KeyError, IndexError):
            return False
    return True


@pytest.mark.parametrize(
    "loc",
    [
        ("trainer", "optimizer", "betas"),
        ("combiner", "fc_layers", 1, "norm"),
        ("input_features", 0, "encoder", "norm"),
        ("output_features", 0, "preprocessing", "normalization"),
    ],
)
def test_the_smallest_part_without_which_it_works_is_named(loc):
    assert culprit(SECTION, lambda section: not has(section, *loc)) == loc


def test_two_mistakes_are_not_one_part():
    broken = [("trainer", "optimizer", "betas"), ("combiner", "fc_layers", 1, "norm")]
    assert culprit(SECTION, lambda section: not any(has(section, *loc) for loc in broken)) == ()


def test_a_batch_size_is_left_out_by_an_ordinary_one():
    assert culprit(SECTION, lambda section: section["trainer"]["batch_size"] != 7) == (
        "trainer",
        "batch_size",
    )


def test_what_cannot_be_found_in_reasonable_time_stays_the_larger_part():
    wide = {**SECTION, "trainer": {f"key_{n}": n for n in range(300)}}
    tried = []

    def works(section):
        tried.append(section)
        return "key_299" not in section["trainer"]

    assert culprit(wide, works) == ("trainer",)
    assert len(tried) < 100


def test_the_section_itself_stays_as_it_is():
    before = repr(SECTION)
    culprit(SECTION, lambda section: False)
    assert repr(SECTION) == before


def test_what_the_error_names_is_tried_first():
    watched = {**SECTION, "trainer": {"reduce_on_plateau": 2, "reduce_eval_metric": "foo"}}

    def works(section):  # either is enough
        return not {"reduce_on_plateau", "reduce_eval_metric"} <= section["trainer"].keys()

    assert culprit(watched, works, "KeyError: 'foo'") == ("trainer", "reduce_eval_metric")
    assert culprit(watched, works) == ("trainer", "reduce_on_plateau")


def test_an_error_about_a_python_type_names_no_key_of_that_name():
    decoder = {"type": "mlp", "bias_initializer": {"type": "constant"}}
    section = {**SECTION, "output_features": [{"name": "y", "type": "number", "decoder": decoder}]}

    def works(tried):  # another decoder has no such key
        return not has(tried, "output_features", 0, "decoder", "bias_initializer") or not has(
            tried, "output_features", 0, "decoder", "type"
        )

    found = culprit(section, works, "TypeError: unhashable type: 'dict'")
    assert found[:4] == ("output_features", 0, "decoder", "bias_initializer")
