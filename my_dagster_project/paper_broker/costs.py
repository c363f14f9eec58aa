"""What trading costs an account: half the spread, and the impact of the order's own size (`domain.execution_prices`).

Volatility is the standard deviation of the symbol's last 21 log returns, the volume the mean of these sessions, both known before
the open the order is executed at.
"""

import math
import statistics
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from my_dagster_project.domain.execution_prices import MOST, impact_of
from my_dagster_project.domain.volatility import WINDOW
from my_dagster_project.foundation.errors import CalendarError
from my_dagster_project.paper_broker.ledger import BPS, Terms
from my_dagster_project.paper_broker.open_account import OpenAccount

_MOST = Decimal(str(MOST))


def worse_by(account: OpenAccount, terms: Terms, symbol: str, session: date, qty: Decimal) -> Decimal:
    """Give the fraction that the price of an order of `qty` shares is worse by, executed in `session`.

    Without a month of bars, or without volume, impact is not known and none is taken.
    """
    costs = terms.of(symbol)
    spread = costs.cost_bps / BPS
    return (
        spread
        if not costs.impact
        else min(spread + costs.impact * _root(account, symbol, session, qty), _MOST)
    )


def _root(account: OpenAccount, symbol: str, session: date, qty: Decimal) -> Decimal:
    """Give the impact of an order with coefficient 1, a fraction."""
    past = list(_past(account, symbol, session))
    moves = [move for move, _ in past if move is not None]
    volume = math.fsum(shares for _, shares in past) / max(len(past), 1)
    if len(moves) < WINDOW or volume <= 0:
        return Decimal(0)
    return Decimal(str(float(impact_of(float(qty), statistics.stdev(moves), volume))))


def _past(account: OpenAccount, symbol: str, session: date) -> Iterator[tuple[float | None, float]]:
    """Give log return and volume, in shares of `session`, of the last 22 bars before it, newest first; the oldest has no return."""
    worth, shares, day, found = None, 1.0, session, 0
    # Beyond three months of sessions a symbol that hardly trades has no volume to speak of.
    for _ in range(3 * WINDOW):
        ratio = float(account.feed.split_ratio(symbol, day))
        shares *= ratio
        # What a share of the day before is worth with its dividend and its split.
        worth = worth and (worth + float(account.feed.dividend(symbol, day))) * ratio
        try:
            day = account.calendar.previous_session(day)
        except CalendarError:
            return
        if bar := account.feed.bar(symbol, day):
            close, found = float(bar.close), found + 1
            yield worth and math.log(worth / close), bar.volume * shares
            worth = close
        if found > WINDOW:
            return
