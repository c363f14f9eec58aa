"""Rules of exit: a loss that is large enough, or a position held long enough, is sold whole at the next open, whatever is predicted.

Both look at the close of the session only, like everything that is decided after it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from my_dagster_project.domain.account_columns import HAIR, Accounts
from my_dagster_project.domain.lots import StatementLine

if TYPE_CHECKING:
    from my_dagster_project.domain.account_columns import Flags, Floats


def losses(accounts: Accounts, entries: Floats) -> tuple[Floats, Floats]:
    """Give the loss of each whole position (of one sold short: a rise) as a fraction of its entry, and the price that it is at.

    `entries` are average entry prices. A loss counts when every price that is known says so: the close and the one furthest
    from it. Dividends are no part of it.
    """
    import numpy as np

    long, short = accounts.held > 0, accounts.short > 0
    best, least = np.fmax(accounts.closes, accounts.marks), np.fmin(accounts.closes, accounts.marks)
    price = np.where(short, least, best)
    moved = price / np.where(entries > 0, entries, np.nan) - 1
    loss = np.where(long, np.maximum(-moved, 0.0), np.where(short, np.maximum(moved, 0.0), 0.0))
    return np.nan_to_num(loss), price


def stopped(accounts: Accounts, loss: Floats) -> Flags:
    """Tell which positions have lost what their rule says."""
    found: Flags = ((accounts.held > 0) | (accounts.short > 0)) & (loss >= accounts.rules.stop_loss - HAIR)
    return found


def overdue(accounts: Accounts, closes_held: Floats) -> Flags:
    """Tell which positions were held over as many closes as their rule says."""
    found: Flags = ((accounts.held > 0) | (accounts.short > 0)) & (closes_held >= accounts.rules.max_sessions)
    return found


def closes_held(
    held: Mapping[str, Decimal], statement: Sequence[StatementLine], sessions: Sequence[date]
) -> dict[str, int]:
    """Give over how many of the last closes (`sessions`, ascending) each position was held without a break.

    `held` are the shares after the last of them, `statement` the account's lines since the open of the first, oldest first.
    """
    left, opened = dict(held), dict.fromkeys(held, sessions[0]) if sessions else {}
    for line in reversed(statement):
        if not line.qty or not left.get(line.symbol):
            continue
        before = left[line.symbol] - line.qty
        if before * held[line.symbol] <= 0:
            opened[line.symbol], before = line.day, Decimal(0)
        left[line.symbol] = before
    return {symbol: sum(day >= first for day in sessions) for symbol, first in opened.items()}
