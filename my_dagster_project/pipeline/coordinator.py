"""Dagster's queue, with what every run must be tagged with: one run of a team at a time, by whatever road it came.

The embedded default has this one; the stack's (`pipeline/pool_coordinator.py`) adds the slots of its workers. What goes past every
queue (`trading run`) meets the lease of the account: `trading/lease.py`.
"""

import dagster as dg
from dagster import QueuedRunCoordinator, SubmitRunContext

from my_dagster_project.foundation.dagster_private import RunQueueConfig
from my_dagster_project.foundation.errors import RefusedError
from my_dagster_project.foundation.run_at_work import TEAM_TAG
from my_dagster_project.foundation.settings import load_settings
from my_dagster_project.foundation.sign_in import EVERYTHING, USER_HEADER
from my_dagster_project.pipeline.pinning import pinned_sources
from my_dagster_project.pipeline.run_tags import ONE_AT_A_TIME, USER_TAG, derived_tags, limit_tag
from my_dagster_project.pipeline.training_budget import replace_waiting


class TradingRunCoordinator(QueuedRunCoordinator):
    """A queue that tags what it is given by what it will execute, never by what whoever launched it said."""

    def get_run_queue_config(self) -> RunQueueConfig:
        """The configured limits, and one run at a time for each team that any run is known of."""
        configured = super().get_run_queue_config()
        limits = [{"key": limit_tag(team), "value": ONE_AT_A_TIME, "limit": 1} for team in self._teams()]
        return configured._replace(tag_concurrency_limits=[*configured.tag_concurrency_limits, *limits])

    def submit_run(self, context: SubmitRunContext) -> dg.DagsterRun:
        """Put a run into the queue, tagged."""
        run = context.dagster_run
        tags = self._tags(run)
        tags |= self._launched_by(context, tags.get(TEAM_TAG, ""))
        if tags:
            self._instance.add_run_tags(run.run_id, tags)
        queued = super().submit_run(context)
        replace_waiting(self._instance, queued)
        return queued

    def _launched_by(self, context: SubmitRunContext, team: str) -> dict[str, str]:
        """Who launched it; raises RefusedError where that is a team, and not all of the run is its own.

        Dagit has asked that before; by whatever road it came here, it goes no further. Of what the daemon submits the backfill
        says who asked for it; what schedules and sensors ask for has nobody.
        """
        if not load_settings().proxy_names_user:
            return {}
        run = context.dagster_run
        who = context.get_request_header(USER_HEADER) or run.tags.get(USER_TAG, "")
        if who and who not in EVERYTHING and who != team:
            self._instance.delete_run(run.run_id)
            raise RefusedError(
                f"{who} launches its own assets and jobs only; this run is of {team or 'no team'}"
            )
        return {USER_TAG: who} if who else {}

    def _teams(self) -> list[str]:
        """Dagster counts by values it is told; those there are stand in the tag `team` of the runs."""
        if not self.has_instance:
            return []
        known = dict(self._instance.get_run_tags(tag_keys=[TEAM_TAG])).get(TEAM_TAG, set())
        return sorted({team for teams in known for team in teams.split(", ")})

    def _tags(self, run: dg.DagsterRun) -> dict[str, str]:
        # The plan is what will be executed: of a job, a selection, a re-execution of some steps.
        snapshot = run.execution_plan_snapshot_id
        if snapshot is None:
            return derived_tags(run.asset_selection or frozenset(), run.tags, lambda team: None)
        plan = self._instance.get_execution_plan_snapshot(snapshot)
        loaded = plan.repository_load_data
        sources = pinned_sources(loaded.reconstruction_metadata) if loaded else None

        def origin(team: str) -> str | None:
            source = sources.teams.get(team) if sources else None
            return source.origin if source else None

        return derived_tags(plan.asset_selection, run.tags, origin)
