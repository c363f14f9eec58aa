"""What a team predicts for the next session, and what that means in orders; or when both will be made."""

import json
import math
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from my_dagster_project.domain.plan import Plan, PlannedOrder, Signal
from my_dagster_project.domain.targets import NEXT_RETURN
from my_dagster_project.foundation.advice import everything_due
from my_dagster_project.foundation.errors import ObjectMissingError, StorageError
from my_dagster_project.people.status.page import TeamStatus
from my_dagster_project.people.status.words import next_tick
from my_dagster_project.pipeline.chain import maker
from my_dagster_project.pipeline.due import recorded_sessions
from my_dagster_project.pipeline.partitions import last_session
from my_dagster_project.storage import names
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.teams.platform import Platform
from my_dagster_project.trading.predicted import predicted
from my_dagster_project.trading.records import recorded


@dataclass(frozen=True)
class Forecast:
    """What was said of a symbol after a session's close (dollars), and the order that follows from it.

    `signal` is None where nothing was predicted, `order` where nothing is ordered; `why` says why, `became` what the broker
    said of the order.
    """

    symbol: str
    signal: Signal | None
    close: float | None
    order: PlannedOrder | None = None
    became: str = ""
    why: str = ""

    @property
    def value(self) -> float | None:
        """What was predicted; None where there is no number."""
        return None if self.signal is None or math.isnan(self.signal.value) else self.signal.value

    @property
    def predicted_return(self) -> float | None:
        """The predicted log return; None of a model that answers with probabilities."""
        return self.value if self.signal and self.signal.target == NEXT_RETURN else None

    @property
    def probability_up(self) -> float | None:
        """The probability of up; None of a model that answers with returns."""
        return self.value if self.signal and self.signal.target != NEXT_RETURN else None

    @property
    def predicted_close(self) -> float | None:
        """The close with the predicted return."""
        told = self.predicted_return
        return None if told is None or self.close is None else self.close * math.exp(told)


@dataclass(frozen=True)
class ComingSession:
    """The newest predictions, made after the close of `session` about `target`; None before the first ones.

    `planned` says whether what they mean in orders is on record, in which `mode`. `awaited` are sentences about what is not made yet.
    """

    session: date | None = None
    target: date | None = None
    forecasts: tuple[Forecast, ...] = ()
    planned: bool = False
    mode: str = ""
    over: bool = False
    """Whether that session has closed since."""
    awaited: tuple[str, ...] = ()


def coming_session(
    platform: Platform, assets: AssetStore, team: str, status: TeamStatus | None, zone: str
) -> ComingSession:
    """Give the newest predictions up to the exchange's clock; `status` knows the schedules. Raises StorageError."""
    config, last = platform.teams[team], last_session(platform)
    sessions = {
        session for symbol in config.symbols for session in _sessions(assets, team, symbol) if session <= last
    }
    session = max(sessions, default=None)
    if session is None:
        return ComingSession(awaited=_awaited(platform, team, status, zone, None, planned=False))
    plan, record = _plan(assets, team, session)
    target = platform.calendar.next_session(session)
    return ComingSession(
        session,
        target,
        _forecasts(platform, assets, team, session, plan, record),
        planned=plan is not None,
        mode=record.get("mode", ""),
        over=target <= last,
        awaited=_awaited(platform, team, status, zone, session, planned=plan is not None),
    )


def _sessions(assets: AssetStore, team: str, symbol: str) -> list[date]:
    return [
        date.fromisoformat(name.partition(".")[0]) for name in assets.names(names.predictions(team, symbol))
    ]


def _plan(assets: AssetStore, team: str, session: date) -> tuple[Plan | None, dict[str, Any]]:
    try:
        record: dict[str, Any] = json.loads(recorded(assets, team, session))
        return Plan.from_json(json.dumps(record["plan"])), record
    except ObjectMissingError:
        return None, {}
    except (ValueError, KeyError, TypeError) as error:
        raise StorageError(
            f"the orders of team {team} of session {session} are damaged: {error!r}"
        ) from error


def _forecasts(
    platform: Platform,
    assets: AssetStore,
    team: str,
    session: date,
    plan: Plan | None,
    record: dict[str, Any],
) -> tuple[Forecast, ...]:
    answers = predicted(team, platform.teams[team], session, assets)
    signals = {signal.symbol: signal for signal in answers.signals}
    orders: dict[str, list[PlannedOrder]] = {}
    for order in plan.orders if plan else ():
        orders.setdefault(order.symbol, []).append(order)
    skipped = {skip.symbol: skip.reason for skip in plan.skipped} if plan else {}
    became = {one["planned"]["client_order_id"]: _became(one) for one in record.get("outcomes", ())}
    rows = []
    for symbol in dict.fromkeys((*answers.closes, *orders, *skipped)):
        signal, close = signals.get(symbol), answers.closes.get(symbol)
        why = skipped.get(symbol) or (signal.problem if signal else "")
        rows += [
            Forecast(symbol, signal, close, order, became.get(order.client_order_id, ""), order.reason)
            for order in orders.get(symbol, ())
        ] or [Forecast(symbol, signal, close, why=why)]
    return tuple(rows)


def _became(outcome: dict[str, Any]) -> str:
    return ": ".join(filter(None, (outcome["status"], outcome["detail"])))


def _awaited(
    platform: Platform,
    team: str,
    status: TeamStatus | None,
    zone: str,
    session: date | None,
    *,
    planned: bool,
) -> tuple[str, ...]:
    """Which of the newest session's predictions and orders are not made, and when they will be; when the next ones follow."""
    newest = date.fromisoformat(max(recorded_sessions(platform), default="0001-01-01"))
    lines = []
    if session is None or session < newest:
        there = f"Session {newest}" if newest.year > 1 else "The first session"
        lines.append(f"{there} is not predicted yet; {_when(platform, team, 'predictions', status, zone)}.")
    elif not planned:
        lines.append(f"Its orders are not made yet; {_when(platform, team, 'orders', status, zone)}.")
    return (*lines, _next(platform, max(filter(None, (session, newest)))))


def _when(platform: Platform, team: str, noun: str, status: TeamStatus | None, zone: str) -> str:
    if platform.in_lapse:
        return "the season makes them as soon as its clock is there"
    job = maker(noun).of(team)
    for schedule in status.schedules if status else ():
        if schedule.job == job and schedule.running and schedule.next_tick:
            return f"{job} makes them, next at {next_tick(schedule, ZoneInfo(zone))}"
    return f"{everything_due()} makes them"


def _next(platform: Platform, newest: date) -> str:
    end = platform.registry.market.end
    following = platform.calendar.next_session(newest)
    if end is not None and following >= end:
        return f"The recorded prices end with session {end}: no later session can be predicted and scored."
    return f"The next ones are made after the close of session {following}."
