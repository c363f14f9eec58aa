"""The committed team files, and what other rooms read from them."""

import json
from dataclasses import replace
from datetime import date

import pytest

from my_dagster_project.domain.features import Feature
from my_dagster_project.domain.indicators import FEATURE_KINDS
from my_dagster_project.domain.reach import Reach
from my_dagster_project.foundation.calendar import load_calendar
from my_dagster_project.foundation.errors import ConfigError
from my_dagster_project.teams.loading import load_team
from my_dagster_project.teams.schema import TeamConfig
from tests.teams.helpers import CONFIGS, complaint, defaults, edited, line_of, load, registry, text_of


@pytest.mark.parametrize("team", ["red", "blue"])
def test_the_committed_files_are_valid(team):
    config = load_team(CONFIGS / f"{team}.yaml", f"configs/{team}.yaml", registry(), defaults())
    assert config.team == team
    assert config.symbols == ("AAPL", "GOOG", "IBM", "MSFT")
    assert set(config.input_names) == set(config.features)


def test_the_two_teams_are_different_kinds_of_model():
    red, blue = load(text_of("red")), load(text_of("blue"), "blue")
    assert (red.target, blue.target) == ("next_return", "next_direction")
    assert (red.is_classification, blue.is_classification) == (False, True)
    assert red.ludwig["combiner"]["type"] != blue.ludwig["combiner"]["type"]


def test_training_ends_with_the_session_before_the_first_predicted_one():
    calendar, round_ = load_calendar("XNYS"), registry().competition
    last_known = calendar.previous_session(registry().market.end)
    predicted = calendar.sessions(round_.start, last_known)
    assert len(predicted) == round_.replay_sessions
    for team in ("red", "blue"):
        assert load(text_of(team), team).training.cutoff == calendar.previous_session(predicted[0])


def test_features_become_the_domains_features_in_the_order_of_the_file():
    features = load(text_of("blue"), "blue").feature_list
    assert features[0] == Feature("return_1", "log_return", {"sessions": 1}, None, 0)
    assert features[1].lag == 1
    macd = next(feature for feature in features if feature.name == "macd")
    assert macd.output == "macdhist"
    assert macd.parameters == {"fastperiod": 12, "slowperiod": 26, "signalperiod": 9}


def test_a_feature_that_looks_into_the_future_is_refused_with_its_line(monkeypatch):
    text = edited("red", ("sessions: 1, lag: 1", "sessions: 1, lag: -1"))
    said = "features.return_lag1.lag: looks 1 session into the future; 0 is the session itself"
    assert f"configs/red.yaml:{line_of(text, 'return_lag1:')}: {said}" in complaint(text)
    lead = replace(FEATURE_KINDS["overnight_gap"], name="lead", future=2)
    monkeypatch.setitem(FEATURE_KINDS, "lead", lead)
    text = edited("red", ("{kind: overnight_gap}", "{kind: lead, lag: 1}"))
    said = "features.gap.kind: lead looks 1 session into the future, which no feature may; with lag: 2 it would not"
    assert f"configs/red.yaml:{line_of(text, 'gap:  ')}: {said}" in complaint(text)
    assert load(text.replace("{kind: lead, lag: 1}", "{kind: lead, lag: 2}")).feature_list[12].reach == Reach(
        3, 0
    )


def test_the_platform_completes_the_ludwig_section_without_touching_it():
    config = load(edited("red", ("    epochs: 60\n", "    eval_batch_size: null\n")))
    before = json.dumps(config.ludwig)
    complete = config.complete_section()
    assert complete["model_type"] == "ecd"
    assert complete["preprocessing"]["split"] == {"type": "fixed", "column": "split"}
    assert complete["trainer"]["eval_batch_size"] == 1024
    assert complete["trainer"]["batch_size"] == 256
    complete["trainer"]["epochs"] = 1
    assert json.dumps(config.ludwig) == before


