"""One step of bringing everything up to date: which runs to queue next, given those that were queued so far.

bars -> per team, side by side: models -> predictions and reports -> orders session by session -> fills -> leaderboard

Nothing here waits, and nothing is remembered but the runs themselves, so whoever drives it (`pipeline/rounds.py`) may be
killed and go on. An account is never reset, a session on record never traded again, and one that was missed never later.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import dagster as dg

from my_dagster_project.foundation.dagster_private import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    AUTO_RETRY_RUN_ID_TAG,
    PARTITION_NAME_TAG,
    WILL_RETRY_TAG,
)
from my_dagster_project.pipeline.assets import keys
from my_dagster_project.pipeline.assets.turns import AFTER_TAG
from my_dagster_project.pipeline.due import Due
from my_dagster_project.pipeline.jobs import (
    LEADERBOARD_JOB,
    MARKET_JOB,
    daily_job_name,
    settle_job_name,
    trade_job_name,
    train_job_name,
)
from my_dagster_project.teams.platform import Platform

ROUND_TAG = "round"
# Enough to keep a slot busy between two looks, few enough that a failure leaves little behind.
_TRADES_AHEAD = 4


@dataclass(frozen=True)
class Step:
    """What to queue now, how far each team is (for people), and whether there is nothing left to do."""

    requests: tuple[dg.RunRequest, ...] = ()
    said: tuple[str, ...] = ()
    ended: bool = False


@dataclass(frozen=True)
class Asked:
    """The runs of a round so far."""

    runs: Sequence[dg.DagsterRun] = field(default_factory=tuple)

    def of(self, jobs: Iterable[str]) -> list[dg.DagsterRun]:
        """Those of these jobs."""
        wanted = set(jobs)
        return [run for run in self.runs if run.job_name in wanted]

    def going_on(self, *jobs: str) -> list[dg.DagsterRun]:
        """Those of these jobs that wait, work, or are about to be tried again."""
        return [run for run in self.of(jobs) if not run.is_finished or _comes_again(run)]

    def failed(self, *jobs: str) -> list[dg.DagsterRun]:
        """Those of these jobs that ended badly for good."""
        return [
            run
            for run in self.of(jobs)
            if run.is_finished and not run.is_success and WILL_RETRY_TAG not in _true(run.tags)
        ]


def session_step(platform: Platform, due: Due, sessions: list[str], asked: Asked, round_id: str) -> Step:
    """The next step of a round over these sessions (ISO, ascending)."""
    step = _Stepper(platform, due, sessions, asked, round_id)
    return step.market() or step.teams()


@dataclass(frozen=True)
class _Stepper:
    platform: Platform
    due: Due
    sessions: list[str]
    asked: Asked
    round_id: str

    def market(self) -> Step | None:
        """Bars come first; None once they are there or could not be had."""
        if self.asked.going_on(MARKET_JOB):
            return Step(said=("market data",))
        if self.asked.of([MARKET_JOB]) or not (bars := self.due.bars()):
            return None
        return Step((self._request(MARKET_JOB, bars),), ("market data",))

    def teams(self) -> Step:
        """Each team's next run, where it has none going on; the table when they have all ended."""
        steps = [self._team(team) for team in self.platform.teams]
        requests = tuple(request for step in steps for request in step.requests)
        said = tuple(line for step in steps for line in step.said)
        if not all(step.ended for step in steps):
            return Step(requests, said)
        if self.asked.going_on(LEADERBOARD_JOB):
            return Step(said=(*said, "leaderboard"))
        table = self.due.of([keys.leaderboard_key()]) if self.platform.teams else []
        if table and not self.asked.of([LEADERBOARD_JOB]):
            return Step((self._request(LEADERBOARD_JOB, table),), (*said, "leaderboard"))
        return Step(said=said, ended=True)

    def _team(self, team: str) -> Step:
        train, daily = train_job_name(team), daily_job_name(team)
        trade, settle = trade_job_name(team), settle_job_name(team)
        if now := self.asked.going_on(train, daily, settle):
            return Step(said=(f"{team}: {_doing(now[0], team)}",))
        begun = {run.job_name for run in self.asked.of([train, daily, trade, settle])}
        # Asked once: what failed is on record, the rest of the team's chain goes on without it.
        if begun <= {train}:
            if not begun and (models := self.due.of(self.due.model_keys(team))):
                return Step((self._request(train, models),), (f"{team}: features and models",))
            predictions = self.due.of(self.due.prediction_keys(team), self.sessions)
            if predictions:
                asked = self._request(daily, predictions, self.sessions)
                return Step((asked,), (f"{team}: predictions and reports",))
        return self._trading(team, trade, settle)

    def _trading(self, team: str, trade: str, settle: str) -> Step:
        waiting = self.asked.going_on(trade)
        left = self.due.trades(team, self.sessions)
        said = (f"{team}: orders, {len(left)} of {len(self.sessions)} sessions to go",)
        if waiting or (self._may_trade(team, trade) and left):
            queued = {run.tags.get(PARTITION_NAME_TAG) for run in self.asked.of([trade])}
            room = 0 if self.asked.failed(trade) else _TRADES_AHEAD - len(waiting)
            new = [session for session in left if session not in queued][: max(room, 0)]
            if new or waiting:
                return Step(tuple(self._order(team, trade, session) for session in new), said)
        fills = self.due.fills(team, self.sessions)
        if fills and not self.asked.of([settle]):
            return Step((self._request(settle, [keys.fills_key(team)], fills),), (f"{team}: fills",))
        return Step(said=said if left else (), ended=True)

    def _may_trade(self, team: str, trade: str) -> bool:
        """Whether an earlier session of the round has not failed, and anything was ever predicted; why not has been said."""
        models = [keys.model_key(team, symbol) for symbol in self.platform.teams[team].symbols]
        return not self.asked.failed(trade) and any(map(self.due.fresh.exists, models))

    def _order(self, team: str, trade: str, session: str) -> dg.RunRequest:
        before = self.sessions[: self.sessions.index(session)]
        traded = set(self.due.trades(team, self.sessions))
        after = {AFTER_TAG: before[-1]} if before and before[-1] in traded else {}
        return self._request(trade, [keys.orders_key(team)], [session], after)

    def _request(
        self,
        job: str,
        assets: list[dg.AssetKey],
        sessions: Sequence[str] = (),
        tags: dict[str, str] | None = None,
    ) -> dg.RunRequest:
        told = {ROUND_TAG: self.round_id, **(tags or {})}
        if len(sessions) > 1:
            told |= {
                ASSET_PARTITION_RANGE_START_TAG: sessions[0],
                ASSET_PARTITION_RANGE_END_TAG: sessions[-1],
            }
        return dg.RunRequest(
            run_key=":".join((self.round_id, job, *sessions[:1])),
            job_name=job,
            asset_selection=assets,
            partition_key=sessions[0] if len(sessions) == 1 else None,
            tags=told,
        )


def _comes_again(run: dg.DagsterRun) -> bool:
    return WILL_RETRY_TAG in _true(run.tags) and AUTO_RETRY_RUN_ID_TAG not in run.tags


def _true(tags: Mapping[str, str]) -> set[str]:
    return {name for name, value in tags.items() if value == "true"}


def _doing(run: dg.DagsterRun, team: str) -> str:
    names = {
        train_job_name(team): "features and models",
        daily_job_name(team): "predictions and reports",
        settle_job_name(team): "fills",
    }
    return names[run.job_name]
