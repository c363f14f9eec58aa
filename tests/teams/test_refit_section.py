"""The section `training` of a team whose models learn as time passes: what it may say, what old files still mean, what an edit costs."""

import pytest

from my_dagster_project.teams.effects import effects
from tests.teams.helpers import complaint, load, text_of


def red(training: str, overrides: str = "{}") -> str:
    text = text_of("red")
    start, end = text.index("training:"), text.index("# A Ludwig model")
    text = f"{text[:start]}training: {training}\n{text[end:]}"
    return text.replace("overrides: {}", f"overrides: {overrides}")


def test_a_file_that_says_never_is_the_file_that_says_nothing():
    plain, said = (
        load(red("{refit: never}")),
        load(red("{refit: never, window: expanding, warm_start: false}")),
    )
    assert said.canonical_json() == plain.canonical_json()
    assert "refit" not in plain.canonical_json()
    assert said.model_fingerprints() == plain.model_fingerprints()


def test_how_often_and_how_much_a_team_learns_is_part_of_its_models():
    files = ["{refit: never}", "{refit: weekly}", "{refit: monthly}", "{refit: monthly, window: 500}"]
    assert len({load(red(one)).model_fingerprint() for one in files}) == len(files)
    assert load(red("{refit: monthly, window: 500}")).training.sessions == 500


@pytest.mark.parametrize(
    ("training", "overrides", "said"),
    [
        (
            "{refit: daily}",
            "{}",
            'training.refit: cannot be "daily"; one of never, weekly, monthly or quarterly',
        ),
        ("{refit: monthly, cutoff: 2011-11-30}", "{}", "training.cutoff: is for refit: never"),
        ("{refit: never, warm_start: true}", "{}", "training.warm_start: there is no earlier model to begin"),
        (
            "{refit: monthly, warm_start: true}",
            "{IBM: {model: {kind: baseline, strategy: drift}}}",
            "training.warm_start: the baseline has no weights",
        ),
        ("{refit: monthly, window: 20}", "{}", "training.window: must be expanding, or a number of sessions"),
        (
            "{refit: monthly, window: all}",
            "{}",
            "training.window: must be expanding, or a number of sessions",
        ),
        ("{refit: monthly, start: 2012-09-03}", "{}", "training.start: leaves 88 days to train on"),
        ("{}", "{IBM: {training: {refit: weekly}}}", "is the same for all of a team's symbols"),
    ],
)
def test_what_it_cannot_say_is_told_with_its_line(training, overrides, said):
    assert said in complaint(red(training, overrides))


def test_what_remaking_the_past_costs_is_said_before_it_is_done():
    before, after = load(red("{refit: monthly}")), load(red("{refit: monthly, window: 500}"))
    windows = ["2012-12-01", "2013-01-01", "2013-02-01"]
    [said] = effects(before, after, windows)
    assert said.startswith(
        "trains AAPL, GOOG, IBM, MSFT (12 trainings, windows from 2012-12-01 to 2013-02-01), then"
    )
