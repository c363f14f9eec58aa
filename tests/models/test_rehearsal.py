"""What Ludwig and torch make of a section that no table can know, asked before the training."""

import copy

import pytest

from my_dagster_project.models.bounds import Bounds
from my_dagster_project.models.rehearsal import rehearse
from tests.models.samples import sample_spec, team_file, trained

pytestmark = pytest.mark.slow

BOUNDS = Bounds(seconds=60, memory=2 * 1024**3)


def section_with(team: str, loc: tuple, value) -> dict:
    section = copy.deepcopy(team_file(team).complete_ludwig())
    at = section
    for part in loc[:-1]:
        at = at.setdefault(part, {}) if isinstance(at, dict) else at[part]
    at[loc[-1]] = value
    return section


def verdict(team: str, loc: tuple, value):
    return rehearse(section_with(team, loc, value), team_file(team).target, BOUNDS)


@pytest.mark.parametrize("team", ["red", "blue"])
def test_the_committed_sections_are_trainable_and_their_weights_are_counted(team):
    said = rehearse(team_file(team).complete_ludwig(), team_file(team).target, BOUNDS)
    assert said.reason == ""
    assert 100 < said.weights < 100_000


def test_what_ludwig_cannot_train_is_said_in_its_words_with_the_part_that_is_to_blame():
    said = verdict("red", ("trainer", "optimizer"), {"type": "adafactor"})
    assert said.reason.startswith("Ludwig cannot train it: ")
    assert said.loc[:2] == ("trainer", "optimizer")
    assert said.lasting


def test_what_ludwig_ignores_is_said():
    said = verdict("red", ("combiner", "dropuot"), 0.3)
    assert (said.reason, said.loc) == ("Ludwig ignores it; remove it", ("combiner", "dropuot"))


def test_a_diverging_rate_is_no_mistake_of_form():
    section = section_with("red", ("trainer", "learning_rate"), 1e30)
    section["trainer"] |= {"optimizer": {"type": "sgd"}, "gradient_clipping": None}
    assert rehearse(section, "next_return", BOUNDS).reason == ""


def test_what_takes_too_long_or_too_much_is_ended_and_may_be_asked_again():
    section = team_file("red").complete_ludwig()
    slow = rehearse(section, "next_return", Bounds(seconds=0, memory=2 * 1024**3))
    assert "longer than the 0 s" in slow.reason
    assert not slow.lasting
    section["combiner"] = {"type": "concat", "num_fc_layers": 8, "output_size": 8192}
    large = rehearse(section, "next_return", Bounds(seconds=60, memory=256 * 1024**2))
    assert "more memory than the 256 MB" in large.reason
    assert not large.lasting


def test_a_rehearsal_changes_nothing_of_the_training_after_it():
    from my_dagster_project.models.training import train
    from tests.models.samples import quiet, sample_rows

    before = trained("red").files
    rehearse(team_file("red").complete_ludwig(), "next_return", BOUNDS)
    assert train(sample_spec(), sample_rows(), quiet).files == before
