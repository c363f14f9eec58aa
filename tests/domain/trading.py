"""Small makers for the trading tests: an account, signals, rules, without a word too many."""

from datetime import date
from decimal import Decimal

from my_dagster_project.domain.limits import Limits, proceeds
from my_dagster_project.domain.plan import Rules, Signal, Snapshot
from my_dagster_project.trading.broker import Account, Position

SESSION = date(2013, 1, 2)
RULES = Rules("long_flat", buy_above=0.0005, sell_below=0.0, position_share=Decimal("0.25"))
NO_LIMITS = Limits()
SNAPSHOT = Snapshot(
    equity=Decimal(10_000),
    cash=Decimal(5_000),
    spendable_proceeds=True,
    cash_margin=Decimal("0.02"),
    held={"IBM": 50},
    closes={"IBM": Decimal(100), "AAPL": Decimal(100), "GOOG": Decimal(100)},
)


def account(cash="100000", equity=None, multiplier=2, blocked=""):
    cash = Decimal(cash)
    return Account("a", cash, cash if equity is None else Decimal(equity), cash, multiplier, blocked)


def position(symbol, qty, price="100"):
    qty, price = Decimal(qty), Decimal(price)
    return Position(symbol, qty, qty, price, price, qty * price)


def signal(symbol, value, **changes):
    return Signal(**{"team": "red", "session": SESSION, "symbol": symbol, "value": value, **changes})


def free_cash(snapshot, sells):
    """The dollars that buys may cost once sells have brought theirs, exactly."""
    return snapshot.own_cash + proceeds(sells, snapshot)
