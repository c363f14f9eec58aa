"""What trading on given predictions would have brought: years of many teams at once, in a second, as the order path trades.

Each session is decided by the very functions that plan orders (`deciding`, `exits`), and filled at the next open by the formula
of the bundled broker (`execution_prices`); splits, dividends, commission and the fee for borrowed shares are booked as it books them, so that
equity agrees with it to the cent. What no backtest knows is left out: faults, halts and resumptions by people, cancelled orders,
partial fills (the rest fills a minute later at the same price, so only commissions round otherwise), symbols that a team drops or
adds, bars that contradict each other or that were corrected later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from my_dagster_project.domain.account_columns import Accounts, LimitColumns, RuleColumns
from my_dagster_project.domain.backtest_market import Market
from my_dagster_project.domain.deciding import Decisions, decide
from my_dagster_project.domain.execution_prices import MOST, executed_at, impact_of, in_steps
from my_dagster_project.domain.exits import losses, overdue, stopped
from my_dagster_project.domain.limits import Limits
from my_dagster_project.domain.performance import EquityCurve
from my_dagster_project.domain.plan import Rules
from my_dagster_project.domain.scores.money_scores import MoneyScores
from my_dagster_project.domain.signals import doubts
from my_dagster_project.domain.strategies import Outlook
from my_dagster_project.domain.targets import NEXT_DIRECTION, NEXT_RETURN, Target
from my_dagster_project.domain.volatility import SESSIONS_A_YEAR, WINDOW
from my_dagster_project.foundation.errors import TradingError

if TYPE_CHECKING:
    from my_dagster_project.domain.account_columns import Flags, Floats


@dataclass(frozen=True)
class Entrant:
    """Who trades: rules, limits, and what is predicted after each session's close (sessions, symbols), NaN where nothing is.

    `positions` (-1 to 1) are what strategy `as_told` holds; it needs a signal, too, of whatever value.
    """

    rules: Rules
    limits: Limits
    signals: Floats
    positions: Floats | None = None
    target: Target = NEXT_RETURN


@dataclass(frozen=True)
class Terms:
    """What trading costs: half the spread (hundredths of a per cent) and the coefficient of impact, of all or by symbol.

    `commission` is dollars a share, `borrow_fee` a fraction of what is short a year; None: nobody lends. Accounts have a margin
    (multiplier 2): what a sell brings may be spent at the same open.
    """

    cost_bps: float | Sequence[float] = 5.0
    impact: float | Sequence[float] = 0.0
    commission: float = 0.0
    borrow_fee: float | None = None


@dataclass(frozen=True)
class Books:
    """After each session's close, by entrant: equity and cash in dollars, shares by symbol (negative: short).

    `traded` and `costs` are the dollars of that session's executions, and what they cost (fees, too); `orders` how many filled.
    """

    equity: Floats
    cash: Floats
    shares: Floats
    traded: Floats
    costs: Floats
    orders: Floats


@dataclass(frozen=True)
class Backtested:
    """What a team's rules would have made of its predictions: its equity by session (dollars), filled orders, and scores."""

    team: str
    curve: EquityCurve
    orders: int
    scores: MoneyScores


def backtest(
    market: Market, entrants: Sequence[Entrant], terms: Terms | None = None, starting_cash: float = 100_000.0
) -> Books:
    """Trade every entrant through all sessions of the market. Signals of session n fill at the open of n + 1.

    Raises TradingError where signals have another shape than the market's bars.
    """
    import numpy as np

    shape = market.close.shape
    for number, one in enumerate(entrants):
        for given in (one.signals, one.positions):
            if given is not None and given.shape != shape:
                raise TradingError(f"entrant {number}: signals are {given.shape}, the market's bars {shape}")
    desk = _Desk(market, list(entrants), terms or Terms(), starting_cash)
    with np.errstate(all="ignore"):
        return desk.books()