def test_a_teams_own_batch_sizes_stay():
    text = edited("red", ("epochs: 60", "batch_size: 128\n    eval_batch_size: 512"))
    trainer = load(text).complete_section()["trainer"]
    assert (trainer["batch_size"], trainer["eval_batch_size"]) == (128, 512)


@pytest.mark.parametrize("team", ["red", "blue"])
def test_canonical_json_holds_the_whole_configuration(team):
    config = load(text_of(team), team)
    again = TeamConfig.model_validate_json(config.canonical_json())
    assert again.canonical_json() == config.canonical_json()
    assert again.model_fingerprint() == config.model_fingerprint()


# What changes the features, and what changes the model: (edit of red.yaml, features change, model changes).
EDITS = {
    "a comment": (("team: red", "team: red  # ours"), False, False),
    "a default spelled out": (("{kind: weekday}", "{kind: weekday, lag: 0}"), False, False),
    "a default left out": (("{kind: RSI, timeperiod: 14}", "{kind: RSI}"), False, False),
    "a shared default spelled out": (("training:\n", "training:\n  validation_fraction: 0.15\n"), False, False),
    "1 for 1.0": (("delta: 1.0", "delta: 1"), False, False),
    "symbols": (("[AAPL, GOOG, IBM, MSFT]", "[AAPL, GOOG]"), False, False),
    "trading rules": (("buy_above: 0.0002", "buy_above: 0.0004"), False, False),
    "the schedule": (("trading:\n", 'schedule: {trade: "0 7 * * *"}\ntrading:\n'), False, False),
    "the platform's batch size written out": (("epochs: 60", "epochs: 60\n    eval_batch_size: 1024"), False, False),
    "a feature the model does not use": (("  gap:  ", "  extra: {kind: daily_range}\n  gap:  "), True, False),
    "a feature's parameter": (("{kind: RSI, timeperiod: 14}", "{kind: RSI, timeperiod: 15}"), True, True),
    "a feature's lag": (("sessions: 1, lag: 2", "sessions: 1, lag: 3"), True, True),
    "the cut-off": (("cutoff: 2012-11-30", "cutoff: 2012-11-29"), False, True),
    "a seed, which counts for nothing": (("cutoff: 2012-11-30", "cutoff: 2012-11-30\n  seed: 43"), False, False),
    "the model": (("dropout: 0.3", "dropout: 0.2"), False, True),
    "what one symbol has differently": (("overrides: {}", "overrides: {IBM: {training: {seed: 7}}}"), False, False),
    "the order of inputs": (
        ("    - {name: return_1, type: number}\n    - {name: return_lag1, type: number}\n",
         "    - {name: return_lag1, type: number}\n    - {name: return_1, type: number}\n"), False, True,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("edit", "features_change", "model_changes"), EDITS.values(), ids=EDITS)
def test_a_fingerprint_changes_exactly_with_what_matters(edit, features_change, model_changes):
    before, after = load(text_of("red")), load(edited("red", edit))
    assert (before.features_fingerprint() != after.features_fingerprint()) == features_change
    assert (before.model_fingerprint() != after.model_fingerprint()) == model_changes


def test_a_configuration_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        load(text_of("red")).training.cutoff = date(2013, 1, 1)


def test_only_the_beginning_of_a_huge_file_is_read(tmp_path):
    huge = tmp_path / "red.yaml"
    with huge.open("wb") as file:
        file.truncate(50_000_000_000)  # sparse: it takes no room, but reading it whole would end the process
    with pytest.raises(ConfigError, match=r"configs/red\.yaml:1: is larger than 256 kB"):
        load_team(huge, "configs/red.yaml", registry(), defaults())


@pytest.mark.parametrize("what", ["missing.yaml", "."])
def test_a_file_that_cannot_be_read_is_a_config_error(what):
    with pytest.raises(ConfigError, match=r"configs/red.yaml:1: (there is no such file|cannot be read)"):
        load_team(CONFIGS / what, "configs/red.yaml", registry(), defaults())
