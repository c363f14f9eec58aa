"""Selling short and buying back: only where the team's rules say so and the account lends.

Short positions count in every limit like held ones, and no cash that they brought is spent. One order for a symbol and session:
what is held is sold first, what is short bought back first; the other side follows after the next close.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from my_dagster_project.domain.account_columns import Accounts, whole
from my_dagster_project.domain.buying import Wanted

if TYPE_CHECKING:
    from my_dagster_project.domain.account_columns import Flags, Floats


def short_of(shares: Floats, accounts: Accounts) -> Floats:
    """Give the whole shares that are to be short; what is short where the share of equity is NaN (left alone)."""
    import numpy as np

    part = np.minimum(np.maximum(-shares, 0.0), accounts.limits.largest_share)
    return np.where(np.isnan(shares), accounts.short, whole(accounts.worth * part / accounts.closes))


def covers(wanted: Floats, asked: Flags, accounts: Accounts) -> Floats:
    """Give the shares to buy back: what is short beyond what is wanted of it."""
    import numpy as np

    if not accounts.short.any():
        return np.zeros_like(accounts.short)
    less = (wanted == 0) | ((wanted < accounts.short) & ~accounts.near(accounts.short, wanted))
    return np.where(asked & (accounts.short > 0) & less, accounts.short - wanted, 0.0)


def to_sell_short(shares: Floats, wanted: Floats, values: Floats, accounts: Accounts) -> Wanted:
    """Give what is to be sold short, the strongest prediction first; it takes as much cash as if it were bought."""
    import numpy as np

    limits, worst, short = accounts.limits, accounts.worst, accounts.short
    more = (shares < 0) & (accounts.shares == 0)
    if short.any():
        more &= (short == 0) | ((wanted > short) & ~accounts.near(short, wanted))
    most = limits.position_share * accounts.worth
    bound = np.minimum(whole(limits.order_value / worst), whole(most / worst) - short)
    refused = accounts.too_deep | accounts.gap | ~accounts.lends
    # One that is too small for a share asks for one, to be told so.
    return Wanted(
        np.where(more, np.maximum(wanted - short, 0.0), 0.0), worst, worst, bound, refused, short == 0, values
    )
