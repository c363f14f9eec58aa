"""`dvc.yaml`, the chain's offline path, from the chain's table and the registry: every stage, every team."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from my_dagster_project.pipeline import chain
from my_dagster_project.pipeline.chain import Job

FILE = "dvc.yaml"
_ORGANISERS = "configs/teams.yaml"
_SHARED = "configs/defaults.yaml"
_ITEM = "${item.team}"
_HEAD = """\
# Written by `trading dvc-yaml` from pipeline/chain.py and configs/teams.yaml; edit those, not this.
#
# The reproducible offline path: `dvc repro` builds what Dagster builds, through the same code, and exports it to build/;
# `dvc dag` draws it, `dvc params diff` says what an edit of a team file changed.
# Stages depend on whole files, not on params of them: DVC cannot hash a param that YAML reads as a date (3.67), and
# a stage that an edit does not affect is over in seconds, because `trading build` computes only what is due.
# Nothing here is cached: the platform itself records every version on the teams' branches, and an output that this
# checkout has not built yet must not make `dvc pull` fail on a team's branch.
"""


def dvc_yaml(teams: Iterable[str]) -> str:
    """The text of `dvc.yaml` for the teams of a registry."""
    names = list(teams)
    rows = [row for row in chain.JOBS if row.build]
    body = {
        "params": [_ORGANISERS, _SHARED, *map(_file, names)],
        "stages": {row.build: _stage(row, names) for row in rows},
    }
    return _HEAD + yaml.safe_dump(body, sort_keys=False, width=1000)


def missing_teams(project: Path, teams: Iterable[str]) -> list[str]:
    """The teams of the registry that the project's `dvc.yaml` does not know; none where there is no such file."""
    try:
        text = (project / FILE).read_text(encoding="utf-8")
    except OSError:
        return []
    return [team for team in teams if f"- {_file(team)}\n" not in text]


def _stage(row: Job, teams: list[str]) -> dict[str, Any]:
    team = f" {_ITEM}" if row.of_team else ""
    out = _folder(row, _ITEM)
    configs = [_ORGANISERS, *([_SHARED, _file(_ITEM)] if row.of_team else [])]
    each = [_ITEM] if row.of_team else teams
    deps = [_folder(one, name) for one in _upstream(row) for name in (each if one.of_team else [""])]
    return {
        **({"matrix": {"team": list(teams)}} if row.of_team else {}),
        "cmd": f"trading build {row.build}{team} --out {out}",
        "deps": [*configs, *deps],
        "outs": [{out: {"cache": False}}],
    }


def _upstream(row: Job) -> list[Job]:
    """The jobs whose results a job's are made from, those behind them included."""
    purposes = {one.jobs[0] for one in chain.behind(row)}
    return [one for one in chain.JOBS if one.purpose in purposes]


def _folder(row: Job, team: str) -> str:
    """Where a stage's results are exported to."""
    return f"build/{team}/{row.build}" if row.of_team else f"build/{chain.owner_of(row)}"


def _file(team: str) -> str:
    return f"configs/{team}.yaml"
