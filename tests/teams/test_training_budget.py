"""What takes the machine from the others is refused by counting, before anything is built."""

import pytest

from my_dagster_project.models.kinds.ludwig.ludwig_size import parts
from my_dagster_project.teams.cron import times_a_day
from my_dagster_project.teams.loading import load_registry, load_team
from tests.teams.helpers import complaint, defaults, edited, line_of, load, text_of

COMBINER = "combiner: {type: concat, num_fc_layers: 1, output_size: 16, dropout: 0.3}"
TAKERS = {
    "wide": "{type: concat, num_fc_layers: 8, output_size: 8192}",
    "tabnet": "{type: tabnet, size: 8192, output_size: 8192}",
    "transformer": "{type: transformer, num_layers: 64, hidden_size: 4096, num_heads: 8}",
    "layers of its own": "{type: concat, fc_layers: [{output_size: 8192}, {output_size: 8192}]}",
}


@pytest.mark.parametrize("combiner", TAKERS.values(), ids=TAKERS)
def test_a_model_beyond_the_budget_is_refused_where_its_largest_part_is(combiner):
    text = edited("red", (COMBINER, f"combiner: {combiner}"))
    said = complaint(text)
    assert said.startswith(f"configs/red.yaml:{line_of(text, 'combiner:')}: ludwig.combiner")
    assert "weights; the registry allows red 5,000,000" in said


@pytest.mark.parametrize("count", [1000, 65])
def test_a_thousand_small_layers_are_refused(count):
    layers = "[" + ", ".join(["{output_size: 4}"] * count) + "]"
    assert f"has {count} layers; at most 64 here" in complaint(
        edited("red", (COMBINER, f"combiner: {{type: concat, fc_layers: {layers}}}"))
    )
    assert "num_fc_layers: must be at most 64" in complaint(
        edited("red", ("num_fc_layers: 1", f"num_fc_layers: {count}"))
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (COMBINER, "combiner: {type: tabnet, size: 1, output_size: 1, num_steps: 8192}", "num_steps: must be at most 64"),
        ("    epochs: 60", "    optimizer: {type: lbfgs, max_iter: 1000000000}\n    epochs: 60", "max_iter: must be at most 1000"),
        ("    epochs: 60", "    model_soup: uniform\n    model_soup_top_k: 1000\n    epochs: 60", "model_soup_top_k: must be at most 20"),
    ],
)  # fmt: skip
def test_a_step_of_thousands_of_passes_is_refused(old, new, message):
    assert message in complaint(edited("red", (old, new)))


@pytest.mark.parametrize(
    "combiner",
    ["{type: transformer}", "{type: tabnet}", "{type: concat, num_fc_layers: 4, output_size: 512}"],
)
def test_what_models_usually_are_fits(combiner):
    load(edited("red", (COMBINER, f"combiner: {combiner}")))


def test_the_organiser_may_allow_more():
    text = edited(
        "teams", ("account: RED ", "training: {weights: 1000000000, runs_per_day: 24}\n    account: RED ")
    )
    own = edited("red", (COMBINER, f"combiner: {TAKERS['wide']}"))
    load_team(own, "configs/red.yaml", load_registry(text), defaults())


def test_the_count_of_a_layer_is_its_width_squared():
    section = load(text_of("red")).ludwig
    assert sum(part.weights for part in parts(section)) == 16**2


@pytest.mark.parametrize(
    ("cron", "often"),
    [
        ("* * * * *", 1440),
        ("0-59 0-23 * * *", 1440),
        ("*/30 * * * *", 48),
        ("0 4,16 * * 6", 2),
        ("0 4 * * 6", 1),
    ],
)
def test_a_schedule_that_trains_all_day_is_refused(cron, often):
    assert times_a_day(cron) == often
    text = text_of("red") + f'schedule: {{train: "{cron}"}}\n'
    if often <= 4:
        load(text)
    else:
        assert complaint(text) == (
            f"configs/red.yaml:{line_of(text, 'schedule:')}: schedule.train: trains {often} times a day; the registry allows red 4"
        )
