"""What the stored bars say about a symbol as of a session, read once per version of the bars and process."""

from bisect import bisect_left
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property, lru_cache

from my_dagster_project.domain.adjustments import corporate_actions
from my_dagster_project.domain.volatility import (
    WINDOW,
    largest_moves,
    log_returns,
    realised_volatility,
)
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.stored_bars import bars_content, read_bars


@dataclass(frozen=True)
class History:
    """A symbol's sessions with raw and adjusted closes, dollars."""

    sessions: tuple[date, ...] = ()
    closes: tuple[float, ...] = ()
    adjusted: tuple[float, ...] = ()
    unexplained: Mapping[date, float] = field(default_factory=dict)

    def close_of(self, session: date) -> float | None:
        """Give the raw close of a session, None without a bar of it."""
        at = bisect_left(self.sessions, session)
        found = at < len(self.sessions) and self.sessions[at] == session
        return self.closes[at] if found else None

    def before(self, session: date) -> date | None:
        """Give the last session before this one that it has a bar of."""
        at = bisect_left(self.sessions, session)
        return self.sessions[at - 1] if at else None

    def volatility_at(self, session: date) -> float | None:
        """Give `domain.volatility.realised_volatility` as of a session."""
        return realised_volatility(self.sessions, self.adjusted, session)

    def returns_at(self, session: date) -> dict[date, float]:
        """Give `domain.volatility.log_returns` as of a session."""
        return log_returns(self.sessions, self.adjusted, session)

    @cached_property
    def _moves(self) -> tuple[float, ...]:
        return largest_moves(self.adjusted)

    def largest_move(self, session: date) -> float | None:
        """Give the largest log return, absolute, up to a session; None before a month of them is known."""
        at = bisect_left(self.sessions, session)
        known = WINDOW <= at < len(self.sessions) and self.sessions[at] == session
        return self._moves[at] if known else None

    def puzzle(self, symbol: str, session: date, accepted: Collection[date] = ()) -> str:
        """Say which step of its adjusted closes in the last month nobody can explain, nor has `accepted`, and what to do.

        '' when there is none.
        """
        at = bisect_left(self.sessions, session)
        month = set(self.sessions[max(0, at - WINDOW + 1) : at + 1])
        steps = {
            day: step for day, step in sorted(self.unexplained.items()) if day in month.difference(accepted)
        }
        if not steps:
            return ""
        told, days = (
            ", ".join(f"by {step:.4g} at {day}" for day, step in steps.items()),
            ", ".join(map(str, steps)),
        )
        return (
            f"its adjusted closes step {told}, of which its prices know nothing (a split, a dividend, or a mistake of the source?):"
            " what is held stays, and nothing is traded for a month or until its bars are corrected. If the prices are right, the"
            f" organiser lets it trade again by `market.accepted: {{{symbol}: [{days}]}}` in configs/teams.yaml"
        )


def history(assets: AssetStore, symbol: str) -> History:
    """Give a symbol's history as it is stored now; an empty one when there is none."""
    content = bars_content(assets, symbol)
    return History() if content is None else _parsed(assets, symbol, content)


# 130 kB per symbol with the sample's 3,270 sessions. The content's md5 is part of the key, so new bars are seen at once.
@lru_cache(maxsize=128)
def _parsed(assets: AssetStore, symbol: str, md5: str) -> History:
    bars = read_bars(assets, symbol)
    return History(
        tuple(stamp.date() for stamp in bars["session"]),
        tuple(bars["close"]),
        tuple(bars["adj_close"]),
        corporate_actions(bars).unexplained,
    )
