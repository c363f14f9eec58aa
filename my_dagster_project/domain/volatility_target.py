"""Scales what a strategy wants so that the account as a whole moves as much as the team asks for (`trading.volatility_target`).

    scale = target / sigma,   sigma = sqrt(252) x standard deviation of the wanted portfolio's last 21 one-session returns

The portfolio's return of a session is the sum of share x return over its symbols, so how they move together counts: sigma is
sqrt(w' S w) of the sample covariance S. After Moreira and Muir, "Volatility-Managed Portfolios", Journal of Finance 72 (2017),
who measure over the last month as well, and Harvey and others, "The Impact of Volatility Targeting", Journal of Portfolio
Management 45 (2018), who divide by the volatility as here. Nothing is borrowed for it: together the shares never exceed the
equity (or what the strategy wanted of it), and each stays within the limits.

What the strategy leaves alone keeps its size, but at most scale x `position_share`; with such positions the scale is the largest
one at which the whole comes to the target. (Multiplied by the scale itself they would shrink anew every session.)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from my_dagster_project.domain.account_columns import HAIR, Accounts
from my_dagster_project.domain.strategies import LEAST_VOLATILITY, cut
from my_dagster_project.domain.volatility import SESSIONS_A_YEAR

if TYPE_CHECKING:
    from my_dagster_project.domain.account_columns import Flags, Floats

_STEP = 1e-6
_HALVINGS = 30


@dataclass(frozen=True)
class Scaled:
    """Shares of equity after scaling; which were `changed`, and which are left alone because they move nobody knows how.

    `scale` and `now` (the volatility without it, a year's) are each account's.
    """

    shares: Floats
    changed: Flags
    unknown: Flags
    scale: Floats
    now: Floats

    def why(self, target: float) -> str:
        """Say what the first account's shares were multiplied by."""
        return f"x {self.scale[0, 0]:.2f} for a volatility of {target:.1%} a year (now {self.now[0, 0]:.1%})"


def scaled(shares: Floats, asked: Flags, accounts: Accounts, returns: Floats, leaving: Flags) -> Scaled:
    """Give the shares times what brings each portfolio to its rules' target (a fraction, annualised); without one as they are.

    `asked` are the symbols with a signal, of which NaN is left alone. `returns` are the log returns of the last sessions up to
    this one (sessions, symbols), NaN where one did not trade: it stood still. A symbol without any is not bought. `leaving` is
    sold anyway.
    """
    import numpy as np

    target = accounts.rules.volatility_target
    wants = ~np.isnan(shares)
    solvent = accounts.equity > 0
    present = np.nan_to_num(np.where(solvent, accounts.signed * accounts.prices / accounts.equity, 0.0))
    alone = np.where(wants | leaving, 0.0, present)
    portfolio = _Portfolio(
        np.nan_to_num(shares), alone, accounts.rules.position_share, np.expm1(np.nan_to_num(returns))
    )
    now = portfolio.volatility(portfolio.at(np.ones_like(target)))
    # What stands still is left as it is.
    scale = np.where(now < LEAST_VOLATILITY, 1.0, portfolio.scale(target))
    aims = cut(portfolio.at(scale))
    stays = ~asked | (portfolio.at(scale) == 0) | np.isnan(target)
    stays |= ~wants & (present != 0) & (np.abs(portfolio.at(scale)) >= np.abs(present) - _STEP)
    unknown = ~stays & np.isnan(returns).all(axis=0)
    changed = ~stays & ~unknown
    return Scaled(np.where(unknown, np.nan, np.where(changed, aims, shares)), changed, unknown, scale, now)


@dataclass(frozen=True)
class _Portfolio:
    """Shares of equity: those a strategy wants, those it leaves alone, and what it would have bought of these.

    `moves` are the simple returns of the last sessions (sessions, symbols).
    """

    wanted: Floats
    alone: Floats
    usual: Floats
    moves: Floats

    def at(self, scale: Floats) -> Floats:
        """Give the shares at a scale."""
        import numpy as np

        kept = np.copysign(np.minimum(np.abs(self.alone), scale * self.usual), self.alone)
        found: Floats = scale * self.wanted + kept
        return found

    def volatility(self, shares: Floats) -> Floats:
        """Give the annualised standard deviation of each portfolio's returns, 0 where none is known."""
        import numpy as np

        if len(self.moves) < 2:
            return np.zeros((len(shares), 1))
        return portfolio_volatility(shares, self.moves)

    @cached_property
    def invested(self) -> Floats:
        """Give what a strategy wants together."""
        import numpy as np

        found: Floats = np.abs(self.wanted).sum(axis=1, keepdims=True)
        return found

    @cached_property
    def largest_scale(self) -> Floats:
        """Give a scale beyond which nothing that counts changes: all is invested, and all that is left alone left alone."""
        import numpy as np

        return np.maximum(
            np.maximum(1.0, 1 / self.usual), np.where(self.invested > 0, 1 / self.invested, 1.0)
        )

    def scale(self, target: Floats) -> Floats:
        """Give the largest scale at which each portfolio moves no more than the target and borrows nothing, by halving."""
        import numpy as np

        most = np.maximum(1.0, np.abs(self.at(np.ones_like(target))).sum(axis=1, keepdims=True))

        def fits(scale: Floats) -> Flags:
            shares = self.at(scale)
            within: Flags = np.abs(shares).sum(axis=1, keepdims=True) <= most + HAIR
            return within & (self.volatility(shares) <= target)

        high = self.largest_scale
        low = np.where(fits(high), high, 0.0)
        high = high.copy()
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            fit = fits(middle)
            low, high = np.where(fit, middle, low), np.where(fit, high, middle)
        return low


def portfolio_volatility(shares: Floats, moves: Floats) -> Floats:
    """Give the annualised standard deviation of portfolios' returns: shares (portfolios, symbols), moves (sessions, symbols)."""
    found: Floats = (shares @ moves.T).std(axis=1, ddof=1, keepdims=True) * math.sqrt(SESSIONS_A_YEAR)
    return found
