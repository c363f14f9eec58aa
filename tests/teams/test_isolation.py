"""A team's file can set nothing outside its own team (issue 4, point 5). The refusals with their messages: the corpus."""

import copy
import json
import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from my_dagster_project.foundation.errors import ConfigError
from my_dagster_project.models.kinds.ludwig.ludwig_keys import lint_ludwig, ludwig_schema, part_of, types_of
from my_dagster_project.teams.loading import load_registry
from my_dagster_project.teams.registry_names import RESERVED_TEAMS
from my_dagster_project.teams.schema import TeamConfig
from tests.support.draws import draws
from tests.teams.helpers import CONFIGS, complaint, edited, load, registry, text_of, whole_text_of

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
EVIL = ["../../blue/AAPL/model", "/etc/passwd", "..\\x", "s3://bucket/x", "{{ env.ALPACA_RED_SECRET }}", "${HOME}", "$(id)", "{% x %}"]  # fmt: skip


WHOLE = yaml.safe_load(whole_text_of("red"))
FEW = draws(30)


def attempt(change):
    """A whole team file with a change of its data: the configuration, or None when it is refused."""
    data = copy.deepcopy(WHOLE)
    change(data)
    try:
        return load(yaml.dump(data, Dumper=yaml.CSafeDumper, allow_unicode=True, sort_keys=False))
    except ConfigError:
        return None


def test_a_python_object_is_never_made(tmp_path):
    mark = tmp_path / "owned"
    for tag in (
        "python/object/apply:os.system",
        "python/object/new:os.system",
        "python/object/apply:subprocess.run",
    ):
        text = edited("red", ("epochs: 60", f'epochs: !!{tag} ["touch {mark}"]'))
        assert "is not allowed; write the plain value" in complaint(text)
    assert not mark.exists()


@pytest.mark.parametrize(
    "template", ["{{ env.ALPACA_RED_SECRET }}", "${ALPACA_RED_SECRET}", "$ALPACA_RED_SECRET"]
)
def test_a_template_is_text_and_no_message_fills_it_in(template, monkeypatch):
    monkeypatch.setenv("ALPACA_RED_SECRET", "very-secret")
    for old in (
        "team: red",
        "[AAPL, GOOG, IBM, MSFT]",
        "kind: RSI,",
        "target: next_return ",
        "epochs: 60",
        "type: concat",
    ):
        key = old.rpartition(": ")[0]
        found = complaint(
            edited(
                "red", (old, f'{key + ": " if key else ""}"{template}"' + ("," if old.endswith(",") else ""))
            )
        )
        assert "very-secret" not in found


def free_text_keys():
    """Keys of the Ludwig section, in the places of a team's own, whose value may be any text or any mapping."""
    found = set()
    for part in ludwig_schema()["definitions"].values():
        for key, schema in part.get("properties", {}).items():
            forms = map(part_of, part_of(schema).get("anyOf", [schema]))
            if any(
                {"string", "object"} & set(types_of(form)) and not {"enum", "properties"} & set(form)
                for form in forms
            ):
                found.add(key)
    return sorted(found)


def with_value(place, value):
    section = copy.deepcopy(WHOLE["ludwig"])
    current = section
    for part in place[:-1]:
        current = current[part] if isinstance(part, int) else current.setdefault(part, {})
    current[place[-1]] = value
    return section


PLACES = [("trainer",), ("combiner",), ("preprocessing",), ("defaults", "number"), ("input_features", 0), ("output_features", 0)]  # fmt: skip


@pytest.mark.parametrize("evil", EVIL)
def test_no_text_of_the_ludwig_section_can_be_a_path_or_a_template(evil):
    keys = free_text_keys()
    assert {"bucketing_field", "norm_params"} <= set(keys)
    accepted = [
        (*place, key)
        for place in PLACES
        for key in keys
        for value in (evil, {"type": evil}, [evil], {evil: 1})
        if not lint_ludwig(with_value((*place, key), value))
    ]
    assert accepted == []


WORDS = (
    st.text(min_size=1, max_size=12)
    | st.sampled_from(EVIL)
    | st.from_regex(r"[A-Za-z0-9._/-]{1,12}", fullmatch=True)
)


@FEW
@given(WORDS)
def test_every_name_that_is_accepted_is_one_plain_part_of_a_path(word):
    changes = [
        lambda data: data.update(team=word),
        lambda data: data.update(symbols=[word]),
        lambda data: data["features"].update({word: {"kind": "overnight_gap"}}),
        lambda data: data["features"]["rsi_14"].update(output=word),
        lambda data: data["overrides"].update({word: {}}),
        lambda data: data["overrides"].update({"IBM": {"features": {word: {"kind": "overnight_gap"}}}}),
    ]
    for change in changes:
        config = attempt(change)
        if config is not None:
            names = [config.team, *config.symbols, *config.features, *config.overrides]
            names += [name for override in config.overrides.values() for name in override.features]
            assert all(NAME.fullmatch(name) for name in names)
            assert config.team == "red"


def test_a_team_file_has_no_place_for_what_is_the_organisers():
    organisers = {
        "account",
        "branch",
        "owners",
        "limits",
        "market",
        "competition",
        "calendar",
        "platform_branch",
    }
    assert not organisers & set(TeamConfig.model_fields)
    for key in organisers:
        assert attempt(lambda data: data.update({key: "BLUE"})) is None  # noqa: B023


@FEW
@given(st.floats(0.3000001, 1))
def test_no_limit_of_the_registry_can_be_exceeded(share):
    assert attempt(lambda data: data["trading"].update(position_share=share)) is None
    assert (
        attempt(lambda data: data["overrides"].update({"IBM": {"trading": {"position_share": share}}}))
        is None
    )


def test_one_teams_file_is_no_other_teams_file():
    assert "must be blue: this is the file of team blue" in complaint(text_of("red"), "blue")


@pytest.mark.parametrize("name", sorted(RESERVED_TEAMS))
def test_no_team_can_have_the_name_of_a_file_or_a_folder_of_the_platform(name):
    with pytest.raises(ConfigError, match=r"is a name the platform uses itself|is no team name"):
        load_registry(edited("teams", ("  blue:\n", f"  {name}:\n")), "configs/teams.yaml")


def test_every_file_of_configs_that_is_no_teams_is_reserved():
    others = {path.stem for path in CONFIGS.glob("*.yaml")} - set(registry().teams)
    assert others | {"schema"} <= RESERVED_TEAMS


def test_an_accepted_file_is_data_only():
    for team in ("red", "blue"):
        plain = json.loads(load(text_of(team), team).canonical_json())
        assert yaml.safe_load(yaml.safe_dump(plain)) == plain
