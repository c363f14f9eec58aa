"""A team's evaluation in this process: its symbols walk side by side in forks that share Ludwig, then all of them are scored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import dagster as dg

from my_dagster_project.foundation.settings import Settings
from my_dagster_project.main_job.abandoned import PROCESS_TAG, this_process
from my_dagster_project.main_job.phases import Phase, Tell, phase
from my_dagster_project.main_job.team_processes import run_teams
from my_dagster_project.pipeline.evaluating import JOB, OP
from my_dagster_project.pipeline.failures import Problem, problem_of
from my_dagster_project.pipeline.progress import listen
from my_dagster_project.pipeline.walk_forward import Walk
from my_dagster_project.storage.opening import open_assets
from my_dagster_project.teams.platform import Platform


@dataclass
class TeamEvaluation:
    """Runs the job `evaluate` for a team, as Dagit would."""

    platform: Platform
    settings: Settings
    team: str
    sessions: list[date]
    tell: Tell
    problems: list[Problem] = field(default_factory=list)

    def run(self) -> list[Problem]:
        """Walk and score; gives what went wrong."""
        left = {symbol: len(walk.left) for symbol, walk in self._walks().items()}
        if any(left.values()):
            self.platform.teams[self.team].kind.preload()
            self.problems += run_teams(
                [symbol for symbol, many in left.items() if many], self._walk, self.tell
            )
        if not self.problems:
            self.problems += self._job("scores", [], self.tell)
        return self.problems

    def _walks(self) -> dict[str, Walk]:
        assets = open_assets(self.settings.store_url, self.settings.dvc_url)
        symbols = self.platform.teams[self.team].symbols
        return {one: Walk(self.platform, self.team, one, self.sessions, assets) for one in symbols}

    def _walk(self, symbol: str, tell: Tell) -> list[Problem]:
        return self._job(symbol, [symbol], tell)

    def _job(self, title: str, symbols: Sequence[str], tell: Tell) -> list[Problem]:
        from my_dagster_project.pipeline.code_location import build_definitions

        job = build_definitions(self.platform, self.settings).resolve_job_def(JOB)
        asked: dict[str, Any] = {
            "team": self.team,
            "first": str(self.sessions[0]),
            "last": str(self.sessions[-1]),
            "symbols": list(symbols),
        }
        with phase(tell, f"{self.team}: {title}", 1) as work:
            return self._executed(job, asked, work)

    def _executed(self, job: dg.JobDefinition, asked: dict[str, Any], work: Phase) -> list[Problem]:
        stop = listen(work.heard_step)
        try:
            result = job.execute_in_process(
                instance=dg.DagsterInstance.get(),
                run_config={"ops": {OP: {"config": asked}}, "loggers": {"progress": {}}},
                tags={PROCESS_TAG: this_process(), "team": self.team},
                raise_on_error=False,
            )
        finally:
            stop()
        return [problem_of(event) for event in result.all_events if event.is_step_failure]
