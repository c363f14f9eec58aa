"""The committed platform's schedules, evaluated tick by tick over what an instance knows."""

from dataclasses import replace
from datetime import UTC, datetime

import dagster as dg
from dagster._core.test_utils import create_run_for_test, freeze_time

from my_dagster_project.foundation.settings import settings_from
from my_dagster_project.pipeline.assets import keys
from my_dagster_project.pipeline.code_location import build_definitions
from my_dagster_project.teams.platform import Platform
from tests.support.committed import PROJECT, committed


def definitions(tmp_path, start=None, environment=None, **market) -> tuple[Platform, dg.RepositoryDefinition]:
    changed = {"market": committed().registry.market.model_copy(update=market)}
    if start:
        changed["competition"] = committed().registry.competition.model_copy(update={"start": start})
    platform = replace(committed(), registry=committed().registry.model_copy(update=changed))
    settings = settings_from({"TRADING_HOME": str(tmp_path), **(environment or {})}, PROJECT)
    return platform, build_definitions(platform, settings).get_repository_def()


class Ticks:
    """Evaluates the committed platform's schedules as Dagster does, at a New York time, over what an instance knows."""

    def __init__(self, tmp_path, instance, changed=None, **market) -> None:
        """Of a `changed` platform and its settings, or of the committed one with another market section."""
        made = (changed[0], build_definitions(*changed).get_repository_def()) if changed else None
        self.platform, self.repository = made or definitions(tmp_path, **market)
        self.instance = instance
        for symbol in self.platform.symbols:
            self.bars(symbol, "2099-12-31")

    def at(self, *moment):
        return datetime(*moment, tzinfo=self.platform.calendar.time_zone)

    def tick(self, name, when, now=None):
        """What the schedule says of its tick at `when`; evaluated at `now`, by default at once."""
        with (
            freeze_time((now or when).astimezone(UTC)),
            dg.build_schedule_context(
                instance=self.instance, scheduled_execution_time=when, repository_def=self.repository
            ) as context,
        ):
            context._instance = self.instance  # opened anew for every tick it is most of a year's time
            return self.repository.get_schedule_def(name).evaluate_tick(context)

    def run(self, data, **what) -> dg.DagsterRun:
        """The run a tick asked for, as the scheduler makes it."""
        [request] = data.run_requests
        job = request.run_key.partition(":")[0]
        tags = {**request.tags, "dagster/run_key": request.run_key}
        return create_run_for_test(self.instance, job_name=job, tags=tags, **what)

    def bars(self, symbol, last_session) -> None:
        self.made(keys.bars_key(symbol), metadata={"last_session": last_session})

    def predictions(self, team, session, *symbols) -> None:
        for symbol in symbols or self.platform.teams[team].symbols:
            self.made(keys.predictions_key(team, symbol), partition=session)

    def made(self, key, **what) -> None:
        self.instance.report_runless_asset_event(dg.AssetMaterialization(key, **what))


def asked(data):
    [request] = data.run_requests
    return request.run_key, request.partition_key
