"""The real front door over a project folder, on a real Dagster instance, with the daemon's own loops and a clock to set."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster._core.definitions.reconstruct import ReconstructableRepository
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.test_utils import (
    InProcessTestWorkspaceLoadTarget,
    create_test_daemon_workspace_context,
    freeze_time,
)
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._daemon.run_coordinator.queued_run_coordinator_daemon import QueuedRunCoordinatorDaemon
from dagster._scheduler.scheduler import launch_scheduled_runs

from my_dagster_project.foundation.calendar import load_calendar
from my_dagster_project.foundation.settings import load_settings
from my_dagster_project.pipeline.assets import keys
from my_dagster_project.teams.platform import Platform, load_platform
from my_dagster_project.teams.sources import read_sources
from tests.support import migrations  # noqa: F401
from tests.support.configs import Change, write_configs

MODULE = "my_dagster_project.definitions"
ZONE = load_calendar().time_zone


def write_project(
    folder: Path, teams: Sequence[str], symbols: Sequence[str], start: date, **competition
) -> None:
    """Configs of some teams, all made of red's file, with bars from CSV files that nobody reads here."""

    def registry(document: dict[str, Any]) -> None:
        document["market"] = {"source": "csv", "path": "prices", "start": date(2000, 3, 1)}
        document["competition"] |= {"start": start, **competition}
        document["teams"] = {
            team: {"branch": team, "account": team.upper(), "limits": {"max_symbols": 10}} for team in teams
        }

    def file_of(team: str) -> Change:
        return lambda document: document.update(team=team, symbols=list(symbols))

    write_configs(folder, registry, {team: file_of(team) for team in teams}, like="red")


class Deployment:
    """One deployment whose daemons run when told, at the time they are told."""

    def __init__(self, context, instance: dg.DagsterInstance, platform: Platform) -> None:
        self.context, self.instance, self.platform = context, instance, platform
        self._iterations: dict = {}

    def tick(self, *moment: int) -> None:
        """One iteration of the scheduler's loop at a New York time, with the instance's own settings."""
        now = datetime(*moment, tzinfo=ZONE).astimezone(UTC)
        scheduler = self.instance.scheduler
        with freeze_time(now):
            list(
                launch_scheduled_runs(
                    self.context,
                    logging.getLogger("scheduler"),
                    now,
                    self._iterations,
                    max_catchup_runs=scheduler.max_catchup_runs,
                    max_tick_retries=scheduler.max_tick_retries,
                )
            )

    def dequeue(self) -> None:
        """One iteration of the queue's loop."""
        with QueuedRunCoordinatorDaemon(interval_seconds=1) as daemon:
            list(daemon.run_iteration(self.context))

    def last_tick(self, schedule: str):
        [state] = [
            one
            for one in self.instance.all_instigator_state()
            if one.instigator_name == f"{schedule}_schedule"
        ]
        [tick] = self.instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=1)
        return tick

    def runs(self, job: str) -> list[dg.DagsterRun]:
        """A job's runs, oldest first."""
        return list(reversed(self.instance.get_runs(dg.RunsFilter(job_name=job))))

    def asked(self, job: str) -> list[str]:
        """The partition, or the range of partitions, of each of a job's runs, oldest first."""
        return [asked_for(run) for run in self.runs(job)]

    def bars(self, last_session: str, *symbols: str) -> None:
        """Bars of these symbols (all) reach this session."""
        for symbol in symbols or self.platform.symbols:
            self._made(keys.bars_key(symbol), metadata={"last_session": last_session})

    def predictions(self, team: str, session: str, *symbols: str) -> None:
        """Predictions of these symbols (all of the team's) are stored."""
        for symbol in symbols or self.platform.teams[team].symbols:
            self._made(keys.predictions_key(team, symbol), partition=session)

    def trained(self, team: str) -> None:
        """The team's models are stored, and what they learnt from."""
        for symbol in self.platform.teams[team].symbols:
            self._made(keys.training_rows_key(team, symbol))
            self._made(keys.model_key(team, symbol))

    def finish(self, run: dg.DagsterRun, *, how: str = "PIPELINE_SUCCESS") -> None:
        self.instance.report_dagster_event(dg.DagsterEvent(how, run.job_name), run_id=run.run_id)

    def finish_all(self) -> None:
        for run in self.instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED])):
            self.finish(run)

    def _made(self, key: dg.AssetKey, **what) -> None:
        self.instance.report_runless_asset_event(dg.AssetMaterialization(key, **what))


def asked_for(run: dg.DagsterRun) -> str:
    ends = [run.tags.get(f"dagster/asset_partition_range_{end}") for end in ("start", "end")]
    return "..".join(ends) if all(ends) else run.tags["dagster/partition"]


@contextmanager
def embedded_instance(
    home: Path, launcher: dict | None = None, storage: str | None = None
) -> Iterator[dg.DagsterInstance]:
    """A Dagster instance made from our own embedded.yaml; `storage` puts it on a PostgreSQL instead of SQLite."""
    home.mkdir(parents=True, exist_ok=True)
    config = yaml.safe_load((files("my_dagster_project.deploy.instance") / "embedded.yaml").read_text())
    if launcher:
        config["run_launcher"] = launcher
    if storage:
        config = {name: value for name, value in config.items() if not name.endswith("_storage")}
        config["storage"] = {"postgres": {"postgres_url": storage}}
    (home / "dagster.yaml").write_text(yaml.safe_dump(config))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", str(home))
        patch.setenv("TRADING_DAGSTER_HISTORY", str(home / "history"))
        with dg.DagsterInstance.from_config(str(home)) as instance:
            yield instance


@contextmanager
def deployed(folder: Path, *, launcher: dict | None = None) -> Iterator[Deployment]:
    """The deployment of a project's folder, its schedules running from the start."""
    environment = {
        "TRADING_PROJECT": folder,
        "TRADING_HOME": folder / "home",
        "TRADING_CONFIG": "working-tree",
        "TRADING_SCHEDULES": "running",
    }
    target = InProcessTestWorkspaceLoadTarget(
        InProcessCodeLocationOrigin(LoadableTargetOrigin(module_name=MODULE), location_name=MODULE)
    )
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        for name, value in environment.items():
            patch.setenv(name, str(value))
        load_settings.cache_clear()
        stack.callback(load_settings.cache_clear)
        # As a code server, which loads the front door once; Dagster's in-process one loads it anew for every run asked for.
        load = ReconstructableRepository.get_definition
        patch.setattr(ReconstructableRepository, "get_definition", cache(load))
        instance = stack.enter_context(embedded_instance(folder / "home" / "dagster", launcher))
        context = stack.enter_context(create_test_daemon_workspace_context(target, instance))
        platform = load_platform(read_sources(folder, "working tree"))
        assert not platform.problems, platform.problems
        yield Deployment(context, instance, platform)
