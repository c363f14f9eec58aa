"""From shares of equity to whole shares: which holdings have to change, and to what.

Prices are the raw closes of the session: dollars sized on adjusted prices would be wrong, because those embed
splits and dividends that nobody knew at the time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from my_dagster_project.domain.account_columns import Accounts, whole

if TYPE_CHECKING:
    from my_dagster_project.domain.account_columns import Flags, Floats


@dataclass(frozen=True)
class Sizes:
    """How many shares of each symbol are wanted, and what comes of it: `sized` here (what is short, or to be, is `shorting`'s).

    `trades` has to change; of the others `stands` is what is wanted, `untrusted` has a price that sizes nothing, and `close` is
    close enough.
    """

    share: Floats
    qty: Floats
    stands: Flags
    untrusted: Flags
    close: Flags
    trades: Flags


def sizes_of(shares: Floats, accounts: Accounts) -> Sizes:
    """Turn shares of equity (NaN: left alone) into whole shares."""
    import numpy as np

    sized = ~np.isnan(shares) & (accounts.short == 0) & ((shares >= 0) | (accounts.shares > 0))
    share = np.clip(shares, 0.0, accounts.limits.largest_share)
    wanted = accounts.worth * share / accounts.closes
    qty = np.where(sized, whole(np.maximum(wanted - accounts.part, 0.0)), 0.0)
    stands = sized & (qty == accounts.held)
    # Selling all of it needs no price; any other size would be a guess.
    untrusted = sized & ~stands & (qty > 0) & accounts.gap
    rest = sized & ~stands & ~untrusted
    close = rest & (qty > 0) & (accounts.held > 0) & accounts.near(accounts.held, qty)
    return Sizes(share, qty, stands, untrusted, close, rest & ~close)
