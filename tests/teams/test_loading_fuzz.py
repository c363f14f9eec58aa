"""Whatever is in a team file, loading gives a valid configuration or a ConfigError, quickly and lightly."""

import json
import re
import subprocess
import sys

import yaml
from hypothesis import given
from hypothesis import strategies as st

from my_dagster_project.foundation.errors import ConfigError
from my_dagster_project.teams.schema import TeamConfig
from tests.support.draws import draws
from tests.teams.helpers import CONFIGS, load, text_of, whole_text_of

LINE = re.compile(r"configs/(red|defaults)\.yaml(:[0-9]+)?: .+")
SCALARS = (
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.floats(-1e6, 1e6) | st.text(max_size=12) | st.dates()
    | st.sampled_from(["number", "category", "auto", "1e-3", "next_return", "gap", "concat", "RSI", "", "/x", "2000-01-01"])
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abctype_", max_size=6), inner, max_size=3)
    ),
)


def outcome(text):
    """What loading gives; any exception but ConfigError fails the test."""
    try:
        return load(text)
    except ConfigError as error:
        return str(error)


def assert_sound(result):
    if isinstance(result, TeamConfig):
        assert len(result.model_fingerprint()) == 64
        assert result.complete_section()["trainer"]["eval_batch_size"]
        assert result.feature_list
        for symbol in result.symbols:
            assert result.for_symbol(symbol).complete_section()["trainer"]["eval_batch_size"]
    else:
        assert all(LINE.fullmatch(line) for line in result.split("\n")), result


def places(value, place=()):
    """Every place in the data."""
    yield place
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*place, key))


def replaced(value, place, new):
    if not place:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[place[0]] = replaced(value[place[0]], place[1:], new)
    return copy


RED = yaml.safe_load(whole_text_of("red")) | {
    "overrides": {"IBM": {"features": {"rsi_14": {"timeperiod": 21}}, "ludwig": {"trainer": {"epochs": 5}}}}
}
FUZZ = draws(60)


@FUZZ
@given(st.sampled_from(list(places(RED))), VALUES)
def test_any_value_anywhere_is_judged(place, value):
    assert_sound(outcome(yaml.safe_dump(replaced(RED, place, value), allow_unicode=True)))


@FUZZ
@given(st.integers(0, len(text_of("red"))), st.integers(0, 40), st.text(max_size=10))
def test_any_edit_of_the_text_is_judged(position, removed, inserted):
    text = text_of("red")
    assert_sound(outcome(text[:position] + inserted + text[position + removed :]))


@FUZZ
@given(st.dictionaries(st.sampled_from(list(RED)), VALUES))
def test_any_mapping_is_judged(data):
    assert_sound(outcome(yaml.safe_dump(data, allow_unicode=True)))


@given(st.binary(max_size=200))
def test_any_bytes_are_judged(data):
    assert_sound(outcome(data))


LIGHT = """
import json, sys, time
from pathlib import Path
from my_dagster_project.teams.loading import load_defaults, load_registry, load_team
from my_dagster_project.models.kinds.ludwig.ludwig_keys import lint_ludwig
registry = load_registry(Path("configs/teams.yaml"))
defaults = load_defaults(Path("configs/defaults.yaml"))
config = load_team(Path("configs/red.yaml"), "configs/red.yaml", registry, defaults)
started = time.perf_counter()
lint_ludwig(config.ludwig)
print(json.dumps({"lint": time.perf_counter() - started, "modules": sorted({name.partition(".")[0] for name in sys.modules}),
                  "megabytes": int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024}))
"""


def test_loading_teams_imports_nothing_heavy():
    done = subprocess.run(
        [sys.executable, "-c", LIGHT],
        cwd=CONFIGS.parent,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    found = json.loads(done.stdout)
    heavy = {
        "ludwig",
        "torch",
        "dagster",
        "pandas",
        "numpy",
        "pyarrow",
        "talib",
        "exchange_calendars",
        "jsonschema",
        "mlflow",
    }
    assert not heavy & set(found["modules"])
    assert found["lint"] < 0.05
    assert found["megabytes"] < 100
