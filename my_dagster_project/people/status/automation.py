"""Schedules and sensors: on or off, the next tick, how the last one ended."""

from collections.abc import Iterable
from datetime import UTC, datetime

import dagster as dg

from my_dagster_project.foundation.dagster_private import (
    InstigatorStatus,
    InstigatorTick,
    SerializableErrorInfo,
    TickStatus,
    get_next_cron_tick,
)
from my_dagster_project.foundation.errors import NotYetError, TradingError
from my_dagster_project.people.status.page import Check, ScheduleStatus, Tick

# What Dagster notes for a sensor that returned nothing at all.
_EMPTY = "Sensor function returned an empty result"
_START = "start it in Dagit, Automation, or with TRADING_SCHEDULES=running"


class Automation:
    """What the daemon's book says of every schedule and sensor of a deployment; read once, with two queries."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        # Another code location's schedule of the same name is an old deployment's: the one that runs is meant.
        states = sorted(instance.all_instigator_state(), key=lambda state: state.is_running)
        self._states = {state.name: state for state in states}
        selectors = {state.selector_id: name for name, state in self._states.items()}
        ticks = instance.get_batch_ticks(list(selectors), limit=1) if selectors else {}
        self._ticks = {selectors[selector]: found[0] for selector, found in ticks.items() if found}

    def schedules(
        self, definitions: Iterable[dg.ScheduleDefinition], now: datetime
    ) -> tuple[ScheduleStatus, ...]:
        """Every schedule's state; `now` is an aware instant."""
        return tuple(self._schedule(schedule, now) for schedule in definitions)

    def sensors(self, definitions: Iterable[dg.SensorDefinition]) -> tuple[Check, ...]:
        """One line per sensor; what the last look found is what it says."""
        return tuple(self._sensor(sensor) for sensor in definitions)

    def running_since(self, name: str) -> datetime | None:
        """When (UTC) a schedule was switched on; None when it is off, or was never looked at by a daemon."""
        state = self._states.get(name)
        started = getattr(state.instigator_data, "start_timestamp", None) if state else None
        return datetime.fromtimestamp(started, UTC) if started and state and state.is_running else None

    def _schedule(self, schedule: dg.ScheduleDefinition, now: datetime) -> ScheduleStatus:
        tick = self._tick(schedule.name)
        by_itself = schedule.default_status == dg.DefaultScheduleStatus.RUNNING
        running = self._is_running(schedule.name, by_itself)
        cron = str(schedule.cron_schedule)
        following = get_next_cron_tick(cron, now, schedule.execution_timezone).astimezone(UTC)
        check = _running(schedule.name, tick) if running else _stopped(schedule.name, by_itself)
        return ScheduleStatus(schedule.name, schedule.job_name, cron, running, following, tick, check)

    def _sensor(self, sensor: dg.SensorDefinition) -> Check:
        name, tick = sensor.name, self._tick(sensor.name)
        if not self._is_running(name, sensor.default_status == dg.DefaultSensorStatus.RUNNING):
            return Check(name, "warn", "stopped by somebody", "start it in Dagit, Automation, Sensors")
        if tick and tick.outcome == "failure":
            return Check(
                name, "red", f"its last look failed: {tick.said}", "Dagit, Automation, shows the error"
            )
        return Check(name, "ok", _last(tick))

    def _is_running(self, name: str, by_itself: bool) -> bool:
        state = self._states.get(name)
        if state is None or state.status == InstigatorStatus.DECLARED_IN_CODE:
            return by_itself
        return state.is_running

    def _tick(self, name: str) -> Tick | None:
        found = self._ticks.get(name)
        return _as_tick(found) if found else None


def _running(name: str, tick: Tick | None) -> Check:
    if tick is None or tick.outcome != "failure":
        return Check(name, "ok", _last(tick))
    _, _, said = tick.said.partition(f"{NotYetError.__name__}: ")
    if said:
        return Check(name, "warn", said, "nothing, for a while: the tick is tried again every minute")
    return Check(name, "red", f"the last tick failed: {tick.said}", "Dagit, Automation, shows the tick")


def _stopped(name: str, by_itself: bool) -> Check:
    if by_itself:
        return Check(
            name, "warn", "stopped by somebody", "start it in Dagit, Automation, if that was not meant"
        )
    return Check(name, "off", "stopped", _START)


def _as_tick(found: InstigatorTick) -> Tick:
    said = found.tick_data.skip_reason or ""
    if found.status == TickStatus.FAILURE and found.tick_data.error:
        said = _cause(found.tick_data.error)
    if found.status == TickStatus.SUCCESS:
        said = f"started {len(found.tick_data.run_ids)} runs"
    return Tick(datetime.fromtimestamp(found.timestamp, UTC), found.status.value.lower(), said)


def _cause(error: SerializableErrorInfo) -> str:
    """The innermost error in its own words; Dagster's around it only say that a tick failed."""
    while error.cause is not None:
        error = error.cause
    return error.message.strip().removeprefix(f"{TradingError.__module__}.")


def _last(tick: Tick | None) -> str:
    if tick is None:
        return "has not ticked yet"
    return "nothing to do" if tick.said == _EMPTY else tick.said or tick.outcome
