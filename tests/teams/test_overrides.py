"""What one symbol has differently: its effective configuration, and nothing else, changes. Broken ones: the corpus."""

from datetime import date

import pytest

from my_dagster_project.foundation.errors import ConfigError
from my_dagster_project.teams.loading import load_defaults
from my_dagster_project.teams.schema import TeamConfig
from tests.teams.helpers import complaint, edited, line_of, load, text_of


def red(overrides):
    return load(edited("red", ("overrides: {}", f"overrides: {overrides}")))


IBM = "{IBM: {features: {rsi_14: {timeperiod: 21}}, training: {cutoff: 2012-10-31, seed: 7}, ludwig: {combiner: {output_size: 8}}}}"


def test_an_override_is_merged_over_the_teams_own_sections():
    ibm = red(IBM).for_symbol("IBM")
    assert ibm.features["rsi_14"].parameters == {"timeperiod": 21}
    assert (ibm.training.cutoff, ibm.training.start, ibm.training.seed) == (
        date(2012, 10, 31),
        date(2000, 3, 1),
        7,
    )
    assert ibm.ludwig["combiner"] == {"type": "concat", "num_fc_layers": 1, "output_size": 8, "dropout": 0.3}
    assert ibm.overrides == {}


def test_nobody_elses_fingerprint_changes():
    plain, config = load(text_of("red")), red(IBM)
    for symbol in ("AAPL", "GOOG", "MSFT"):
        other = config.for_symbol(symbol)
        assert other.model_fingerprint() == plain.for_symbol(symbol).model_fingerprint()
        assert other.features_fingerprint() == plain.for_symbol(symbol).features_fingerprint()
        assert other.canonical_json() == plain.canonical_json()
    assert config.for_symbol("IBM").model_fingerprint() != plain.model_fingerprint()
    assert config.for_symbol("IBM").features_fingerprint() != plain.features_fingerprint()


def test_the_whole_files_json_shows_that_something_changed():
    assert red(IBM).canonical_json() != load(text_of("red")).canonical_json()
    assert "overrides" not in load(text_of("red")).canonical_json()


def test_the_effective_configuration_is_what_a_file_of_its_own_would_be():
    alone = edited(
        "red",
        ("{kind: RSI, timeperiod: 14}", "{kind: RSI, timeperiod: 21}"),
        ("cutoff: 2012-11-30", "cutoff: 2012-10-31"),
        ("cutoff: 2012-10-31", "cutoff: 2012-10-31\n  seed: 7"),
        ("output_size: 16", "output_size: 8"),
    )
    assert red(IBM).for_symbol("IBM").canonical_json() == load(alone).canonical_json()


def test_another_kind_or_type_starts_afresh():
    config = red(
        "{GOOG: {features: {rsi_14: {kind: EMA, timeperiod: 5}}, ludwig: {combiner: {type: transformer, num_layers: 1}}}}"
    )
    goog = config.for_symbol("GOOG")
    assert goog.features["rsi_14"].kind == "EMA"
    assert goog.ludwig["combiner"] == {"type": "transformer", "num_layers": 1}


def test_a_new_feature_comes_after_the_teams_own():
    assert (
        red("{GOOG: {features: {range: {kind: daily_range}}}}").for_symbol("GOOG").feature_list[-1].name
        == "range"
    )


def test_the_effective_configuration_is_made_once():
    config = red(IBM)
    assert config.for_symbol("IBM") is config.for_symbol("IBM")
    assert config.for_symbol("AAPL") is config.for_symbol("AAPL")


def test_a_changed_copy_forgets_what_was_derived_from_the_original():
    config = red("{IBM: {features: {rsi_14: {timeperiod: 21}}}}")
    assert config.for_symbol("IBM").training.validation_fraction == 0.15
    longer = config.training.model_copy(update={"validation_fraction": 0.3})
    copy = config.model_copy(update={"training": longer})
    assert copy.for_symbol("IBM").training.validation_fraction == 0.3
    assert config.for_symbol("IBM").training.validation_fraction == 0.15


def test_a_seed_of_an_old_file_counts_for_nothing_and_the_file_is_told_why():
    plain, old = red("{}"), load(edited("red", ("cutoff: 2012-11-30", "cutoff: 2012-11-30\n  seed: 7")))
    assert old.model_fingerprint() == plain.model_fingerprint()
    assert plain.notes == []
    for file in (old, red("{IBM: {training: {seed: 7}}}")):
        [note] = file.notes
        assert note.startswith("training.seed is ignored: the seed is drawn by the platform")


def test_overrides_survive_the_way_through_json():
    config = red(IBM)
    again = TeamConfig.model_validate_json(config.canonical_json())
    assert again.canonical_json() == config.canonical_json()
    assert again.for_symbol("IBM").canonical_json() == config.for_symbol("IBM").canonical_json()


def test_a_symbol_the_team_does_not_trade_has_no_configuration():
    with pytest.raises(
        ConfigError, match=r'team red does not trade "FB"; its symbols are AAPL, GOOG, IBM, MSFT'
    ):
        load(text_of("red")).for_symbol("FB")


def test_what_is_wrong_without_the_override_is_said_once():
    text = edited("red", ("epochs: 60", "epoch: 60"), ("overrides: {}", f"overrides: {IBM}"))
    lines = complaint(text).splitlines()
    assert lines == [
        f"configs/red.yaml:{line_of(text, 'epoch: 60')}: ludwig.trainer.epoch: unknown key (did you mean epochs?)"
    ]


def test_an_override_can_mend_nothing_that_is_wrong_for_the_others():
    text = edited(
        "red",
        ("epochs: 60", "epochs: many"),
        ("overrides: {}", "overrides: {IBM: {ludwig: {trainer: {epochs: 5}}}}"),
    )
    assert "ludwig.trainer.epochs: must be a whole number" in complaint(text)


def test_an_override_of_a_bad_default_is_judged_by_its_own_value():
    shared = load_defaults(edited("defaults", ("fraction: 0.15", "fraction: none")))
    text = edited("red", ("overrides: {}", "overrides: {IBM: {training: {validation_fraction: 0.2}}}"))
    assert complaint(text, shared=shared).splitlines() == [
        f'configs/defaults.yaml:{line_of(text_of("defaults"), "  validation_fraction")}: training.validation_fraction: must be a number, not "none"'
    ]
