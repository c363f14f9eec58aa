"""The bundled paper broker as a service for several workers: `python -m my_dagster_project.paper_broker`.

Accounts are kept in $TRADING_HOME/broker/accounts.sqlite, prices come from the asset store (TRADING_STORE_URL), the
calendar from the registry. PAPER_BROKER_TOKEN opens the organiser's routes; whoever trades here needs it too, with
the address in TRADING_PAPER_BROKER.
"""

import argparse
import logging
import sys

from my_dagster_project.foundation.calendar import load_calendar
from my_dagster_project.foundation.errors import TradingError
from my_dagster_project.foundation.settings import load_settings
from my_dagster_project.paper_broker.api import create_app
from my_dagster_project.paper_broker.server import serve
from my_dagster_project.paper_broker.stored_feed import StoreFeed
from my_dagster_project.storage.opening import open_assets
from my_dagster_project.teams.loading import load_registry

PORT = 8030


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or Ctrl-C; 1 with a message when a setting is missing."""
    parser = argparse.ArgumentParser(prog="python -m my_dagster_project.paper_broker", description=__doc__)
    parser.add_argument("--host", default="0.0.0.0", help="address to listen on (default: all)")  # noqa: S104
    parser.add_argument("--port", type=int, default=PORT)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        settings = load_settings()
        token = settings.paper_broker_token()
        registry = load_registry(settings.project / "configs" / "teams.yaml")
        market = StoreFeed(open_assets(settings.store_url, settings.dvc_url))
    except TradingError as error:
        print(error, file=sys.stderr)
        return 1
    accounts = settings.home / "broker" / "accounts.sqlite"
    app = create_app(accounts, market, load_calendar(registry.calendar), token)
    logging.getLogger("broker").info("accounts in %s, bars from %s", accounts, settings.store_url)
    serve(app, options.host, options.port)
    return 0


if __name__ == "__main__":
    sys.exit(main())
