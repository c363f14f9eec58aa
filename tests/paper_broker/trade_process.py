"""A worker's process that trades one team at the broker service of its environment: python -m ... TEAM SESSION...

Opens the account through the resource a run uses, buys one share after each session, says what it has at the end.
"""

import json
import sys
from datetime import date

from my_dagster_project.foundation.settings import load_settings
from my_dagster_project.pipeline.resources import BrokerResource
from my_dagster_project.trading.broker import OrderRequest

if __name__ == "__main__":
    team, days = sys.argv[1], [date.fromisoformat(day) for day in sys.argv[2:]]
    settings = load_settings()
    terms = {"home": "/nowhere", "store_url": "file:///nowhere", "dvc_url": "file:///nowhere"}
    broker = BrokerResource(
        paper_url=settings.paper_broker_url,
        calendar="XNYS",
        starting_cash=1e5,
        cost_bps=5,
        **terms,
    )
    account = broker.open(team, team.upper())
    print("ready", flush=True)
    sys.stdin.readline()
    for day in days[:-1]:
        account.at_close_of(day)
        account.submit(OrderRequest(f"{team}-{day:%Y%m%d}-AAPL-buy-1", "AAPL", "buy", 1))
    account.at_close_of(days[-1])
    print(
        json.dumps(
            {
                "fills": sum(line.kind == "FILL" for line in account.activities(days[0])),
                "cash": str(account.account().cash),
            }
        ),
        flush=True,
    )
