"""The section `model` of a team's file: its kind, its short form, defaults below it and overrides above it."""

import pytest

from my_dagster_project.models.kinds.table import KINDS
from my_dagster_project.teams.schema import TeamConfig
from tests.teams.helpers import complaint, load, text_of
from tests.teams.test_json_schema import problems

BASELINE = "model: {kind: baseline, strategy: drift}\n"


def in_long_form(team: str) -> str:
    return text_of(team).replace("ludwig:\n", "model:\n  kind: ludwig\n", 1)


def with_model(model: str, overrides: str = "overrides: {}") -> str:
    """Red's file with another model."""
    text = text_of("red")
    start, end = text.index("ludwig:\n"), text.index("trading:\n")
    return text[:start] + model + text[end:].replace("overrides: {}", overrides)


@pytest.mark.parametrize("team", ["red", "blue"])
def test_both_forms_are_the_same_model(team):
    """Defaults lie below either; nothing is trained anew when a team changes the form."""
    short, long = load(text_of(team), team), load(in_long_form(team), team)
    assert long.kind is short.kind is KINDS["ludwig"]
    assert long.section == short.section
    assert long.model_fingerprints() == short.model_fingerprints()
    assert "model" not in short.model_dump()
    assert TeamConfig.model_validate_json(long.canonical_json()).section == long.section


def test_a_baseline_has_nothing_of_the_defaults_for_ludwig():
    config = load(with_model(BASELINE))
    assert config.kind is KINDS["baseline"]
    assert config.section == {"strategy": "drift"}
    assert config.input_names == []
    assert config.model_fingerprint() != load(text_of("red")).model_fingerprint()


def test_one_symbol_may_have_another_kind():
    for text in (text_of("red"), in_long_form("red")):
        config = load(text.replace("overrides: {}", f"overrides: {{IBM: {{{BASELINE.strip()}}}}}"))
        assert config.for_symbol("IBM").section == {"strategy": "drift"}
        assert config.for_symbol("AAPL").kind is KINDS["ludwig"]
    back = load(with_model(BASELINE, "overrides: {IBM: {model: {strategy: last_value}}}"))
    assert back.for_symbol("IBM").section == {"strategy": "last_value"}


@pytest.mark.parametrize(
    ("model", "overrides", "told"),
    [
        ("model: {strategy: drift}\n", "overrides: {}", "model.kind: is missing (valid: ludwig, baseline)"),
        ("model: baseline\n", "overrides: {}", "model: must be a mapping (`key: value` lines)"),
        ("model: {kind: ludwig}\n", "overrides: {}", "model.input_features: is missing"),
        (
            BASELINE,
            "overrides: {IBM: {model: {strategy: momentum, input: gup}}}",
            'overrides.IBM.model.input: "gup" is no feature of this file (did you mean gap?)',
        ),
        (
            "model: {kind: baseline, strategy: momentum, input: weekday}\n",
            "overrides: {}",
            "model.input: weekday is a category, which has no sign",
        ),
        (
            "model: {kind: baseline, scope: teams, strategy: drift}\n",
            "overrides: {}",
            "model.scope: ",
        ),
        (
            "model: {kind: baseline, scope: team, strategy: drift}\n",
            "overrides: {IBM: {features: {rsi_14: {timeperiod: 21}}}}",
            "overrides.IBM: nothing of IBM can differ: model.scope team is one model of all symbols",
        ),
        (
            BASELINE,
            "overrides: {IBM: {model: {scope: team}}}",
            "overrides.IBM.model.scope: it is the same for all of a team's symbols",
        ),
    ],
)
def test_what_is_wrong_is_told_where_it_is_written(model, overrides, told):
    said = complaint(with_model(model, overrides))
    assert told in str(said)


def test_a_model_of_all_symbols_is_one_that_changes_with_them():
    """The scope that every model had before is no part of its fingerprint, nor of what is stored of the file."""
    each, pooled = load(with_model(BASELINE)), load(with_model(BASELINE.replace("}", ", scope: team}")))
    assert (
        load(with_model(BASELINE.replace("}", ", scope: symbol}"))).canonical_json() == each.canonical_json()
    )
    assert "scope" not in each.canonical_json()
    assert each.training_fingerprint() != pooled.training_fingerprint(), (
        "rows of a model each have a split, the others none"
    )
    assert (each.pooled, pooled.pooled) == (False, True)
    assert pooled.section == {"strategy": "drift"}
    assert len(set(pooled.model_fingerprints().values())) == 1
    fewer = pooled.model_copy(update={"symbols": ("AAPL", "IBM")})
    assert fewer.model_fingerprint() != pooled.model_fingerprint()


def test_positions_are_held_as_told_and_nothing_else_is():
    holding = with_model("model: {kind: baseline, strategy: hold}\n").replace(
        "trading:\n", "trading:\n  strategy: as_told\n"
    )
    assert load(holding).answers == "position"
    other = holding.replace("strategy: hold", "strategy: drift")
    assert "as_told holds the positions of a model; this one answers with a return" in complaint(other)


@pytest.mark.parametrize(
    ("model", "places"),
    [
        (BASELINE, set()),
        ("model: {kind: baseline, scope: team, strategy: drift}\n", set()),
        ("model: {kind: baseline, scope: teams, strategy: drift}\n", {"model.scope"}),
        ("model: {kind: baseline, strategy: drfit}\n", {"model.strategy"}),
        ("model: {kind: baseline, strategy: drift, epochs: 3}\n", {"model"}),
        ("model: {kind: baselin, strategy: drift}\n", {"model.kind"}),
        ("", {""}),
        (BASELINE + "ludwig: {}\n", {"", "ludwig"}),
    ],
)
def test_an_editor_knows_the_keys_of_each_kind_and_that_there_is_one_model(model, places):
    assert problems(with_model(model)) == places


@pytest.mark.parametrize("team", ["red", "blue"])
def test_an_editor_knows_the_long_form_of_ludwig_too(team):
    long = in_long_form(team)
    assert problems(long) == set()
    assert problems(long.replace("num_fc_layers:", "num_fc_layer:").replace("num_heads:", "num_head:")) == {
        "model.combiner"
    }