@dataclass
class _Desk:
    """The accounts while they trade. `last` is each symbol's last price, `paid` what a position cost, `age` its closes."""

    market: Market
    entrants: list[Entrant]
    terms: Terms
    starting_cash: float
    shares: Floats = field(init=False)
    paid: Floats = field(init=False)
    age: Floats = field(init=False)
    cash: Floats = field(init=False)
    peak: Floats = field(init=False)
    last: Floats = field(init=False)

    def __post_init__(self) -> None:
        import numpy as np

        many, symbols = len(self.entrants), len(self.market.symbols)
        self.shares, self.paid, self.age = (np.zeros((many, symbols)) for _ in range(3))
        self.cash = np.full(many, float(self.starting_cash))
        self.peak, self.last = np.full(many, -np.inf), np.zeros(symbols)
        self.rules = RuleColumns.of([one.rules for one in self.entrants])
        self.limits = LimitColumns.of([one.limits for one in self.entrants])
        self.likely = np.array([[one.target == NEXT_DIRECTION] for one in self.entrants])
        lends = self.terms.borrow_fee is not None
        self.lends = np.array([[lends and one.rules.short_below is not None] for one in self.entrants])
        self.scales = any(one.rules.volatility_target is not None for one in self.entrants)
        self.exits = any(
            one.rules.stop_loss is not None or one.rules.max_sessions is not None for one in self.entrants
        )
        self.spread = np.broadcast_to(np.asarray(self.terms.cost_bps, float) / 1e4, (symbols,))
        self.impact = np.broadcast_to(np.asarray(self.terms.impact, float), (symbols,))

    def books(self) -> Books:
        """Trade all sessions."""
        import numpy as np

        market, (n, many), symbols = (
            self.market,
            (len(self.market.sessions), len(self.entrants)),
            self.shares.shape[1],
        )
        signals, positions = self._signals()
        equity, cash, traded, costs, orders = (np.zeros((n, many)) for _ in range(5))
        shares = np.zeros((n, many, symbols))
        ordered = np.zeros_like(self.shares), np.full_like(self.shares, np.nan)
        busy = np.isfinite(signals).any(axis=(0, 2)) if many else np.zeros(n, bool)
        for session in range(n):
            if ordered[0].any() or self.shares.any():
                traded[session], costs[session], orders[session] = self._through(session, *ordered)
            self.last = np.where(np.isnan(market.close[session]), self.last, market.close[session])
            costs[session] += self._borrow()
            equity[session] = self.cash + (self.shares * self.last).sum(axis=1)
            self.peak = np.maximum(self.peak, equity[session])
            cash[session], shares[session] = self.cash, self.shares
            if busy[session] or (self.exits and self.shares.any()):
                told = signals[:, session], None if positions is None else positions[:, session]
                ordered = self._orders(session, equity[session], *told)
            else:
                ordered = np.zeros_like(self.shares), ordered[1]
        return Books(equity, cash, shares, traded, costs, orders)

    def _signals(self) -> tuple[Floats, Floats | None]:
        """Give signals and positions (entrants, sessions, symbols), NaN where one may not be traded."""
        import numpy as np

        values = np.stack([one.signals for one in self.entrants]).astype(float)
        nothing = np.full(self.market.close.shape, np.nan)
        told = None
        if any(one.positions is not None for one in self.entrants):
            told = np.stack([nothing if one.positions is None else one.positions for one in self.entrants])
        found = doubts(
            values, nothing if told is None else told, self.likely[:, None], self.market.largest_moves
        )
        bad = np.logical_or.reduce([np.broadcast_to(doubtful, values.shape) for doubtful, _ in found])
        return np.where(bad | np.isnan(self.market.close), np.nan, values), told

    def _orders(
        self, session: int, equity: Floats, values: Floats, told: Floats | None
    ) -> tuple[Floats, Floats]:
        """Give the whole shares that are ordered after a close, sells negative, and the limits of buys."""
        import numpy as np

        accounts = self._accounts(session, equity)
        leaving = self._leaving(accounts)
        nothing = np.full_like(values, np.nan) if told is None else told
        outlook = Outlook(
            np.where(leaving, np.nan, values),
            accounts.held,
            accounts.short,
            self.rules,
            self.market.volatility[session][None],
            nothing,
            self.likely,
        )
        returns = self._returns(session) if self.scales else None
        made: Decisions = decide(accounts, outlook, leaving, returns)
        signed = made.buys.qty + made.covered - made.sold - made.shorts.qty
        limited = (made.buys.qty > 0) & np.isfinite(self.limits.price_deviation)
        return signed, np.where(limited, accounts.worst, np.nan)

    def _accounts(self, session: int, equity: Floats) -> Accounts:
        import numpy as np

        closes = self.market.close[session][None]
        long = np.maximum(self.shares, 0.0)
        held = np.floor(long + 1e-9)
        return Accounts(
            rules=self.rules,
            limits=self.limits,
            equity=equity[:, None],
            cash=self.cash[:, None],
            peak=self.peak[:, None],
            held=held,
            short=np.maximum(-self.shares, 0.0),
            part=np.maximum(long - held, 0.0),
            closes=closes,
            marks=np.where(np.isnan(closes) & (self.shares != 0), self.last, closes),
            spendable=np.ones((len(equity), 1), bool),
            lends=self.lends,
        )

    def _leaving(self, accounts: Accounts) -> Flags:
        import numpy as np

        if not self.exits:
            return np.zeros(self.shares.shape, bool)
        entries = np.round(self.paid / self.shares, 6)
        loss, _ = losses(accounts, entries)
        return stopped(accounts, loss) | overdue(accounts, self.age)

    def _returns(self, session: int) -> Floats:
        """Give the returns of the last sessions, NaN throughout for a symbol that misses one of them."""
        import numpy as np

        last = self.market.returns[max(0, session - WINDOW + 1) : session + 1]
        whole = np.isfinite(last).all(axis=0) & (len(last) == WINDOW)
        return np.where(whole, last, np.nan)

    def _through(self, session: int, qty: Floats, limits: Floats) -> tuple[Floats, Floats, Floats]:
        """Carry the accounts through a session's open: splits, dividends, executions. Gives what was traded, paid, filled."""
        import numpy as np

        market = self.market
        if (market.splits[session] != 1).any():
            qty, limits = self._split(market.splits[session], qty, limits)
        if market.dividends[session].any():
            paid = market.dividends[session]
            self.cash += np.round(self.shares * paid, 2).sum(axis=1)
            self.last = np.maximum(self.last - paid, 0.0)
        worse = np.broadcast_to(self.spread, qty.shape)
        if self.impact.any():
            root = impact_of(np.abs(qty), market.raw_volatility[session], market.usual_volume[session])
            worse = np.where(self.impact > 0, np.minimum(self.spread + self.impact * root, MOST), self.spread)
        sign = np.sign(qty)
        best = np.where(sign > 0, market.low[session], market.high[session])
        price, _ = executed_at(market.open[session], best, sign, worse, limits)
        filled = np.where(np.isfinite(price), qty, 0.0)
        dollars = np.where(filled != 0, filled * np.nan_to_num(price), 0.0)
        fees = in_steps(np.abs(filled) * self.terms.commission, 0.01)
        self.cash -= dollars.sum(axis=1) + fees.sum(axis=1)
        self._book(filled, dollars)
        costs = (np.abs(dollars) * worse + fees).sum(axis=1)
        return np.abs(dollars).sum(axis=1), costs, (filled != 0).sum(axis=1)

    def _book(self, filled: Floats, dollars: Floats) -> None:
        import numpy as np

        after = self.shares + filled
        adds = self.shares * filled >= 0
        rest = np.round(self.paid * after / np.where(self.shares == 0, 1.0, self.shares), 6)
        self.paid = np.where(adds, self.paid + dollars, rest)
        self.age = np.where(after == 0, 0.0, np.where(self.shares == 0, 1.0, self.age + 1))
        self.shares = after

    def _split(self, ratio: Floats, qty: Floats, limits: Floats) -> tuple[Floats, Floats]:
        """Old shares become new ones; what whole shares leave over is paid out at the last price."""
        import numpy as np

        exact = np.round(self.shares * ratio, 6)
        entire = self.shares == np.trunc(self.shares)
        new = np.where(entire, np.trunc(exact), np.trunc(self.shares * ratio * 1e9 + 1e-3) / 1e9)
        self.last = np.where(ratio == 1, self.last, np.round(self.last / ratio, 6))
        over = np.where(entire & (ratio != 1), exact - np.trunc(exact), 0.0)
        self.cash += np.round(over * self.last, 2).sum(axis=1)
        self.shares = np.where(ratio == 1, self.shares, new)
        return np.trunc(np.round(qty * ratio, 6)), np.where(ratio == 1, limits, np.round(limits / ratio, 4))

    def _borrow(self) -> Floats:
        """Charge what shares sold short cost over this close."""
        import numpy as np

        if not self.terms.borrow_fee:
            return np.zeros(len(self.cash))
        short = np.maximum(-self.shares, 0.0) * self.last
        fees = in_steps(short * self.terms.borrow_fee / SESSIONS_A_YEAR, 0.01).sum(axis=1)
        self.cash -= fees
        found: Floats = fees
        return found
