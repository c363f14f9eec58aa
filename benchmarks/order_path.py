"""The order path without Dagster, in the project of the environment: `python -m benchmarks.order_path SESSIONS`.

Real bars and made-up predictions are stored first. Then every team trades session after session through planning, gate,
adapter and the bundled broker; then alpaca-trade-api alone sends the same orders again. Its last line says in JSON how
long both took.
"""

import json
import sys
import time
from datetime import date
from typing import TYPE_CHECKING

from my_dagster_project.domain.plan import Plan
from my_dagster_project.foundation.settings import load_settings
from my_dagster_project.market_data.sample import SampleSource
from my_dagster_project.pipeline.assets.outputs import session_files
from my_dagster_project.pipeline.resources import BrokerResource, all_resources
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.opening import open_assets
from my_dagster_project.storage.parquet import to_parquet
from my_dagster_project.teams.deployment import current_platform
from my_dagster_project.teams.platform import Platform
from my_dagster_project.trading.broker import Broker
from my_dagster_project.trading.modes import mode_of
from my_dagster_project.trading.planning import Trader, session_plan
from my_dagster_project.trading.records import file_of, record_of
from my_dagster_project.trading.submission import submit_plan

if TYPE_CHECKING:
    import pandas as pd

LAST = date(2013, 2, 28)


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


def replay(trader: Trader, assets: AssetStore, broker: BrokerResource, sessions: list[date]) -> list[Plan]:
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


def bare(account: Broker, plans: list[Plan]) -> None:
    """Send the same orders as a script would: no checks, no records."""
    client = account._transport._client  # type: ignore[attr-defined]  # alpaca-trade-api's own REST
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
    settings = load_settings()
    platform, assets = current_platform(settings), open_assets(settings.store_url, settings.dvc_url)
    sessions = platform.calendar.sessions(platform.calendar.offset(LAST, 1 - count), LAST)
    store_predictions(platform, assets, store_bars(platform, assets), sessions)
    broker = all_resources(platform, settings).broker
    for name in platform.teams:
        broker.reset(name)
    started, worked, plans = time.perf_counter(), time.process_time(), {}
    for name, config in platform.teams.items():
        entry = platform.registry.teams[name]
        trader = Trader(name, config, entry, mode_of(entry, config, broker_url=None))
        plans[name] = replay(trader, assets, broker, sessions)
    ours, cpu = time.perf_counter() - started, time.process_time() - worked
    started = time.perf_counter()
    for name, done in plans.items():
        broker.reset(name)
        bare(broker.open(name, ""), done)
    orders = sum(len(plan.orders) for done in plans.values() for plan in done)
    bare_seconds = time.perf_counter() - started
    print(json.dumps({"ours": ours, "cpu": cpu, "bare": bare_seconds, "orders": orders}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
