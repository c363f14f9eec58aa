"""One step of bringing everything up to date: which runs to queue next, given those that were queued so far.

bars -> per team, side by side: models -> predictions and reports -> orders session by session -> fills -> leaderboard,
as the jobs stand in `pipeline/chain.py`.

Nothing here waits, and nothing is remembered but the runs themselves, so whoever drives it (`pipeline/rounds.py`) may be
killed and go on. An account is never reset, a session on record never traded again, and one that was missed never later.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import dagster as dg

from my_dagster_project.foundation.dagster_private import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    AUTO_RETRY_RUN_ID_TAG,
    PARTITION_NAME_TAG,
    RUN_FAILURE_REASON_TAG,
    WILL_RETRY_TAG,
)
from my_dagster_project.foundation.run_at_work import ROUND_TAG
from my_dagster_project.pipeline import chain
from my_dagster_project.pipeline.assets.turns import AFTER_TAG
from my_dagster_project.pipeline.chain import Job
from my_dagster_project.pipeline.due import Due
from my_dagster_project.pipeline.run_tags import REPLACED_BY
from my_dagster_project.teams.platform import Platform

# Enough to keep a slot busy between two looks, few enough that a failure leaves little behind.
_TRADES_AHEAD = 4
_MOST_KILLS = 3


@dataclass(frozen=True)
class Step:
    """What to queue now, how far each team is (for people), and whether there is nothing left to do."""

    requests: tuple[dg.RunRequest, ...] = ()
    said: tuple[str, ...] = ()
    ended: bool = False


@dataclass(frozen=True)
class Asked:
    """The runs of a round so far; `killed` are those whose process died, so that they are asked for again."""

    runs: Sequence[dg.DagsterRun] = field(default_factory=tuple)
    killed: Sequence[dg.DagsterRun] = field(default_factory=tuple)

    @classmethod
    def of_session(cls, runs: Sequence[dg.DagsterRun]) -> "Asked":
        """Of a season's session, whose orders are by the same ids when they are asked for again; a few times, not for ever."""
        dead = [run for run in runs if _was_killed(run)]
        often = {job for job, count in Counter(run.job_name for run in dead).items() if count > _MOST_KILLS}
        killed = [run for run in dead if run.job_name not in often]
        return cls([run for run in runs if run not in killed], killed)

    def of(self, jobs: Iterable[str]) -> list[dg.DagsterRun]:
        """Those of these jobs."""
        wanted = set(jobs)
        return [run for run in self.runs if run.job_name in wanted]

    def going_on(self, *jobs: str) -> list[dg.DagsterRun]:
        """Those of these jobs that wait, work, or are about to be tried again."""
        return [run for run in self.of(jobs) if not run.is_finished or _comes_again(run)]

    def failed(self, *jobs: str) -> list[dg.DagsterRun]:
        """Those of these jobs that ended badly for good; one that a newer run has replaced is that run's business."""
        return [
            run
            for run in self.of(jobs)
            if run.is_finished
            and not run.is_success
            and WILL_RETRY_TAG not in _true(run.tags)
            and REPLACED_BY not in run.tags
        ]


def session_step(
    platform: Platform,
    due: Due,
    sessions: list[str],
    asked: Asked,
    round_id: str,
    decided: list[str] | None = None,
) -> Step:
    """The next step of a round over these sessions (ISO, ascending).

    With `decided` only those are still predicted and ordered: of a season the one at work, or none after its last one.
    """
    step = _Stepper(platform, due, sessions, asked, round_id, sessions if decided is None else decided)
    return step.before_teams() or step.teams()


