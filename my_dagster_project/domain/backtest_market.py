"""Bars of many symbols side by side, and what is known of each as of every session. Pure; raw dollars and shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

from my_dagster_project.domain.adjustments import corporate_actions
from my_dagster_project.domain.signals import UNKNOWN_MOVE
from my_dagster_project.domain.volatility import WINDOW

if TYPE_CHECKING:
    import pandas as pd

    from my_dagster_project.domain.account_columns import Floats

_PRICES = ("open", "high", "low", "close", "adj_close", "volume")


@dataclass(frozen=True)
class Market:
    """Sessions (ascending) by symbols (by name), float64; NaN where a symbol has no bar.

    `splits` are new shares per old, `dividends` dollars a share, both as of the session's open.
    """

    sessions: list[date]
    symbols: list[str]
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    adj_close: Floats
    volume: Floats
    splits: Floats
    dividends: Floats

    @classmethod
    def of(cls, bars: Mapping[str, pd.DataFrame]) -> Market:
        """Put bars by symbol side by side; splits and dividends are those that their prices say (`adjustments`)."""
        import numpy as np
        import pandas as pd

        symbols = sorted(bars)
        days = pd.DatetimeIndex(sorted({day for frame in bars.values() for day in frame["session"]}))
        frames = [bars[symbol].set_index("session").reindex(days) for symbol in symbols]
        sessions = [day.date() for day in days]
        at = {day: n for n, day in enumerate(sessions)}
        splits, dividends = np.ones((len(days), len(symbols))), np.zeros((len(days), len(symbols)))
        for number, symbol in enumerate(symbols):
            actions = corporate_actions(bars[symbol])
            for day, ratio in actions.splits.items():
                splits[at[day], number] = float(ratio)
            for day, cash in actions.dividends.items():
                dividends[at[day], number] = float(cash)
        prices = {
            name: np.stack([frame[name].to_numpy(float) for frame in frames], axis=1) for name in _PRICES
        }
        return cls(sessions, symbols, **prices, splits=splits, dividends=dividends)

    @cached_property
    def returns(self) -> Floats:
        """Give one-session log returns, dividends in them; NaN where one of both closes is missing."""
        import numpy as np

        with np.errstate(all="ignore"):
            return np.diff(np.log(self.adj_close), axis=0, prepend=np.nan)

    @cached_property
    def volatility(self) -> Floats:
        """Give `volatility.realised_volatility` as of each session; of a symbol that misses a bar in the month there is none."""
        return _rolling(self.returns, "std")

    @cached_property
    def largest_moves(self) -> Floats:
        """Give the largest log return, absolute, up to each session; what nobody exceeds before a month of them is known."""
        import numpy as np

        moves = np.maximum.accumulate(np.nan_to_num(np.abs(self.returns)), axis=0)
        moves[:WINDOW] = UNKNOWN_MOVE
        return moves

    @cached_property
    def raw_volatility(self) -> Floats:
        """Give the deviation of the last returns before each session, by raw closes, splits and dividends: what impact hangs on."""
        import numpy as np

        with np.errstate(all="ignore"):
            worth = (self.close[1:] + self.dividends[1:]) * self.splits[1:]
            steps = np.log(worth / self.close[:-1])
        return _before(_rolling(np.vstack([np.full((1, steps.shape[1]), np.nan), steps]), "std"))

    @cached_property
    def usual_volume(self) -> Floats:
        """Give the mean volume of the last 22 sessions before each, in shares of it."""
        import numpy as np

        shares = np.cumprod(self.splits, axis=0)
        return _before(_rolling(self.volume / shares, "mean", WINDOW + 1)) * shares


def _rolling(values: Floats, what: str, window: int = WINDOW) -> Floats:
    import pandas as pd

    found: Floats = getattr(pd.DataFrame(values).rolling(window), what)().to_numpy()
    return found


def _before(values: Floats) -> Floats:
    import numpy as np

    return np.vstack([np.full((1, values.shape[1]), np.nan), values[:-1]])
