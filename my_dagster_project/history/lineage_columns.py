"""The columns that say where objects come from, for a terminal and for pages."""

from __future__ import annotations

from my_dagster_project.history.lineage import Origin
from my_dagster_project.reports.columns import Column
from my_dagster_project.reports.markdown import NONE

_SHORT = 10


def run_id_words(run_id: str) -> str:
    """The beginning of a run's id, as Dagit shows it; a dash where none is known."""
    return run_id[:8] or NONE


def mlflow_words(run_id: str) -> str:
    """The beginning of the id of MLflow's run; a dash where there is none."""
    return run_id[:8] or NONE


def configuration_words(configuration: str) -> str:
    """The commit of a team's file, such as `red at 1a2b3c4d5e`; a dash where there is none."""
    return configuration or NONE


def version_words(branch: str, sha: str) -> str:
    """A version as a commit of a branch, such as `red 1a2b3c4d5e`; a dash before the first one."""
    return f"{branch} {sha[:_SHORT]}" if sha else NONE


def md5_words(md5: str, doubt: str) -> str:
    """The beginning of an md5, marked where something contradicts it."""
    return f"{md5[:_SHORT]}{' ✗' if doubt else ''}"


NEWEST = ("object", "run", "configuration", "DVC version", "MLflow")
"""The columns of what is told without a look at the bytes."""

ORIGIN_COLUMNS: tuple[Column[Origin], ...] = (
    Column("object", lambda row: row.name, text=True, key=True),
    Column("files", lambda row: row.files, str),
    Column(
        "md5",
        lambda row: (row.md5, row.doubt),
        md5_words,
        "Of all its files, as its pointer has it.",
        figures=("md5", "doubt"),
        text=True,
        mark=lambda row: "red" if row.doubt else "",
    ),
    Column("run", lambda row: row.run_id, run_id_words, "The run in Dagit that stored it last.", text=True),
    Column(
        "configuration",
        lambda row: row.configuration,
        configuration_words,
        "The commit of the team's file that the run was created with.",
        text=True,
    ),
    Column(
        "DVC version",
        lambda row: (row.branch, row.version),
        version_words,
        "The newest commit with a pointer to it: `git show` there, `dvc get --rev` its bytes.",
        figures=("branch", "version"),
        text=True,
    ),
    Column(
        "MLflow",
        lambda row: row.mlflow_run,
        mlflow_words,
        "The training's run.",
        figures=("mlflow_run",),
        text=True,
    ),
)
