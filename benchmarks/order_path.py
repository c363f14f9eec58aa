"""The order path without Dagster, in the project of the environment: `python -m benchmarks.order_path SESSIONS`.

Real bars and made-up predictions are stored first. Then every team trades session after session through planning, gate,
adapter and the bundled broker; in turns with alpaca-trade-api alone, which sends the same orders over HTTP. Its last line says
in JSON how long both took, by the wall and in CPU time of client and broker.
"""

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import batched
from typing import TYPE_CHECKING

from my_dagster_project.domain.plan import Plan
from my_dagster_project.foundation.settings import load_settings
from my_dagster_project.market_data.sample import SampleSource
from my_dagster_project.paper_broker.client import PaperAdmin
from my_dagster_project.paper_broker.server import serve_in_thread
from my_dagster_project.paper_broker.stored_feed import StoreFeed
from my_dagster_project.pipeline.assets.outputs import session_files
from my_dagster_project.pipeline.resources import BrokerResource, all_resources
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.opening import open_assets
from my_dagster_project.storage.parquet import to_parquet
from my_dagster_project.teams.deployment import current_platform
from my_dagster_project.teams.platform import Platform
from my_dagster_project.trading.modes import mode_of
from my_dagster_project.trading.planning import Trader, session_plan
from my_dagster_project.trading.records import file_of, record_of
from my_dagster_project.trading.submission import submit_plan

if TYPE_CHECKING:
    import pandas as pd
    from alpaca_trade_api import REST

LAST = date(2013, 2, 28)
TURN = 10
"""So many sessions of each side in turn: other work on the machine then slows both alike."""


def store_bars(platform: Platform, assets: AssetStore) -> "dict[str, pd.DataFrame]":
    """Store every symbol's bars, and give them."""
    found = {}
    for symbol in platform.symbols:
        found[symbol] = SampleSource().fetch(symbol, date(2000, 3, 1), date(2013, 3, 1))
        files = {"bars.parquet": to_parquet(found[symbol])}
        assets.write(("market", symbol, "bars"), files, replace=True, record={})
    return found


def store_predictions(
    platform: Platform, assets: AssetStore, bars: "dict[str, pd.DataFrame]", sessions: list[date]
) -> None:
    """Store predictions that change their mind often: half of them trade."""
    import numpy as np
    import pandas as pd

    chance = np.random.default_rng(0)
    for team, config in platform.teams.items():
        for symbol in config.symbols:
            closes = bars[symbol].set_index("session")["close"]
            frame = pd.DataFrame({"session": pd.to_datetime(sessions)})
            frame["close"] = closes.reindex(frame["session"]).to_numpy()
            frame["predicted_return"] = chance.normal(0, 0.01, len(frame))
            frame["probability_up"] = chance.uniform(0.3, 0.7, len(frame))
            frame["trained_through"] = pd.Timestamp("2009-12-31")
            files = session_files(frame)
            assets.write((team, symbol, "predictions"), files, replace=True, record={})


def replay(
    trader: Trader, assets: AssetStore, broker: BrokerResource, sessions: Sequence[date]
) -> list[Plan]:
    """Trade the sessions as a run does, records included; give the plans."""
    account = broker.open(trader.name, trader.entry.account)
    plans = []
    for session in sessions:
        plan = session_plan(trader, session, assets, lambda: account)
        outcomes = submit_plan(account, plan)
        odd = [str(outcome) for outcome in outcomes if outcome.status != "submitted"]
        if odd:
            raise SystemExit(f"{session}: {odd[0]}")
        record = {file_of(session): record_of(plan, outcomes, "paper")}
        assets.write((trader.name, "orders"), record, replace=False, record={})
        plans.append(plan)
    return plans


@dataclass
class Stopwatch:
    """Seconds of all its with blocks, by the wall and of this process's CPU: of client and broker together."""

    wall: float = 0.0
    cpu: float = 0.0

    def __enter__(self) -> None:
        self._started = time.perf_counter(), time.process_time()

    def __exit__(self, *exception: object) -> None:
        self.wall += time.perf_counter() - self._started[0]
        self.cpu += time.process_time() - self._started[1]


def bare(client: "REST", plans: list[Plan]) -> None:
    """Send the same orders as a script would: no checks, no records."""
    for plan in plans:
        body = {"session": plan.session.isoformat()}
        client._request("POST", "/clock", body, api_version="paper/v1")
        client.get_account()
        client.list_positions()
        for order in plan.orders:
            client.submit_order(
                order.symbol, qty=order.qty, side=order.side, client_order_id=order.client_order_id
            )


def main(count: int) -> None:
    """Do all of it and say how long it took."""
    from alpaca_trade_api import REST

    settings = load_settings()
    platform, assets = current_platform(settings), open_assets(settings.store_url, settings.dvc_url)
    sessions = platform.calendar.sessions(platform.calendar.offset(LAST, 1 - count), LAST)
    store_predictions(platform, assets, store_bars(platform, assets), sessions)
    broker = all_resources(platform, settings).broker
    for name in platform.teams:
        broker.reset(name)
    ours, script, orders = Stopwatch(), Stopwatch(), 0
    # The same broker, reached as a script reaches one: over HTTP.
    accounts = settings.home / "broker" / "bare.sqlite"
    with serve_in_thread(accounts, StoreFeed(assets), platform.calendar) as server:
        for name, config in platform.teams.items():
            entry = platform.registry.teams[name]
            trader = Trader(name, config, entry, mode_of(entry, config, broker_url=None))
            broker._terms().open(PaperAdmin(server.url, server.admin_token), name, name, "secret")
            client = REST(name, "secret", base_url=server.url, api_version="v2", raw_data=True)
            for turn in batched(sessions, TURN):
                with ours:
                    plans = replay(trader, assets, broker, turn)
                with script:
                    bare(client, plans)
                orders += sum(len(plan.orders) for plan in plans)
    said = {"ours": ours.wall, "cpu": ours.cpu, "bare": script.wall, "bare_cpu": script.cpu, "orders": orders}
    print(json.dumps(said))


if __name__ == "__main__":
    main(int(sys.argv[1]))