@dataclass(frozen=True)
class _Stepper:
    platform: Platform
    due: Due
    sessions: list[str]
    asked: Asked
    round_id: str
    decided: list[str]

    def before_teams(self) -> Step | None:
        """Bars come first; None once they are there or could not be had."""
        return self._first(chain.jobs_of_all(after_teams=False), "")

    def teams(self) -> Step:
        """Each team's next run, where it has none going on; what is made of all teams' when they have all ended."""
        steps = [self._team(team) for team in self.platform.teams]
        requests = tuple(request for step in steps for request in step.requests)
        said = tuple(line for step in steps for line in step.said)
        if not all(step.ended for step in steps):
            return Step(requests, said)
        of_all = self._first(chain.jobs_of_all(after_teams=True), "") if steps else None
        return Step(of_all.requests, (*said, *of_all.said)) if of_all else Step(said=said, ended=True)

    def _team(self, team: str) -> Step:
        rows = chain.jobs_of_teams()
        if step := self._first(rows, team):
            return step
        left = [self._to_go(row, team) for row in rows if row.one_by_one and self._left(team)]
        return Step(said=tuple(left), ended=True)

    def _first(self, rows: list[Job], team: str) -> Step | None:
        """The step of the first job that has something going on or to do."""
        steps = (
            self._trades(row, team) if row.one_by_one else self._once(row, team, rows[turn:])
            for turn, row in enumerate(rows)
        )
        return next((step for step in steps if step), None)

    def _once(self, row: Job, team: str, rest: list[Job]) -> Step | None:
        """Asked once, and before the jobs after it: what failed is on record, the rest goes on without it."""
        said = (row.title(team),)
        if self.asked.going_on(row.of(team)):
            return Step(said=said)
        if self.asked.of(one.of(team) for one in rest):
            return None
        parts = self.due.parts(row, team, self.sessions if chain.orders_of(row) else self.decided)
        # Features alone are no training: a session's are made in the run that predicts it.
        if not parts or any(_makes(later, part.assets) for later in rest[1:] for part in parts):
            return None
        return Step(tuple(self._request(row.of(team), *part) for part in parts), said)

    def _trades(self, row: Job, team: str) -> Step | None:
        """Sessions one by one, some of them ahead, as long as none has failed."""
        job = row.of(team)
        waiting, left = self.asked.going_on(job), self._left(team)
        failed = bool(self.asked.failed(job))
        # Without a model, why has been said; asked last, for it reads Dagster's records.
        if not waiting and not (left and not failed and self.due.has_a_model(team)):
            return None
        queued = {run.tags.get(PARTITION_NAME_TAG) for run in self.asked.of([job])}
        room = 0 if failed else _TRADES_AHEAD - len(waiting)
        new = [session for session in left if session not in queued][: max(room, 0)]
        if not new and not waiting:
            return None
        said = (self._to_go(row, team),)
        return Step(tuple(self._order(row, team, session) for session in new), said)

    def _left(self, team: str) -> list[str]:
        return self.due.trades(team, self.decided)

    def _to_go(self, row: Job, team: str) -> str:
        return f"{row.title(team)}, {len(self._left(team))} of {len(self.decided)} sessions to go"

    def _order(self, row: Job, team: str, session: str) -> dg.RunRequest:
        before = self.sessions[: self.sessions.index(session)]
        after = {AFTER_TAG: before[-1]} if before and before[-1] in self._left(team) else {}
        return self._request(row.of(team), self.due.makeable(row.purpose, team), [session], after)

    def _request(
        self,
        job: str,
        assets: list[dg.AssetKey],
        sessions: Sequence[str] = (),
        tags: dict[str, str] | None = None,
    ) -> dg.RunRequest:
        told = {ROUND_TAG: self.round_id, **(tags or {})}
        killed = sum(run.job_name == job for run in self.asked.killed)
        again = [f"again {killed}"] if killed else []
        if len(sessions) > 1:
            told |= {
                ASSET_PARTITION_RANGE_START_TAG: sessions[0],
                ASSET_PARTITION_RANGE_END_TAG: sessions[-1],
            }
        return dg.RunRequest(
            run_key=":".join((self.round_id, job, *sessions[:1], *again)),
            job_name=job,
            asset_selection=assets,
            partition_key=sessions[0] if len(sessions) == 1 else None,
            tags=told,
        )


def _makes(row: Job, assets: Iterable[dg.AssetKey]) -> bool:
    return {key.path[-1] for key in assets} <= {one.noun for one in chain.stages_of(row.purpose)}


def _was_killed(run: dg.DagsterRun) -> bool:
    """Whether its worker died under it, and the daemon does not try it again (it never does with orders)."""
    return (
        run.status == dg.DagsterRunStatus.FAILURE
        and RUN_FAILURE_REASON_TAG not in run.tags
        and WILL_RETRY_TAG not in _true(run.tags)
    )


def _comes_again(run: dg.DagsterRun) -> bool:
    return WILL_RETRY_TAG in _true(run.tags) and AUTO_RETRY_RUN_ID_TAG not in run.tags


def _true(tags: Mapping[str, str]) -> set[str]:
    return {name for name, value in tags.items() if value == "true"}
