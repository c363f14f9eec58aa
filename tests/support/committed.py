"""The platform of the committed configs, read once per process: reading it anew in every file cost a second each time."""

from functools import cache
from pathlib import Path

from my_dagster_project.teams.platform import Platform, load_platform
from my_dagster_project.teams.sources import read_sources

PROJECT = Path(__file__).parents[2]


@cache
def committed() -> Platform:
    """What the working tree deploys; nobody changes it in place."""
    return load_platform(read_sources(PROJECT, "working tree"))
