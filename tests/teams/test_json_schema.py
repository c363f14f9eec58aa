"""The JSON schema for editors: current, true for the committed files, and strict about broken ones."""

import json

import jsonschema
import pytest
import yaml

from my_dagster_project.teams.json_schema import FILE, build
from tests.teams.helpers import CONFIGS, defaults, edited, text_of, whole_text_of

SCHEMA = json.loads(FILE.read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)


def problems(text):
    """What an editor underlines: the places in the file. Its YAML has no dates, they are text of a format."""
    data = json.loads(json.dumps(yaml.safe_load(text), default=str))
    return {".".join(str(part) for part in error.absolute_path) for error in VALIDATOR.iter_errors(data)}


def test_the_committed_schema_is_what_the_model_gives():
    hint = "run: python -m my_dagster_project.teams.json_schema"
    assert FILE.read_text(encoding="utf-8") == build(defaults()), hint


def test_it_is_a_schema():
    jsonschema.Draft7Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("team", ["red", "blue"])
def test_the_committed_team_files_are_valid_and_name_it(team):
    assert problems(text_of(team)) == set()
    assert problems(whole_text_of(team)) == set()
    first = text_of(team).splitlines()[0]
    assert first == "# yaml-language-server: $schema=schema/team.schema.json"
    assert (CONFIGS / first.partition("=")[2]).samefile(FILE)


CASES = {
    "an unknown key": ("target:", "traget:", {""}),
    "an account": ("team: red", "team: red\naccount: BLUE", {""}),
    "a missing threshold": ("  sell_below: 0.0\n", "", {"trading"}),
    "an unknown target": ("target: next_return", "target: price", {"target"}),
    "a team name": ("team: red", "team: ../red", {"team"}),
    "an unknown indicator": ("kind: RSI", "kind: RSII", {"features.rsi_14.kind"}),
    "an unknown parameter": ("RSI, timeperiod", "RSI, period", {"features.rsi_14"}),
    "a parameter out of range": ("RSI, timeperiod: 14", "RSI, timeperiod: 1", {"features.rsi_14.timeperiod"}),
    "a feature name": ("  gap:", "  Gap-1: {kind: overnight_gap}\n  gap:", {"features"}),
    "a misspelt combiner key": ("num_fc_layers:", "num_fc_layer:", {"ludwig.combiner"}),
    "another combiner's key": ("num_fc_layers: 1", "num_heads: 1", {"ludwig.combiner"}),
    "an unknown combiner": ("type: concat", "type: concatenate", {"ludwig.combiner.type"}),
    "a misspelt trainer key": ("epochs: 60", "epoch: 60", {"ludwig.trainer"}),
    "a value as text": ("epochs: 60", 'epochs: "60"', {"ludwig.trainer.epochs"}),
    "a misspelt optimizer key": ("epochs: 60", "optimizer: {type: adamw, wd: 1}", {"ludwig.trainer.optimizer"}),
    "a misspelt loss key": ("delta: 1.0", "deltas: 1.0", {"ludwig.output_features.0.loss"}),
    "a date input": ("name: weekday, type: category", "name: weekday, type: date", {"ludwig.input_features.14.type"}),
    "what the platform refuses": ("  trainer:\n", "  backend: {type: ray}\n  trainer:\n", {"ludwig"}),
    "a profiler": ("epochs: 60", "enable_profiling: true", {"ludwig.trainer"}),
    "an override of the target": ("overrides: {}", "overrides: {IBM: {target: next_direction}}", {"overrides.IBM"}),
    "an override of a small symbol": ("overrides: {}", "overrides: {ibm: {}}", {"overrides"}),
    "an override's training": ("overrides: {}", "overrides: {IBM: {training: {sed: 1}}}", {"overrides.IBM.training"}),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "places"), CASES.values(), ids=CASES)
def test_an_editor_marks_a_mistake_where_it_is(old, new, places):
    assert problems(edited("red", (old, new))) == places


def test_a_good_override_is_not_marked():
    text = "overrides: {IBM: {features: {rsi_14: {timeperiod: 21}}, training: {seed: 7}, ludwig: {trainer: {epochs: 5}}}}"
    assert problems(edited("red", ("overrides: {}", text))) == set()


def test_without_defaults_a_file_must_say_more_itself():
    alone = json.loads(build(None))["properties"]["trading"]["required"]
    assert set(alone) > set(SCHEMA["properties"]["trading"]["required"]) == {"buy_above", "sell_below"}
