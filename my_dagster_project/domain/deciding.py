"""A session's decisions: from signals, accounts, rules and limits to whole shares to sell, cover, buy and sell short.

The one implementation that the order path (`orders`, one account) and a backtest (all teams at once) call. It closes first, then
buys with the cash that is free after it, then sells short.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from my_dagster_project.domain.account_columns import Accounts
from my_dagster_project.domain.buying import Closing, Opened, Wanted, opened, room_for, to_buy
from my_dagster_project.domain.shorting import covers, short_of, to_sell_short
from my_dagster_project.domain.sizing import Sizes, sizes_of
from my_dagster_project.domain.strategies import Outlook, wanted_shares
from my_dagster_project.domain.volatility_target import Scaled, scaled

if TYPE_CHECKING:
    from my_dagster_project.domain.account_columns import Flags, Floats


@dataclass(frozen=True)
class Standing:
    """Whole shares that orders at the broker already buy and sell, by account and symbol: a plan must live with them."""

    bought: Floats
    sold: Floats


@dataclass(frozen=True)
class Decisions:
    """What is decided, in whole shares by account and symbol, and what it follows from.

    `gone` are the positions closed whole for another reason than a prediction; they are in `sold` and `covered` too. `told` are
    the shares of equity that the strategies want, `aims` what a volatility target makes of them.
    """

    told: Floats
    aims: Scaled | None
    sizes: Sizes
    short_aims: Floats
    gone: Flags
    sold: Floats
    covered: Floats
    to_buy: Wanted
    to_short: Wanted
    buys: Opened
    shorts: Opened


def decide(
    accounts: Accounts,
    outlook: Outlook,
    leaving: Flags,
    returns: Floats | None = None,
    standing: Standing | None = None,
) -> Decisions:
    """Decide a session for all accounts.

    `leaving` are the positions that are closed whatever is predicted; the outlook has no value for them, nor for symbols with a
    standing order. `returns` are of the last sessions (sessions, symbols), where a rule asks for a volatility.
    """
    import numpy as np

    # Of what nobody knows (NaN) no comparison holds.
    with np.errstate(all="ignore"):
        told = wanted_shares(outlook)
        aims = None if returns is None else scaled(told, outlook.asked, accounts, returns, leaving)
        shares = told if aims is None else aims.shares
        sizes = sizes_of(shares, accounts)
        gone = leaving & ~np.isnan(accounts.prices) & ((accounts.held > 0) | (accounts.short > 0))
        if standing is not None:
            gone &= (standing.bought == 0) & (standing.sold == 0)
        less = np.where(sizes.trades, np.maximum(accounts.held - sizes.qty, 0.0), 0.0)
        sold = np.where(gone, accounts.held, less)
        short_aims = short_of(shares, accounts)
        covered = np.where(gone, accounts.short, covers(short_aims, outlook.asked, accounts))
        room = room_for(accounts, _before(accounts, sold, covered, standing))
        buying = to_buy(accounts, sizes.qty, sizes.trades, outlook.values)
        buys, room = opened(buying, room)
        shorting = to_sell_short(shares, short_aims, outlook.values, accounts)
        shorts, _ = opened(shorting, room)
    return Decisions(told, aims, sizes, short_aims, gone, sold, covered, buying, shorting, buys, shorts)


def _before(accounts: Accounts, sold: Floats, covered: Floats, standing: Standing | None) -> Closing:
    """Sort the orders that stand at the broker to those that close something and those that open it."""
    import numpy as np

    if standing is None:
        return Closing(sold, covered)
    held, short = accounts.held > 0, accounts.short > 0
    return Closing(
        sold=sold + np.where(held, standing.sold, 0.0),
        covered=covered + np.where(short, standing.bought, 0.0),
        bought=np.where(short, 0.0, standing.bought),
        shorted=np.where(held, 0.0, standing.sold),
    )
