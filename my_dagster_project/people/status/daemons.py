"""Whether the daemon is alive: it runs schedules, sensors, the queue and the watch over lost runs."""

from collections.abc import Mapping
from datetime import UTC, datetime

import dagster as dg

from my_dagster_project.foundation.dagster_private import DaemonHeartbeat
from my_dagster_project.foundation.pool_settings import pool_is_named
from my_dagster_project.people.status.page import Check
from my_dagster_project.people.status.services import start

# Dagster's own rule: 30 s between heartbeats, 5 minutes of tolerance. That long nobody would know that nothing ticks.
_SILENT_SECONDS = 120
_WITH_DAGIT = "`make ui` starts it with Dagit"
# Needs nothing of ours to run: Dagster starts it, we use neither backfills nor declarative automation.
_IDLE = {"BACKFILL", "ASSET", "FRESHNESS_DAEMON"}


def daemon(instance: dg.DagsterInstance, *, needed: bool) -> Check:
    """One line for all of the daemon's threads; grey where it does not run and nothing needs it."""
    beats = instance.get_daemon_heartbeats()
    now = datetime.now(UTC).timestamp()
    required = sorted(set(instance.get_required_daemon_types()) - _IDLE)
    silent = [kind for kind in required if not _alive(beats.get(kind), now)]
    if silent and not needed:
        return Check(
            "daemon",
            "off",
            "not running; schedules and sensors stand still",
            _WITH_DAGIT,
        )
    if silent:
        todo = start("daemon") if pool_is_named() else _WITH_DAGIT
        return Check("daemon", "red", _silence(silent, required, beats, now), todo)
    if faults := _faults(beats, required):
        return Check(
            "daemon", "warn", faults, "`docker compose logs daemon`, or the terminal of `make ui`, says more"
        )
    return Check("daemon", "ok", f"{len(required)} parts alive: {_words(required)}")


def _alive(beat: DaemonHeartbeat | None, now: float) -> bool:
    return beat is not None and now - beat.timestamp < _SILENT_SECONDS


def _silence(silent: list[str], required: list[str], beats: Mapping[str, DaemonHeartbeat], now: float) -> str:
    seen = [beats[kind].timestamp for kind in silent if kind in beats]
    when = f"no sign of life for {(now - max(seen)) / 60:.0f} minutes" if seen else "never started"
    return when if len(silent) == len(required) else f"{_words(silent)}: {when}"


def _faults(beats: Mapping[str, DaemonHeartbeat], required: list[str]) -> str:
    errors = [beats[kind].errors for kind in required if kind in beats]
    texts = [error.message.strip().splitlines()[0] for found in errors for error in found or []]
    return f"alive, with errors: {texts[0]}" if texts else ""


def _words(kinds: list[str]) -> str:
    return ", ".join(kind.lower().replace("_daemon", "").replace("_", " ") for kind in kinds)
