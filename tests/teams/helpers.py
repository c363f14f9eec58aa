"""The committed configurations, and edits of them."""

from functools import cache
from pathlib import Path

import pytest

from my_dagster_project.errors import ConfigError
from my_dagster_project.teams.loading import load_registry, load_team
from my_dagster_project.teams.registry import Registry
from my_dagster_project.teams.schema import TeamConfig

CONFIGS = Path(__file__).parents[2] / "configs"


@cache
def registry() -> Registry:
    return load_registry(CONFIGS / "teams.yaml", "configs/teams.yaml")


@cache
def text_of(name: str) -> str:
    return (CONFIGS / f"{name}.yaml").read_text(encoding="utf-8")


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


def load(text: str | bytes, name: str = "red") -> TeamConfig:
    return load_team(text, f"configs/{name}.yaml", registry())


def complaint(text: str | bytes, name: str = "red") -> str:
    """The text of the ConfigError that loading must raise."""
    with pytest.raises(ConfigError) as caught:
        load(text, name)
    return str(caught.value)
