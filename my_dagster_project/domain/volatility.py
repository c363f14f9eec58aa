"""How much a symbol moves from session to session, as of a session: no later bar can change the answer."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from datetime import date
from itertools import accumulate, pairwise

SESSIONS_A_YEAR = 252
WINDOW = 21  # sessions, about a month: the field's usual window for daily data


def realised_volatility(
    sessions: Sequence[date], adjusted: Sequence[float], session: date, window: int = WINDOW
) -> float | None:
    """Give the standard deviation (a fraction, per session, not annualised) of the last `window` log returns.

    `sessions` are sorted, `adjusted` their adjusted closes; only those up to `session` are looked at. None when the
    last of them is not `session` itself (the data are too old), when there are too few, or when a price is no price.
    """
    returns = log_returns(sessions, adjusted, session, window).values()
    if not returns:
        return None
    # As statistics.stdev, which is exact in fractions and took a twentieth of a replay.
    mean = math.fsum(returns) / len(returns)
    return math.sqrt(math.fsum((one - mean) ** 2 for one in returns) / (len(returns) - 1))


def log_returns(
    sessions: Sequence[date], adjusted: Sequence[float], session: date, window: int = WINDOW
) -> dict[date, float]:
    """Give the last `window` one-session log returns up to `session`, by session; {} where `realised_volatility` has none."""
    end = bisect_right(sessions, session)
    if end <= window or sessions[end - 1] != session:
        return {}
    closes = adjusted[end - window - 1 : end]
    if not all(math.isfinite(close) and close > 0 for close in closes):
        return {}
    steps = (math.log(after / before) for before, after in pairwise(closes))
    return dict(zip(sessions[end - window : end], steps, strict=True))


def largest_moves(adjusted: Sequence[float]) -> tuple[float, ...]:
    """Give for each session the largest log return, absolute, of any session up to it; those of no price do not count.

    The first has none yet: 0.
    """
    steps = (_move(before, after) for before, after in pairwise(adjusted))
    return tuple(accumulate(steps, max, initial=0.0))


def _move(before: float, after: float) -> float:
    usable = min(before, after) > 0 and math.isfinite(before) and math.isfinite(after)
    return abs(math.log(after / before)) if usable else 0.0
