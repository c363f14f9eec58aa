"""The linter's schema against Ludwig itself."""

import copy
import json
from importlib.resources import files

import pytest
import yaml

from my_dagster_project.models.kinds.ludwig.ludwig_keys import (
    lint_ludwig,
    ludwig_schema,
    part_of,
    types_of,
    variants_of,
)
from my_dagster_project.models.kinds.ludwig.ludwig_runtime import import_ludwig
from tests.teams.helpers import load, text_of

BASE = {
    "input_features": [{"name": "x", "type": "number"}],
    "output_features": [{"name": "y", "type": "number"}],
    "combiner": {"type": "concat"},
}
# A valid configuration with a combiner, without what the platform owns.
VALID = {
    "input_features": [
        {
            "name": "x",
            "type": "number",
            "preprocessing": {"normalization": "zscore"},
            "encoder": {"type": "ple"},
        },
        {"name": "w", "type": "category", "encoder": {"type": "dense", "embedding_size": 4}},
    ],
    "output_features": [
        {
            "name": "y",
            "type": "number",
            "preprocessing": {"normalization": "zscore"},
            "loss": {"type": "huber", "delta": 1.0},
        }
    ],
    "combiner": {"type": "concat", "fc_layers": [{"output_size": 32, "dropout": 0.1}]},
    "trainer": {
        "epochs": 3,
        "learning_rate": 1e-3,
        "learning_rate_scheduler": {"decay": "cosine", "warmup_fraction": 0.1},
        "optimizer": {"type": "adamw", "weight_decay": 0.1, "betas": [0.9, 0.99]},
        "gradient_clipping": {"clipglobalnorm": 0.5},
    },
    "defaults": {"number": {"preprocessing": {"normalization": "zscore"}}},
}
# What Ludwig accepts silently or rejects without a path, as (place in the section, value).
MISTAKES = {
    "an unknown section": (("model",), {"layers": [1]}),
    "a misspelt section": (("traner",), {}),
    "a misspelt trainer key": (("trainer", "epoch"), 3),
    "an unknown optimizer": (("trainer", "optimizer", "type"), "adamm"),
    "a misspelt optimizer key": (("trainer", "optimizer", "wd"), 1),
    "an unknown combiner": (("combiner", "type"), "concatt"),
    "a misspelt combiner key": (("combiner", "dropouts"), 0.1),
    "another combiner's key": (("combiner", "num_heads"), 3),
    "a misspelt encoder key": (("input_features", 0, "encoder", "foo"), 1),
    "an unknown encoder": (("input_features", 0, "encoder", "type"), "denze"),
    "a misspelt preprocessing key": (("input_features", 0, "preprocessing", "normalisation"), "zscore"),
    "an unknown normalization": (("input_features", 0, "preprocessing", "normalization"), "zscor"),
    "an unknown loss": (("output_features", 0, "loss", "type"), "hubr"),
    "a value of the wrong type": (("trainer", "epochs"), "many"),
    "a rate as text": (("trainer", "learning_rate"), "1e-3"),
    "a negative rate": (("trainer", "learning_rate"), -1),
    "a split of its own": (("preprocessing", "split"), {"type": "random", "probabilities": [0.8, 0.4]}),
    "a misspelt scheduler key": (("trainer", "learning_rate_scheduler", "decays"), "cosine"),
    "a misspelt clipping key": (("trainer", "gradient_clipping", "clipnorms"), 1.0),
    "an unknown default": (("defaults", "numbr"), {}),
    "features as a mapping": (("input_features",), {"x": "number"}),
}


def with_value(section, place, value):
    section = copy.deepcopy(section)
    current = section
    for key in place[:-1]:
        current = current[key] if isinstance(key, int) else current.setdefault(key, {})
    current[place[-1]] = value
    return section


@pytest.mark.parametrize(("place", "value"), MISTAKES.values(), ids=MISTAKES)
def test_every_mistake_ludwig_lets_pass_is_found_at_its_place(place, value):
    assert place in [problem.loc for problem in lint_ludwig(with_value(VALID, place, value))]


@pytest.mark.parametrize("section", [BASE, VALID], ids=["the least", "the research's valid one"])
def test_valid_sections_pass(section):
    assert lint_ludwig(section) == []


