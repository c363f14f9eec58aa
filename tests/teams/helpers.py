"""The committed configurations, and edits of them."""

import shutil
from functools import cache
from pathlib import Path

import pytest
import yaml

from my_dagster_project.foundation.errors import ConfigError
from my_dagster_project.teams.layers import Layer, merged
from my_dagster_project.teams.loading import load_defaults, load_registry, load_team
from my_dagster_project.teams.registry import Registry
from my_dagster_project.teams.schema import TeamConfig
from tests.support.gitrepo import git

CONFIGS = Path(__file__).parents[2] / "configs"


def checkout(folder: Path) -> Path:
    """A checkout of main with the committed configs and nothing else."""
    shutil.copytree(CONFIGS, folder / "configs")
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "configs")
    return folder


@cache
def registry() -> Registry:
    return load_registry(CONFIGS / "teams.yaml", "configs/teams.yaml")


@cache
def defaults() -> Layer:
    return load_defaults(text_of("defaults"))


@cache
def text_of(name: str) -> str:
    text = (CONFIGS / f"{name}.yaml").read_text(encoding="utf-8")
    # What the registry gives otherwise, said by the team itself.
    said = text.replace("# symbols: [", "symbols: [").replace("training: {}\n", "training:\n")
    return said.replace("  # cutoff: ", "  cutoff: ").replace("refit: monthly ", "refit: never ")


@cache
def whole_text_of(team: str) -> str:
    """A team's file with the shared defaults written out in it."""
    whole = merged(yaml.safe_load(text_of("defaults")), yaml.safe_load(text_of(team)))
    return yaml.safe_dump(whole, sort_keys=False, default_flow_style=False)


def edited(name: str, *edits: tuple[str, str]) -> str:
    """A committed file with each `old` (which must be there) replaced by `new`, first occurrence only."""
    text = text_of(name)
    for old, new in edits:
        assert old in text, f"{name}.yaml no longer has {old!r}"
        text = text.replace(old, new, 1)
    return text


def line_of(text: str, part: str) -> int:
    """The 1-based line on which `part` begins."""
    return text.count("\n", 0, text.index(part)) + 1


def load(text: str | bytes, name: str = "red", *, shared: Layer | None = None) -> TeamConfig:
    """A team's configuration over the committed defaults, or over others."""
    return load_team(text, f"configs/{name}.yaml", registry(), defaults() if shared is None else shared)


def complaint(text: str | bytes, name: str = "red", *, shared: Layer | None = None) -> str:
    """The text of the ConfigError that loading must raise."""
    with pytest.raises(ConfigError) as caught:
        load(text, name, shared=shared)
    return str(caught.value)
