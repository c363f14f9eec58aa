"""Trading a house: predictions written by hand, sessions traded as Dagster runs, what was recorded and sent."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import dagster as dg
import pandas as pd

from my_dagster_project.paper_broker.server import serve_in_thread
from my_dagster_project.paper_broker.stored_feed import StoreFeed
from my_dagster_project.pipeline.assets import keys
from my_dagster_project.storage.parquet import from_parquet, to_parquet
from my_dagster_project.trading import alpaca, transport
from tests.support.house import House, build

FIRST, SECOND, THIRD = "2013-02-22", "2013-02-25", "2013-02-26"


def brief_pauses(monkeypatch) -> None:
    """A broker that fails is asked again at once: nothing here gets better by waiting."""
    for module, name in ((transport, "READ_PAUSES_S"), (alpaca, "LOOK_PAUSES_S"), (alpaca, "RATE_PAUSES_S")):
        monkeypatch.setattr(module, name, (0.01,) * len(getattr(module, name)))


def trading_house(folder, symbols=None, **market) -> House:
    """A house of red with AAPL and IBM, unless said otherwise, with its bars in the store."""
    symbols, market = symbols or {"red": ["AAPL", "IBM"]}, {"start": date(2010, 6, 1), **market}
    house = build(folder, symbols, **market)
    traded = tuple((team, tuple(its)) for team, its in symbols.items())
    for name, content in _stored_bars(traded, tuple(market.items())).items():
        (house.settings.home / name).parent.mkdir(parents=True, exist_ok=True)
        (house.settings.home / name).write_bytes(content)
    return house


@cache
def _stored_bars(symbols: tuple[tuple[str, tuple[str, ...]], ...], market: tuple) -> dict[Path, bytes]:
    """The files that materializing the bars of such a house leaves under its home."""
    with TemporaryDirectory() as folder:
        house = build(Path(folder), {team: list(its) for team, its in symbols}, **dict(market))
        assert house.materialize(*(keys.bars_key(symbol) for symbol in house.platform.symbols)).success
        home = house.settings.home
        return {path.relative_to(home): path.read_bytes() for path in home.rglob("*") if path.is_file()}


def predict(house: House, session: str, *, team="red", of: str | None = None, **returns: float) -> None:
    """Store what a team's models would have said after a session's close; `of` writes another session into them."""
    for symbol, value in returns.items():
        bars = from_parquet(house.store.read_file(("market", symbol, "bars"), "bars.parquet"))
        row = bars[bars["session"] == (of or session)].iloc[0]
        table = pd.DataFrame(
            {
                "session": [pd.Timestamp(of or session)],
                "symbol": [symbol],
                "close": [row["close"]],
                "predicted_return": [value],
                "probability_up": [value],
                "trained_through": [pd.Timestamp("2012-11-30")],
            }
        )
        files = {f"{session}.parquet": to_parquet(table)}
        house.store.write((team, symbol, "predictions"), files, replace=False, record={})


@contextmanager
def served(house: House) -> Iterator[str]:
    """The address of the house's accounts over HTTP: for who takes the bundled broker for one outside."""
    accounts = house.settings.home / "broker" / "accounts.sqlite"
    with serve_in_thread(accounts, StoreFeed(house.store), house.platform.calendar) as server:
        yield server.url


def trade(house: House, session: str, team: str = "red") -> dg.ExecuteInProcessResult:
    """Plan and submit a team's orders of a session."""
    return house.materialize(keys.orders_key(team), sessions=[session])


def record(house: House, session: str = FIRST, team: str = "red") -> dict:
    """What is on record of a session."""
    return json.loads(house.store.read_file((team, "orders"), f"{session}.json"))


def statuses(house: House, session: str = FIRST) -> dict[str, str]:
    """By symbol: what became of red's order."""
    return {one["planned"]["symbol"]: one["status"] for one in record(house, session)["outcomes"]}


def sent(house: House) -> list[str]:
    """The ids of all orders that red's account ever got."""
    return [order.client_order_id for order in house.account().orders()]


def why(house: House, symbol: str, session: str = FIRST) -> str:
    """Why red did not trade a symbol, as recorded."""
    skipped = record(house, session)["plan"]["skipped"]
    return " / ".join(one["reason"] for one in skipped if one["symbol"] == symbol)
