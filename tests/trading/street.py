"""A small market, a bundled broker on a real port, and teams that trade through the real order path while it breaks.

Nothing here is a stand-in but the predictions: `session_plan`, the gate, `submit_plan`, the records, the client and the
broker are those of a run. Every call over the network and every write into the store is a step, at which a run may die.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from my_dagster_project.domain.plan import Plan, Signal
from my_dagster_project.paper_broker.client import BundledBroker, PaperAdmin
from my_dagster_project.paper_broker.server import serve_in_thread
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.file_store import FileStore
from my_dagster_project.storage.parquet import to_parquet
from my_dagster_project.teams.schema import TeamConfig
from my_dagster_project.trading import planning
from my_dagster_project.trading.broker import SessionPassedError
from my_dagster_project.trading.closes import History
from my_dagster_project.trading.halts import read_halts
from my_dagster_project.trading.modes import Decided
from my_dagster_project.trading.planning import Trader, session_plan
from my_dagster_project.trading.predicted import Predicted
from my_dagster_project.trading.records import file_of, record_of
from my_dagster_project.trading.submission import Outcome, require_certain, submit_plan
from tests.support.committed import committed
from tests.trading.world import CALENDAR, SYMBOLS, World, frames_of

PLATFORM = committed()
CASH = Decimal(100_000)


class Killed(BaseException):
    """The process ends here, as by kill -9: nothing after this happens, and nobody handles it."""


@dataclass
class Fate:
    """How far a run comes: it dies at step `dies_at` (never at 0), before or after the step is done."""

    dies_at: int = 0
    before: bool = True
    steps: int = 0

    @contextmanager
    def step(self) -> Iterator[None]:
        self.steps += 1
        here = self.steps == self.dies_at
        if here and self.before:
            raise Killed
        yield
        if here:
            raise Killed


class Street:
    """The broker of a world, and the organiser's desk. `db` is its ledger, to be audited behind its back."""

    def __init__(self, folder: Path, world: World, server) -> None:
        self.world, self.url, self.db = world, server.url, folder / "broker.sqlite"
        self.admin = PaperAdmin(server.url, server.admin_token)
        self.folder = folder

    def open_account(self, team: str, **terms: Any) -> None:
        self.admin.ensure_account(team, f"PK{team}", f"secret-of-{team}", CASH, Decimal(5), **terms)

    def client(self, team: str, fate: Fate | None = None) -> BundledBroker:
        """A fresh client, as a new process has; each of its calls is a step of `fate`."""
        broker = BundledBroker(
            self.url, f"PK{team}", f"secret-of-{team}", 20.0, team=team, sleep=lambda seconds: None
        )
        adapter = broker._transport._client._session.get_adapter("http://")
        real, fate = adapter.send, fate or Fate()

        def send(request, *args, **options):
            with fate.step():
                return real(request, *args, **options)

        adapter.send = send
        return broker

    def store_bars(self) -> None:
        """Write the market's bars into the store as `[market, SYMBOL, bars]`."""
        for symbol, frame in frames_of(self.world).items():
            files = {"bars.parquet": to_parquet(frame)}
            self.store().write(("market", symbol, "bars"), files, replace=True, record={})

    def store(self, fate: Fate | None = None) -> AssetStore:
        """The store of all teams; each write is a step of `fate`."""
        files = FileStore(self.folder / "store")
        real, fate = files.put, fate or Fate()

        def put(key, data):
            with fate.step():
                real(key, data)

        files.put = put
        return AssetStore(files, FileStore(self.folder / "dvc"))


@contextmanager
def open_street(folder: Path, world: World) -> Iterator[Street]:
    folder.mkdir(parents=True, exist_ok=True)
    with serve_in_thread(folder / "broker.sqlite", world.feed, CALENDAR) as server:
        street = Street(folder, world, server)
        street.store_bars()
        yield street


def trader(team: str, symbols: tuple[str, ...] = SYMBOLS, limits: dict | None = None, **rules) -> Trader:
    """A team of the committed configs under another name, with these symbols, rules and limits."""
    red, entry = PLATFORM.teams["red"], PLATFORM.registry.teams["red"]
    # The registry's 30 % a symbol would keep three symbols from ever using more than the cash there is.
    none = {"position_share": None, "order_value": None}
    entry = entry.model_copy(update={"limits": entry.limits.model_copy(update=none)})
    own = red.trading.limits.model_copy(update=limits or {})
    trading = red.trading.model_copy(update={"limits": own, **rules})
    config = red.model_copy(update={"team": team, "symbols": symbols, "trading": trading})
    return Trader(team, config, entry, Decided("paper", "a test"))


@contextmanager
def predictions(world: World) -> Iterator[None]:
    """Let planning take predictions and bars from the world instead of Parquet files."""

    def signals(team: str, config: TeamConfig, session: date, assets: AssetStore) -> Predicted:
        said = world.predicted.get((team, session, world.attempt), {})
        closes = {symbol: world.close(symbol, session) for symbol in config.symbols}
        return Predicted(
            tuple(
                Signal(team, session, symbol, value) for symbol, value in said.items() if closes.get(symbol)
            ),
            {symbol: close and float(close) for symbol, close in closes.items()},
        )

    def history(assets: AssetStore, symbol: str) -> History:
        days = sorted(world.feed.bars.get(symbol, {}))
        closes = tuple(float(world.feed.bars[symbol][day].close) for day in days)
        return History(tuple(days), closes, closes)

    before = planning.predicted, planning.history
    planning.predicted, planning.history = signals, history
    try:
        yield
    finally:
        planning.predicted, planning.history = before


def run_session(
    street: Street,
    one: Trader,
    session: date,
    fate: Fate | None = None,
    meanwhile: Callable[[], None] = lambda: None,
) -> list[Outcome] | None:
    """What a run of `[team, orders]` does, ops and record; None when the account had passed the session.

    `meanwhile` is what somebody else does before each order that is sent.
    """
    assets, account = street.store(fate), street.client(one.name, fate)
    plan = Plan.from_json(session_plan(one, session, assets, lambda: account).to_json())

    def still_allowed() -> str:
        meanwhile()
        return read_halts(assets).reason(one.name)

    try:
        outcomes = submit_plan(account, plan, still_allowed, one.limits)
    except SessionPassedError:
        return None
    require_certain(plan, outcomes)
    files = {file_of(session): record_of(plan, outcomes, "paper")}
    assets.write((one.name, "orders"), files, replace=False, record={})
    return outcomes


def records(street: Street, team: str) -> dict[date, dict]:
    """What is on record of the team's sessions."""
    store = street.store()
    names = store.names((team, "orders"))
    return {
        date.fromisoformat(name[:10]): json.loads(store.read_file((team, "orders"), name)) for name in names
    }
