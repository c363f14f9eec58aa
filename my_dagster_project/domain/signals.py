"""Which predictions may be traded: only whole ones, of this team and of this very session."""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import date

from my_dagster_project.domain.plan import Signal, Skipped, Snapshot

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
    if not math.isfinite(signal.value):
        return "the prediction is not a number"
    if signal.target == "next_direction" and not 0 <= signal.value <= 1:
        return f"the prediction {signal.value:g} is no probability"
    if signal.position is not None and not -1 <= signal.position <= 1:
        return f"the position {signal.position:g} is not between -1 and 1"
    move = moves.get(signal.symbol, UNKNOWN_MOVE)
    if signal.target == "next_return" and abs(signal.value) > move:
        return f"the predicted log return {signal.value:+.4g} is beyond anything it ever did: {move:.4f}"
    if signal.symbol not in closes:
        return f"no raw close of session {session} to size an order with"
    return ""


def without(signals: Mapping[str, Signal], symbols: Collection[str]) -> dict[str, Signal]:
    """Give the signals less those of some symbols."""
    return {symbol: signal for symbol, signal in signals.items() if symbol not in symbols}
