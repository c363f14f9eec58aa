"""Forgets old experiments in MLflow, never the run of a current model.

Deleting a run in MLflow hides it; its rows and files are erased by `mlflow gc`, which needs MLflow's own database: here in
the embedded default, in the server's container in the stack.
"""

import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg

from my_dagster_project.foundation.addresses import sqlite_file
from my_dagster_project.foundation.errors import TradingError
from my_dagster_project.foundation.settings import Settings
from my_dagster_project.models.tracking_server import alone, explained_errors, open_client
from my_dagster_project.storage import names
from my_dagster_project.teams.platform import Platform

if TYPE_CHECKING:
    from mlflow import MlflowClient

ERASED_AFTER = "30d"
"""Between hiding and erasing somebody may still bring a run back in MLflow's pages."""
_MOST = 10_000
_PAGE = 500
_GC_SECONDS = 600


@dataclass(frozen=True)
class Hidden:
    """How many runs were deleted (would be, when dry), and whether what was deleted before is erased from here."""

    runs: int
    erased_here: bool


def forget_experiments(
    platform: Platform,
    settings: Settings,
    instance: dg.DagsterInstance,
    days: int,
    *,
    delete: bool,
    now: datetime | None = None,
) -> Hidden:
    """Delete MLflow runs that began more than `days` ago and belong to no current model. Raises TrackingError."""
    before = (now or datetime.now(UTC)) - timedelta(days=days)
    own = settings.mlflow_uri.startswith("sqlite:///")
    if own and not sqlite_file(settings.mlflow_uri).exists():
        return Hidden(0, own)
    kept = _runs_of_current_models(platform, instance)
    with explained_errors("forget old runs"):
        with alone(settings.mlflow_uri):
            client = open_client(settings.mlflow_uri)
        old = [run_id for run_id in _runs_before(client, before) if run_id not in kept]
        for run_id in old if delete else ():
            client.delete_run(run_id)
    if own and delete:
        _erase(settings)
    return Hidden(len(old), own)


def _runs_of_current_models(platform: Platform, instance: dg.DagsterInstance) -> set[str]:
    pairs = [
        (team, symbol)
        for team, config in platform.teams.items()
        for symbol in ([""] if config.pooled else config.symbols)
    ]
    return {run for team, symbol in pairs for run in current_runs(instance, team, symbol)}


def current_runs(instance: dg.DagsterInstance, team: str, symbol: str) -> list[str]:
    """The MLflow runs of a team's current models of a symbol, of one that refits of each window's; the newest first."""
    found: dict[str | None, str] = {}
    for record in instance.fetch_materializations(
        dg.AssetKey(names.model(team, symbol)), limit=_MOST
    ).records:
        made = record.asset_materialization
        if made and (run := made.metadata.get("mlflow_run")):
            found.setdefault(record.partition_key, str(run.value))
    # Before it refitted, or after it stopped, a team has models of the other kind, which predict nothing any more.
    newest = next(iter(found), None)
    return [run for window, run in found.items() if (window is None) == (newest is None)]


def _runs_before(client: "MlflowClient", before: datetime) -> list[str]:
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    query = f"attributes.start_time < {int(before.timestamp() * 1000)}"
    found, token = [], None
    while experiments:
        page = client.search_runs(experiments, query, max_results=_PAGE, page_token=token)
        found += [run.info.run_id for run in page]
        token = page.token
        if not token:
            break
    return found


def _erase(settings: Settings) -> None:
    """In a process of its own: `mlflow gc` is a command that prints, and sets the tracking address for good."""
    mlflow = str(Path(sys.executable).with_name("mlflow"))
    command = [mlflow, "gc", "--older-than", ERASED_AFTER, "--backend-store-uri", settings.mlflow_uri]
    done = subprocess.run(
        command,
        env={**os.environ, "MLFLOW_TRACKING_URI": settings.mlflow_uri},
        cwd=settings.home,
        capture_output=True,
        text=True,
        timeout=_GC_SECONDS,
    )
    if done.returncode:
        raise TradingError(
            f"mlflow gc failed: {(done.stderr.strip().splitlines() or ['no reason given'])[-1]}"
        )
