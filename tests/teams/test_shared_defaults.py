"""Defaults shared by all teams: merged under each team's file, reported where they are written."""

import json
from datetime import date

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from my_dagster_project.foundation.errors import ConfigError
from my_dagster_project.teams.layers import merged
from my_dagster_project.teams.loading import (
    FROM_REGISTRY,
    _of_the_round,
    load_defaults,
    load_registry,
    load_team,
)
from tests.teams.helpers import (
    CONFIGS,
    complaint,
    defaults,
    edited,
    line_of,
    load,
    registry,
    text_of,
    whole_text_of,
)

# What red's and blue's models were before there were shared defaults (commit 692f932), without the seed that was in them
# until it became the platform's: a merge must not retrain them.
MODELS = {
    "red": "c1dbc7cf9400bc7cf3ff7bd33046f1c783c092d4e26976174bcb009e32c0b794",
    "blue": "7a66f0da7d0b0c2110a570c8b6db8630eb771cfc97e9198a578ec2fab05f7f83",
}


@pytest.mark.parametrize("team", MODELS)
def test_moving_settings_into_the_defaults_changed_no_model(team):
    assert load(text_of(team), team).model_fingerprint() == MODELS[team]


@pytest.mark.parametrize("team", ["red", "blue"])
def test_a_file_over_the_defaults_is_the_file_with_the_defaults_written_out(team):
    written_out = load_team(whole_text_of(team), f"configs/{team}.yaml", registry(), None)
    assert written_out.canonical_json() == load(text_of(team), team).canonical_json()


def test_a_team_that_needs_no_defaults_loads_without_them():
    assert (
        load_team(whole_text_of("red"), "configs/red.yaml", registry(), None).trading.position_share == 0.25
    )


def test_a_teams_own_values_win_and_the_rest_stays():
    config = load(edited("red", ("training:\n", "training:\n  validation_fraction: 0.2\n")))
    assert config.training.validation_fraction == 0.2
    assert str(config.training.start) == "2000-03-01"


def test_a_list_replaces_the_list_below_it():
    shared = load_defaults("symbols: [AAPL, GOOG, IBM]\n")
    assert load(whole_text_of("red"), shared=shared).symbols == ("AAPL", "GOOG", "IBM", "MSFT")
    without = whole_text_of("red").replace("symbols:\n- AAPL\n- GOOG\n- IBM\n- MSFT\n", "")
    assert load(without, shared=shared).symbols == ("AAPL", "GOOG", "IBM")


def test_another_optimizer_does_not_inherit_the_parameters_of_the_shared_one():
    optimizer = "{type: sgd, momentum: 0.9}"
    config = load(edited("red", ("    epochs: 60\n", f"    epochs: 60\n    optimizer: {optimizer}\n")))
    assert config.ludwig["trainer"]["optimizer"] == {"type": "sgd", "momentum": 0.9}
    assert config.ludwig["trainer"]["batch_size"] == 256
    same = load(edited("red", ("    epochs: 60\n", "    epochs: 60\n    optimizer: {weight_decay: 0.2}\n")))
    assert same.ludwig["trainer"]["optimizer"] == {"type": "adamw", "weight_decay": 0.2}


BROKEN = {
    "a bad value": ("fraction: 0.15", "fraction: 15 %", 'training.validation_fraction: must be a number, not "15 %"'),
    "a misspelt key": ("validation_fraction:", "validation_fractoin:", "training.validation_fractoin: unknown key (did you mean validation_fraction?)"),
    "a misspelt Ludwig key": ("batch_size: 256", "batchsize: 256", "ludwig.trainer.batchsize: unknown key (did you mean batch_size?)"),
    "a share that is none": ("position_share: 0.25", "position_share: 1.5",
        "trading.position_share: must be at most 1.0, not 1.5"),
    "cron nonsense": ('daily: "30 6 * * *"', "daily: often", "schedule.daily: is no cron string"),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "message"), BROKEN.values(), ids=BROKEN)
def test_a_bad_default_is_reported_in_the_file_of_the_defaults(old, new, message):
    text = edited("defaults", (old, new))
    found = complaint(text_of("red"), shared=load_defaults(text))
    assert found.startswith(f"configs/defaults.yaml:{line_of(text, new)}: {message}")


def test_more_shared_symbols_than_a_team_may_have_are_as_many_as_it_may():
    few = load_registry(edited("teams", ("max_symbols: 10", "max_symbols: 2")))
    shared = load_defaults("symbols: [MSFT, IBM, AAPL]\n" + text_of("defaults"))
    own = text_of("red").replace("symbols: [", "# [")
    assert load_team(own, "configs/red.yaml", few, shared).symbols == ("MSFT", "IBM")


