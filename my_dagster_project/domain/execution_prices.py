"""What an execution's price is, by the session's bar: the bundled broker's and a backtest's one formula.

    price = open x (1 + half the spread + impact), for a sell less;   impact = coefficient x volatility x sqrt(order / volume)

The square-root law (Almgren and others, "Direct Estimation of Equity Market Impact", Risk 2005; Toth and others, "Anomalous
Price Impact and the Critical Nature of Liquidity in Financial Markets", Physical Review X 2011): coefficients of about 1 are
measured. Figures or arrays of them; prices are dollars of four decimals, as Alpaca reports them.
"""

from __future__ import annotations

from typing import Any

# Whatever the formula says of an order of a hundred days' volume, a price stays one.
MOST = 0.5


def impact_of(shares: Any, deviation: Any, volume: Any) -> Any:
    """Give the impact of an order with coefficient 1, a fraction, in eight decimals; 0 where volatility or volume is not known.

    `deviation` is that of the symbol's last one-session log returns, `volume` the shares that trade in a session, both known
    before the open.
    """
    import numpy as np

    with np.errstate(all="ignore"):
        known = np.round(deviation * np.sqrt(shares / volume), 8)
    return np.where(np.isfinite(known) & (np.asarray(volume) > 0), known, 0.0)


def executed_at(opened: Any, best: Any, sign: Any, worse: Any, limit: Any) -> tuple[Any, Any]:
    """Give the price of an execution, NaN where there is none, and whether it is the open's.

    `sign` is 1 of a buy and -1 of a sell, `worse` the fraction that costs take, `best` the session's best price for it (the low
    of a buy), `limit` the order's, NaN without one. One that the open does not reach is executed at its limit, if the session
    comes so far.
    """
    import numpy as np

    price = in_steps(opened * (1 + sign * worse))
    free = np.isnan(limit) | (sign * price <= sign * limit)
    reached = sign * best * (1 + sign * worse) <= sign * limit + 1e-9
    return np.where(free, price, np.where(reached, limit, np.nan)), free


def in_steps(prices: Any, step: float = 1e-4) -> Any:
    """Give prices in whole steps, halves up; what floating point leaves below a half is one."""
    import numpy as np

    many = round(1 / step)
    return np.floor(prices * many + 0.5 + 1e-6) / many
