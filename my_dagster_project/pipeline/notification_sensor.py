"""Tells people what happened: the one sensor, and the driver of a season. It reads what the platform records anyway."""

import time
from collections.abc import Iterator

import dagster as dg
from pydantic import BaseModel, ValidationError

from my_dagster_project.foundation.errors import ConfigError, TradingError
from my_dagster_project.foundation.redaction import redact
from my_dagster_project.foundation.settings import Settings
from my_dagster_project.notifications.messages import (
    Message,
    broken_file,
    broken_registry,
    mended_file,
    mended_registry,
)
from my_dagster_project.notifications.outbox import Outbox
from my_dagster_project.pipeline.finished_runs import RunsSeen
from my_dagster_project.teams.platform import Platform, load_platform
from my_dagster_project.teams.sources import read_sources

NAME = "notifications"
_LOOK_SECONDS = 30
# Dagster gives a tick 60 s; a letter begun just before this takes 10 s at most, an e-mail 30.
_SENDING_SECONDS = 20
# Nobody waits long for the next session because a webhook does not answer.
_SENDING_SECONDS_BETWEEN = 3
_ALIVE_SECONDS = 120
_REGISTRY = ""


class State(BaseModel):
    """The sensor's cursor. `problems` by team as they were told; '' is the organiser's own files."""

    runs: RunsSeen = RunsSeen()
    problems: dict[str, str] = {}
    outbox: Outbox = Outbox()

    @classmethod
    def load(cls, cursor: str | None) -> "State":
        """The state a tick left; a cursor nobody can read (an older release's) is a new beginning."""
        try:
            return cls.model_validate_json(cursor or "{}")
        except ValidationError:
            return cls()


def notifications_sensor(platform: Platform, settings: Settings) -> dg.SensorDefinition:
    """Success, failure, bad configuration and drift, to whoever wants to know by webhook or e-mail.

    A plain sensor with a cursor of its own, not Dagster's run status sensors: those move on when sending fails, this one
    keeps the letter and tries again for a day.
    """

    @dg.sensor(
        name=NAME,
        minimum_interval_seconds=_LOOK_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tells teams and organiser by webhook or e-mail (NOTIFY_* in .env.secrets) what happened.",
    )
    def tell(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        state = State.load(context.cursor)
        sent, warnings = tell_news(state, platform, settings, context.instance, _SENDING_SECONDS)
        for warning in warnings:
            context.log.warning(warning)
        said = [f"{sent} told" if sent else "Nothing to tell", *warnings]
        return dg.SensorResult(cursor=state.model_dump_json(), skip_reason="; ".join(said))

    return tell


def tell_news(
    state: State, platform: Platform, settings: Settings, instance: dg.DagsterInstance, seconds: float
) -> tuple[int, list[str]]:
    """Tell what is new since this state, and note in it what was told; how many letters went, and what went wrong, redacted.

    No letter is begun after so many seconds; it stays in the state, and is tried again next time.
    """
    now, registry = time.time(), platform.registry
    for message in [
        *state.runs.messages(instance, registry, settings.dagit_link),
        *_files(state, platform, settings),
    ]:
        state.outbox.post(message, registry, settings, now)
    waiting = len(state.outbox.letters)
    try:
        warnings = state.outbox.deliver(settings, now, _in_time(seconds))
    except TradingError as error:
        warnings = [str(error)]
    return waiting - len(state.outbox.letters), [redact(warning) for warning in warnings]


def tell_without_daemon(platform: Platform, settings: Settings, instance: dg.DagsterInstance) -> list[str]:
    """As the sensor, for whoever executes runs where no daemon does; what went wrong, redacted.

    Asked before the first run as well: from then on is told. Where a daemon is at work (`make ui`) its sensor tells.
    """
    beats = instance.get_daemon_heartbeats().values()
    if any(time.time() - beat.timestamp < _ALIVE_SECONDS for beat in beats):
        return []
    kept = instance.daemon_cursor_storage
    state = State.load(kept.get_cursor_values({NAME}).get(NAME))
    _, warnings = tell_news(state, platform, settings, instance, _SENDING_SECONDS_BETWEEN)
    kept.set_cursor_values({NAME: state.model_dump_json()})
    return warnings


def _in_time(seconds: float) -> Iterator[bool]:
    end = time.monotonic() + seconds
    while True:
        yield time.monotonic() < end


def _files(state: State, platform: Platform, settings: Settings) -> Iterator[Message]:
    """What is newly wrong with a file, and what is mended; remembers what it told."""
    registry_problem = _registry_problem(platform, settings)
    before = state.problems
    state.problems = {**platform.problems, **({_REGISTRY: registry_problem} if registry_problem else {})}
    for team, problem in platform.problems.items():
        if before.get(team) != problem:
            yield broken_file(team, problem, takes_part=team in platform.teams)
    for team in before.keys() - state.problems.keys() - {_REGISTRY}:
        if team in platform.registry.teams:
            yield mended_file(team, platform.origin(team))
    if registry_problem and before.get(_REGISTRY) != registry_problem:
        yield broken_registry(registry_problem)
    if _REGISTRY in before and not registry_problem:
        yield mended_registry()


def _registry_problem(platform: Platform, settings: Settings) -> str:
    """What is wrong with the organiser's own files as they are now; '' when nothing is, or when they cannot be read."""
    try:
        now = read_sources(settings.project, settings.config_mode)
        if now.digest != platform.read:
            load_platform(now)
    except ConfigError as error:
        return str(error)
    except TradingError:
        return ""
    return ""
