"""Which predictions may be traded: only whole ones, of this team and of this very session."""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import Any

from my_dagster_project.domain.plan import Signal, Skipped, Snapshot
from my_dagster_project.domain.targets import NEXT_DIRECTION

# Of a symbol with less than a month of bars: nearly three times its price in a session.
UNKNOWN_MOVE = 1.0


def tradable(
    team: str,
    session: date,
    signals: Iterable[Signal],
    snapshot: Snapshot,
    symbols: Iterable[str],
    moves: Mapping[str, float],
) -> tuple[dict[str, Signal], list[Skipped]]:
    """Split `symbols` into those with a signal that may be traded and those without, with the reason, by symbol.

    A prediction older than the session, of a later one, or of another team is as good as none, and so is one of a return
    beyond `moves`, the largest log return (absolute) that the symbol ever had.
    """
    signals = list(signals)
    given = {signal.symbol: signal for signal in signals}
    count = Counter(signal.symbol for signal in signals)
    good: dict[str, Signal] = {}
    skipped = []
    for symbol in sorted({*symbols, *given}):
        signal = given.get(symbol)
        if signal is None:
            reason = f"no prediction of session {session}; what is held stays"
        elif count[symbol] > 1:
            reason = f"{count[symbol]} predictions for one session; nobody can tell which one counts"
        else:
            reason = _refusal(team, session, signal, snapshot.closes, moves)
        if reason or signal is None:
            skipped.append(Skipped(symbol, reason, "check"))
        else:
            good[symbol] = signal
    return good, skipped


def _refusal(
    team: str,
    session: date,
    signal: Signal,
    closes: Mapping[str, object],
    moves: Mapping[str, float],
) -> str:
    """Say why a signal may not be traded; '' when it may."""
    if signal.problem:
        return signal.problem
    if signal.team != team:
        return f"the prediction belongs to team {signal.team}, not {team}"
    if signal.session != session:
        return f"the prediction is of session {signal.session}, not {session}"
    if signal.trained_through is not None and signal.trained_through > session:
        return f"its model was trained through {signal.trained_through}, after session {session}"
    move, position = moves.get(signal.symbol, UNKNOWN_MOVE), signal.position
    told = math.nan if position is None else position
    for doubtful, why in doubts(signal.value, told, signal.target == NEXT_DIRECTION, move):
        if doubtful:
            return why.format(value=signal.value, position=told, move=move)
    if signal.symbol not in closes:
        return f"no raw close of session {session} to size an order with"
    return ""


def doubts(value: Any, position: Any, likely: Any, move: Any) -> tuple[tuple[Any, str], ...]:
    """Give whether a prediction's figures are such that nobody may trade on it, and why; figures, or arrays of them.

    `position` is NaN where none was answered, `likely` says that a value is a probability, `move` is the largest log return ever.
    """
    import numpy as np

    return (
        (~np.isfinite(value), "the prediction is not a number"),
        (np.logical_and(likely, (value < 0) | (value > 1)), "the prediction {value:g} is no probability"),
        (np.abs(position) > 1, "the position {position:g} is not between -1 and 1"),
        (
            np.logical_and(np.logical_not(likely), np.abs(value) > move),
            "the predicted log return {value:+.4g} is beyond anything it ever did: {move:.4f}",
        ),
    )


def without(signals: Mapping[str, Signal], symbols: Collection[str]) -> dict[str, Signal]:
    """Give the signals less those of some symbols."""
    return {symbol: signal for symbol, signal in signals.items() if symbol not in symbols}
