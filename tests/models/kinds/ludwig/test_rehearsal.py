"""What Ludwig and torch make of a section that no table can know, asked before the training."""

import copy

import pytest

from my_dagster_project.models.bounds import Bounds
from my_dagster_project.models.kinds.ludwig.rehearsal import rehearse
from tests.models.samples import quiet, sample_rows, sample_spec, team_file, trained

pytestmark = pytest.mark.slow

BOUNDS = Bounds(seconds=60, memory=2 * 1024**3)


def section_with(team: str, loc: tuple, value) -> dict:
    section = copy.deepcopy(team_file(team).complete_section())
    at = section
    for part in loc[:-1]:
        at = at.setdefault(part, {}) if isinstance(at, dict) else at[part]
    at[loc[-1]] = value
    return section


def verdict(team: str, loc: tuple, value):
    return asked(section_with(team, loc, value), team)


def asked(section: dict, team: str = "red", bounds: Bounds = BOUNDS):
    return rehearse(section, team_file(team).target, sample_rows(team), bounds)


@pytest.mark.parametrize("team", ["red", "blue"])
def test_the_committed_sections_are_trainable_and_their_weights_are_counted(team):
    said = asked(team_file(team).complete_section(), team)
    assert said.reason == ""
    assert 100 < said.weights < 100_000


def test_what_ludwig_cannot_train_is_said_in_its_words_with_the_part_that_is_to_blame():
    said = verdict("red", ("trainer", "optimizer"), {"type": "adafactor"})
    assert said.reason.startswith("Ludwig cannot train it: ")
    assert said.loc[:2] == ("trainer", "optimizer")
    assert said.lasting


def test_whether_a_feature_may_be_negative_is_known():
    names = [entry["name"] for entry in team_file("red").ludwig["input_features"]]
    log1p = {"normalization": "log1p"}
    negative = verdict("red", ("input_features", names.index("gap"), "preprocessing"), log1p)
    assert "`gap` feature are non-positive" in negative.reason
    assert negative.loc[:2] == ("input_features", names.index("gap"))
    assert (
        verdict("red", ("input_features", names.index("volatility_21"), "preprocessing"), log1p).reason == ""
    )


def test_of_a_configuration_that_ludwig_refuses_only_the_sentence_is_said():
    section = section_with("red", ("trainer", "checkpoints_per_epoch"), 2)
    section["trainer"]["steps_per_checkpoint"] = 3
    said = asked(section)
    assert said.reason.startswith(
        "Ludwig cannot train it: It is invalid to specify both trainer.checkpoints_per_epoch"
    )
    assert "input_value" not in said.reason


def test_what_ludwig_ignores_is_said():
    said = verdict("red", ("combiner", "dropuot"), 0.3)
    assert (said.reason, said.loc) == ("Ludwig ignores it; remove it", ("combiner", "dropuot"))


def test_a_diverging_rate_is_no_mistake_of_form():
    section = section_with("red", ("trainer", "learning_rate"), 1e30)
    section["trainer"] |= {"optimizer": {"type": "sgd"}, "gradient_clipping": None}
    assert asked(section).reason == ""


def test_what_takes_too_long_or_too_much_is_ended_and_may_be_asked_again():
    section = team_file("red").complete_section()
    slow = asked(section, bounds=Bounds(seconds=0, memory=2 * 1024**3))
    assert "longer than the 0 s" in slow.reason
    assert not slow.lasting
    section["combiner"] = {"type": "concat", "num_fc_layers": 8, "output_size": 8192}
    large = asked(section, bounds=Bounds(seconds=60, memory=256 * 1024**2))
    assert "more memory than the 256 MB" in large.reason
    assert not large.lasting


def test_a_step_that_never_ends_is_ended():
    section = team_file("red").complete_section()
    endless = {"max_iter": 10**9, "max_eval": 10**9, "tolerance_grad": 0.0, "tolerance_change": 0.0}
    section["trainer"]["optimizer"] = {"type": "lbfgs", **endless}
    assert "longer than the 1 s" in asked(section, bounds=Bounds(seconds=1, memory=2 * 1024**3)).reason


def test_a_rehearsal_changes_nothing_of_the_training_after_it():
    from my_dagster_project.models.kinds.ludwig.ludwig_training import train

    before = trained("red").files
    asked(team_file("red").complete_section())
    assert train(sample_spec(), sample_rows(), quiet).files == before