@pytest.mark.parametrize("key", ["input_features", "output_features", "combiner"])
def test_a_missing_section_is_named(key):
    section = {name: value for name, value in BASE.items() if name != key}
    assert f"{key}: is missing" in [problem.text for problem in lint_ludwig(section)]


def test_the_schema_stays_small():
    path = files("my_dagster_project.models.kinds.ludwig") / "ludwig_schema.json"
    assert len(path.read_bytes()) < 100_000


def test_no_key_of_the_schema_names_a_file_or_a_download():
    words = ("path", "dir", "file", "url", "pretrained", "checkpoint", "remote", "hub")
    harmless = {"contrastive_pretrain", "checkpoints_per_epoch", "steps_per_checkpoint", "bidirectional"}
    settable = {key for part in ludwig_schema()["definitions"].values() for key in part.get("properties", {})}
    found = {
        key
        for key in settable
        if any(word in key for word in words) and not any(word in key for word in harmless)
    }
    refused = {
        key for key in found if lint_ludwig(with_value(BASE, ("input_features", 0, "encoder", key), "x"))
    }
    assert found == refused


@pytest.mark.slow
@pytest.mark.full  # What the lock file pins does not change from day to day.
def test_the_committed_schema_is_what_the_installed_ludwig_gives():
    from my_dagster_project.models.kinds.ludwig.ludwig_build import build

    import_ludwig()
    assert json.loads(build()) == ludwig_schema()


def complete_form(section):
    """Ludwig's own form of a section; imported as the platform does, or it checks its constant schema each time (0.7 s)."""
    import_ludwig()
    from ludwig.schema.model_types.base import ModelConfig

    return ModelConfig.from_dict(copy.deepcopy(section)).to_dict()


def unknown_to_ludwig(given, complete, place=""):
    """Keys of a section that Ludwig's own complete form of it does not have: those it silently ignored."""
    found = []
    if isinstance(given, dict) and isinstance(complete, dict):
        for key, value in given.items():
            found += (
                unknown_to_ludwig(value, complete[key], f"{place}.{key}")
                if key in complete
                else [f"{place}.{key}"]
            )
    elif isinstance(given, list) and isinstance(complete, list):
        for item, other in zip(given, complete, strict=True):
            found += unknown_to_ludwig(item, other, place)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("team", ["red", "blue"])
def test_ludwig_accepts_the_committed_sections_and_reads_every_key(team):
    section = load(text_of(team), team).complete_section()
    complete = complete_form(section)
    assert unknown_to_ludwig(section, complete) == []
    assert complete["preprocessing"]["split"] == {"type": "fixed", "column": "split"}


def minimal_value(schema):
    """Some value the linter accepts for a part of the schema."""
    part = part_of(schema)
    if "anyOf" in part:
        return minimal_value(part["anyOf"][0])
    kinds = types_of(part) or ["object"]
    if "null" in kinds:
        return None
    if "enum" in part:
        return part["enum"][0]
    number = max(part.get("minimum", 0), 1 if "exclusiveMinimum" in part or kinds == ["integer"] else 0)
    return {
        "string": "x",
        "boolean": True,
        "integer": int(number),
        "number": number,
        "array": [],
        "object": {},
    }[kinds[0]]


COMBINERS = variants_of(part_of(ludwig_schema()["properties"]["combiner"]))


@pytest.mark.slow
@pytest.mark.parametrize("name", COMBINERS)
def test_ludwig_knows_every_key_the_linter_allows_in_a_combiner(name):
    section = {key: minimal_value(schema) for key, schema in COMBINERS[name].items()} | {"type": name}
    assert lint_ludwig({**BASE, "combiner": section}) == []
    assert set(section) <= set(complete_form({**BASE, "combiner": section})["combiner"])


def test_the_sections_of_the_seed_are_understood():
    """The first teams' `model: {layers: ...}` was never read by Ludwig; ours says so."""
    seed = yaml.safe_load("{training: {epochs: 10}, model: {layers: [{type: dense, units: 256}]}}") | BASE
    assert {problem.loc for problem in lint_ludwig(seed)} == {("training",), ("model",)}
