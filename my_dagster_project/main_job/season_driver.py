"""A season in one process: the driver takes session after session through its runs and closes it.

Nothing is remembered but runs, records and the season's state (`storage/season.py`), so it may be killed at any moment, and
whoever drives next goes on where it stopped. It is the same step as the stack's, where the sensor `rounds` queues the runs
for the workers.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import dagster as dg

from my_dagster_project.foundation.dagster_private import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
)
from my_dagster_project.foundation.errors import SeasonError
from my_dagster_project.foundation.settings import Settings
from my_dagster_project.history.commits import Committed
from my_dagster_project.main_job.abandoned import CUT_SHORT_TAG, end_abandoned
from my_dagster_project.main_job.interrupts import stops_noticed
from my_dagster_project.main_job.run import recorded
from my_dagster_project.main_job.runner import Runner
from my_dagster_project.pipeline.code_location import build_definitions
from my_dagster_project.pipeline.due import Due
from my_dagster_project.pipeline.failures import Problem
from my_dagster_project.pipeline.lived import close_session, lived_step, platform_of, round_of
from my_dagster_project.pipeline.notification_sensor import tell_without_daemon
from my_dagster_project.pipeline.rounds import runs_of_round
from my_dagster_project.pipeline.session_step import Asked
from my_dagster_project.storage.season import SeasonBook, State
from my_dagster_project.teams.deployment import season_book
from my_dagster_project.teams.platform import Platform
from my_dagster_project.trading.lease import FileLeases

BY = "the driver of this process"
_LOOK_SECONDS = 0.5


@dataclass(frozen=True)
class Lived:
    """A session that was closed: with which platform, what went wrong in it, what was missed, the season after it."""

    state: State
    platform: Platform
    problems: list[Problem]
    missed: dict[str, str]
    commits: list[Committed]
    seconds: float
    after: State
    untold: list[str] = field(default_factory=list)
    """What went wrong with notifications; their letters wait for the next session."""


@dataclass
class _Place:
    """The definitions of one set of texts, and who executes their runs; made anew when an edit counts."""

    platform: Platform
    definitions: dg.Definitions
    runner: Runner


@dataclass
class Driver:
    """Drives the season of these settings in this process. One is enough, a second one is told so when it closes a session."""

    settings: Settings
    _instance: dg.DagsterInstance = field(default_factory=dg.DagsterInstance.get)
    _place: _Place | None = None
    _tells: bool = False

    def __post_init__(self) -> None:
        end_abandoned(self._instance)

    @property
    def season(self) -> SeasonBook:
        """The season's state."""
        return season_book(self.settings)

    def sessions(
        self, most: int | None = None, *, waits: Callable[[State], None] = lambda _: None
    ) -> Iterator[Lived]:
        """Live session after session at the season's pace to its end; with `most` no more of them, after which it is paused.

        While it is paused this waits, and tells `waits` once.
        """
        told = False
        while not (state := self.season.require()).ended:
            if state.paused and most is None:
                if not told:
                    waits(state)
                told = True
                time.sleep(_LOOK_SECONDS)
                continue
            told, began = False, time.monotonic()
            yield self.live()
            if most is not None and (most := most - 1) == 0:
                self.season.set(BY, "paused after as many sessions as were asked for", paused=True)
                return
            self._wait_since(began)

    def _wait_since(self, began: float) -> None:
        while not (now := self.season.require()).ended and time.monotonic() - began < now.session_every:
            time.sleep(min(_LOOK_SECONDS, now.session_every))

    def live(self) -> Lived:
        """Take the session at work to its end and close it; raises SeasonMovedError when somebody else closed it first."""
        began, state = time.monotonic(), self.season.require()
        place = self._at(platform_of(state, self.settings))
        before = len(place.runner.problems)
        if not self._tells:
            tell_without_daemon(place.platform, self.settings, self._instance)
            self._tells = True
        while self._go_on(place, state):
            pass
        result = recorded(place.platform, self.settings, place.runner.problems[before:])
        after = close_session(self.season, place.platform, self._instance, state, BY)
        lacking = after.missed_of(state.session)
        untold = tell_without_daemon(place.platform, self.settings, self._instance)
        took = time.monotonic() - began
        return Lived(state, place.platform, result.problems, lacking, result.commits, took, after, untold)

    def _go_on(self, place: _Place, state: State) -> bool:
        """Execute what is to be made next; False when nothing is left."""
        runs = runs_of_round(self._instance, round_of(state))
        asked = Asked([run for run in runs if not _was_cut_short(run)])
        graph = place.definitions.resolve_asset_graph()
        due = Due(place.platform, graph, self._instance, self.settings)
        step = lived_step(place.platform, due, state, asked)
        for request in step.requests:
            self._execute(place.runner, request, round_of(state))
        return bool(step.requests)

    def _execute(self, runner: Runner, request: dg.RunRequest, round_id: str) -> None:
        ends = (ASSET_PARTITION_RANGE_START_TAG, ASSET_PARTITION_RANGE_END_TAG)
        sessions = [request.tags[end] for end in ends if end in request.tags]
        sessions = sessions or [one for one in [request.partition_key] if one]
        with stops_noticed() as asked_to_stop:
            wanted = request.asset_selection or []
            runner.run(str(request.job_name), wanted, lambda *_: None, sessions, request.tags)
            if asked_to_stop():
                newest = runs_of_round(self._instance, round_id)[0]
                self._instance.add_run_tags(newest.run_id, {CUT_SHORT_TAG: "yes"})
                raise KeyboardInterrupt

    def _at(self, platform: Platform) -> _Place:
        if self._place is None or self._place.platform.read != platform.read:
            definitions = build_definitions(platform, self.settings)
            self._place = _Place(platform, definitions, Runner(definitions, self._instance))
        return self._place


@contextmanager
def only_driver(settings: Settings) -> Iterator[None]:
    """Be the one process of this host that drives the season here; raises SeasonError while another one does."""
    held = FileLeases(settings.home / "leases").take("season", f"process {os.getpid()}")
    if held is None:
        raise SeasonError(
            "another process drives this season: it goes on with it by itself; `trading season pause` stops it"
        )
    try:
        yield
    finally:
        held.release()


def _was_cut_short(run: dg.DagsterRun) -> bool:
    """Whether it ended because its process was killed or stopped, not because of what it was to make."""
    return CUT_SHORT_TAG in run.tags and not run.is_success
