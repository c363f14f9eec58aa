"""The run that this process executes, where it is one of the worker pool's: told by the worker, asked by whoever loads a graph."""

from collections.abc import Mapping
from typing import NamedTuple

ROUND_TAG, TEAM_TAG = "round", "team"
"""Which round, or which session of a season, a run is of; and whose its assets are (`red`, `blue, red`, `market`)."""


class RunAtWork(NamedTuple):
    """The job of a run, and whose assets it makes."""

    job: str
    owners: frozenset[str]


_at_work: list[RunAtWork] = []


def execute(job: str, tags: Mapping[str, str]) -> None:
    """Say that this process executes a run of that job with these tags, and nothing else."""
    owners = frozenset(filter(None, tags.get(TEAM_TAG, "").split(", ")))
    _at_work[:] = [RunAtWork(job, owners)]


def run_at_work() -> RunAtWork | None:
    """The run that this process executes, None where it executes none."""
    return _at_work[0] if _at_work else None
