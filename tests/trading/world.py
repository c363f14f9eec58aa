"""A small market drawn from a seed, with splits, dividends and halts, and what teams predict of it."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from random import Random

import pandas as pd

from my_dagster_project.foundation.calendar import load_calendar
from my_dagster_project.paper_broker.feed import Bar, TableFeed

CALENDAR = load_calendar("XNYS")
SYMBOLS = ("AAA", "BBB", "CCC")


@dataclass
class World:
    """Bars by symbol and session, and what every team predicts: by team, session and `attempt`.

    Which attempt counts may change between two runs of a session, as if a model had been trained anew.
    """

    feed: TableFeed
    sessions: list[date]
    predicted: dict[tuple[str, date, int], dict[str, float]] = field(default_factory=dict)
    attempt: int = 0

    def close(self, symbol: str, session: date) -> Decimal | None:
        bar = self.feed.bar(symbol, session)
        return bar.close if bar else None


def make_world(
    rng: Random, sessions: list[date], *, halts: float = 0.05, splits: float = 0.03, dividends: float = 0.0
) -> World:
    bars: dict[str, dict[date, Bar]] = {symbol: {} for symbol in SYMBOLS}
    ratios = {}
    for symbol in SYMBOLS:
        price = rng.uniform(15, 400)
        for number, session in enumerate(sessions):
            if number and rng.random() < splits:
                ratios[symbol, session] = Decimal(rng.choice(["2", "3", "1.5", "0.1"]))
                price /= float(ratios[symbol, session])
            opened = price * rng.uniform(0.985, 1.015)
            price = opened * rng.uniform(0.98, 1.02)
            if number and rng.random() < halts:
                continue
            ends = [Decimal(f"{one:.2f}") for one in (opened, price)]
            bars[symbol][session] = Bar(ends[0], max(ends), min(ends), ends[1], 1000)
    for symbol, table in bars.items():
        table.update(_month_before(symbol, sessions[0], next(iter(table.values())).open))
    # After the prices, so that these are the same with and without.
    paid = {
        (symbol, session): Decimal(f"{float(bar.close) * rng.uniform(0.001, 0.02):.2f}")
        for symbol, table in bars.items()
        for session, bar in table.items()
        if session >= sessions[0] and rng.random() < dividends
    }
    return World(TableFeed(bars, ratios, paid), sessions)


def _month_before(symbol: str, first: date, price: Decimal) -> dict[date, Bar]:
    """Bars that rules which look back, and costs, have something to look at; nobody trades in them."""
    rng, found = Random(symbol), {}
    for session in (CALENDAR.offset(first, -number) for number in range(30, 0, -1)):
        closed = Decimal(f"{float(price) * rng.uniform(0.97, 1.03):.2f}")
        found[session] = Bar(closed, closed, closed, closed, 1000)
    return found


def frames_of(world: World) -> dict[str, pd.DataFrame]:
    """The world's bars as tables; the adjusted closes say what the splits were."""
    found = {}
    for symbol, bars in world.feed.bars.items():
        rows, factor = [], 1.0
        for session in reversed(world.sessions):
            if bar := bars.get(session):
                ends = [float(one) for one in (bar.open, bar.high, bar.low, bar.close)]
                rows.append((pd.Timestamp(session), *ends, bar.volume, ends[3] * factor))
            factor /= float(world.feed.split_ratio(symbol, session))
        columns = ["session", "open", "high", "low", "close", "volume", "adj_close"]
        found[symbol] = pd.DataFrame(rows[::-1], columns=columns)
    return found