def test_a_default_above_a_teams_limit_is_the_limit():
    shared = load_defaults(edited("defaults", ("position_share: 0.25", "position_share: 0.5")))
    assert load(text_of("red"), shared=shared).trading.position_share == 0.3
    whole = load_defaults(edited("defaults", ("position_share: 0.25", "position_share: 1")))
    assert load(text_of("red"), shared=whole).trading.position_share == 0.3
    own = edited("red", ("trading:\n", "trading:\n  position_share: 0.5\n"))
    assert complaint(own, shared=shared).startswith(
        f"configs/red.yaml:{line_of(own, 'position_share: 0.5')}: trading.position_share: 0.5 is above"
    )


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (
            "  combiner: {type: concat, num_fc_layers: 1, output_size: 16, dropout: 0.3}\n",
            "ludwig.combiner: is missing",
        ),
        ("  buy_above: 0.0002 ", "trading.buy_above: is missing"),
    ],
)
def test_what_is_missing_below_a_shared_section_is_missing_in_the_teams_file(part, message):
    text = edited("red", (part, "  # " if part.endswith(" ") else ""))
    section = message.partition(".")[0].partition(":")[0]
    line = line_of(text, f"\n{section}:") + 1
    assert complaint(text) == f"configs/red.yaml:{line}: {message}"


def test_a_missing_section_is_missing_in_the_teams_file_too():
    text = "team: red\nsymbols: [IBM]\n"
    assert all(line.startswith("configs/red.yaml:1: ") for line in complaint(text).splitlines())


def test_a_bad_default_that_a_team_replaces_does_not_concern_it():
    shared = load_defaults(edited("defaults", ("fraction: 0.15", "fraction: none")))
    own = edited("red", ("training:\n", "training:\n  validation_fraction: 0.2\n"))
    assert load(own, shared=shared).training.validation_fraction == 0.2


def test_the_teams_own_problems_come_first():
    shared = load_defaults(edited("defaults", ("fraction: 0.15", "fraction: none")))
    lines = complaint(edited("red", ("epochs: 60", "epoch: 60")), shared=shared).splitlines()
    assert [line.split(":")[0] for line in lines] == ["configs/red.yaml", "configs/defaults.yaml"]


def test_what_follows_from_the_registry_need_not_be_said():
    text = (CONFIGS / "red.yaml").read_text()
    assert "\nsymbols:" not in text
    config = load(text)
    assert config.canonical_json() == load(text_of("red")).canonical_json()
    assert (config.symbols, config.training.start) == (registry().market.symbols, registry().market.start)
    assert str(config.training.cutoff) == "2012-11-30"


def test_other_prices_are_one_edit_of_the_registry():
    market = registry().market.model_copy(
        update={"source": "csv", "path": "prices", "symbols": ("SAP", "SIE"), "start": date(2010, 1, 4)}
    )
    other = registry().model_copy(update={"market": market})
    for team in ("red", "blue"):
        config = load_team((CONFIGS / f"{team}.yaml").read_text(), f"configs/{team}.yaml", other, defaults())
        assert (config.symbols, config.training.start) == (("SAP", "SIE"), date(2010, 1, 4))
    without = registry().model_copy(update={"market": market.model_copy(update={"symbols": ()})})
    with pytest.raises(ConfigError, match=r"configs/red\.yaml:\d+: symbols: is missing"):
        load_team((CONFIGS / "red.yaml").read_text(), "configs/red.yaml", without, defaults())


def test_the_registry_gives_what_it_says_it_does():
    given = _of_the_round(registry(), "red").data
    assert given.keys() == FROM_REGISTRY.keys()
    assert given["training"].keys() == FROM_REGISTRY["training"].keys()


NOT_DEFAULTS = {
    "a team": ("team: red\n", "configs/defaults.yaml:1: team: belongs to one team; write it in the team's own file"),
    "overrides": ("overrides: {}\n", "configs/defaults.yaml:1: overrides: belongs to one team"),
    "an unknown section": ("\ntrianing: {seed: 1}\n", "configs/defaults.yaml:2: trianing: unknown key (did you mean training?)"),
    "an account": ("account: RED\n", "configs/defaults.yaml:1: account: unknown key"),
    "no YAML": ("training: {seed: 1\n", "configs/defaults.yaml:"),
    "nothing": ("", "configs/defaults.yaml:1: is empty"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "message"), NOT_DEFAULTS.values(), ids=NOT_DEFAULTS)
def test_what_cannot_be_shared_is_refused(text, message):
    with pytest.raises(ConfigError) as caught:
        load_defaults(text)
    assert str(caught.value).startswith(message)


def test_the_committed_defaults_hold_no_team():
    assert set(defaults().data) == {"training", "ludwig", "trading", "schedule"}


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.lists(st.integers(), max_size=2),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


@given(PLAIN, PLAIN)
def test_merging_changes_neither_side_and_the_upper_one_is_whole_in_it(lower, upper):
    before = json.dumps([lower, upper])
    both = merged(lower, upper)
    assert json.dumps([lower, upper]) == before
    assert merged(both, upper) == both
    assert merged(lower, {}) == (lower if isinstance(lower, dict) else {})
    assert yaml.safe_load(yaml.safe_dump(both)) == both
