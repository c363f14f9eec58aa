"""What the platform tidies up once a week, and by `trading maintenance`: nothing that is current or that a version needs.

Ticks are purged by Dagster itself, by `retention` in the instance's YAML.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import dagster as dg

from my_dagster_project.foundation.settings import Settings
from my_dagster_project.git.process import run_git
from my_dagster_project.history.ages import aged_objects
from my_dagster_project.history.gc import CONTENTS, Collected, collect
from my_dagster_project.operations.dagster_history import forget_runs
from my_dagster_project.operations.mlflow_history import ERASED_AFTER, forget_experiments
from my_dagster_project.storage.opening import open_assets
from my_dagster_project.teams.platform import Platform

_MB = 1e6


@dataclass(frozen=True)
class Upkeep:
    """One maintenance: of which platform, dry or not, and as of when (UTC; None is now)."""

    platform: Platform
    settings: Settings
    delete: bool
    now: datetime | None = None

    def runs(self, instance: dg.DagsterInstance) -> str:
        """Forget old runs in Dagster; says what was done."""
        days = self.platform.registry.retention.runs_days
        done = forget_runs(instance, days, delete=self.delete, now=self.now)
        return (
            f"Dagster: {done.runs} superseded runs older than {days} days {self._done}, "
            f"{done.lines} log lines of {done.stripped} runs that hold current results {self._done}"
        )

    def experiments(self, instance: dg.DagsterInstance) -> str:
        """Forget old experiments in MLflow; says what was done. Raises TrackingError."""
        days = self.platform.registry.retention.mlflow_days
        done = forget_experiments(
            self.platform, self.settings, instance, days, delete=self.delete, now=self.now
        )
        rest = (
            f"what was deleted {ERASED_AFTER} ago is erased"
            if done.erased_here
            else f"`mlflow gc --older-than {ERASED_AFTER}` in the server's container erases them"
        )
        return f"MLflow: {done.runs} runs older than {days} days {self._done}; {rest}"

    def contents(self) -> str:
        """Remove what nothing points to from the DVC remote; says what was done. Needs the clone the versions are made in."""
        assets = open_assets(self.settings.store_url, self.settings.dvc_url)
        found: Collected = collect(
            assets,
            self.settings.project,
            lambda: aged_objects(self.settings.dvc_url, self.settings.s3, CONTENTS),
            delete=self.delete,
            now=self.now,
        )
        return (
            f"DVC remote: {found.garbage.objects} unreferenced objects ({found.garbage.size / _MB:.1f} MB) "
            f"{self._done}, {found.referenced.objects} referenced and {found.young.objects} young ones stay; "
            f"{found.unfinished.objects} half-written by who was killed, in both stores, {self._done}"
        )

    def repository(self) -> str:
        """Let git pack its objects: the platform's commits never trigger that by themselves. Says what was done."""
        if not self.delete:
            return "git: would be packed if it has enough loose objects"
        run_git(self.settings.project, "maintenance", "run", "--auto", "--quiet")
        return "git: packed if it had enough loose objects"

    def parts(self, instance: dg.DagsterInstance) -> list[Callable[[], str]]:
        """All of it, in the order in which one part frees what the next one may remove."""
        return [
            lambda: self.runs(instance),
            lambda: self.experiments(instance),
            self.contents,
            self.repository,
        ]

    @property
    def _done(self) -> str:
        return "deleted" if self.delete else "would be deleted"
