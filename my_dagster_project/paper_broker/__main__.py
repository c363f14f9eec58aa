"""The bundled paper broker: for several workers, `python -m my_dagster_project.paper_broker`, or by itself, `trading broker --lapse`.

For workers: accounts are kept in $TRADING_HOME/broker/accounts.sqlite, prices come from the asset store (TRADING_STORE_URL), the
calendar from the registry. PAPER_BROKER_TOKEN opens the organiser's routes; whoever trades here needs it too, with
the address in TRADING_PAPER_BROKER.
"""

import argparse
import logging
import sys

from my_dagster_project.foundation.calendar import load_calendar
from my_dagster_project.foundation.errors import TradingError
from my_dagster_project.foundation.settings import Settings, load_settings, load_settings_anywhere
from my_dagster_project.paper_broker import alone
from my_dagster_project.paper_broker.api import create_app
from my_dagster_project.paper_broker.server import listen, serve
from my_dagster_project.paper_broker.stored_feed import StoreFeed
from my_dagster_project.storage.opening import open_assets
from my_dagster_project.teams.loading import load_registry

NEXT = "next"


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or Ctrl-C; 1 with a message when a setting is missing."""
    given = sys.argv[1:] if arguments is None else arguments
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    options = None if given[:1] == [NEXT] else _parser().parse_args(given)
    try:
        if options is None:
            alone.drive(given[1:], load_settings_anywhere())
        elif options.lapse:
            alone.serve_lapse(options, load_settings_anywhere(), options.host or alone.LOOPBACK)
        else:
            _serve_workers(load_settings(), options)
    except TradingError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    how = argparse.RawDescriptionHelpFormatter
    more = f"`trading broker {NEXT} [SESSIONS] [--to SESSION]` moves the clock of a lapse that runs."
    parser = argparse.ArgumentParser("trading broker", description=__doc__, epilog=more, formatter_class=how)
    parser.add_argument("--host", help=f"address to listen on (default: all, with --lapse {alone.LOOPBACK})")
    parser.add_argument("--port", type=int, default=alone.PORT)
    alone.add_options(parser)
    return parser


def _serve_workers(settings: Settings, options: argparse.Namespace) -> None:
    token = settings.paper_broker_token()
    registry = load_registry(settings.project / "configs" / "teams.yaml")
    market = StoreFeed(open_assets(settings.store_url, settings.dvc_url))
    accounts = settings.home / "broker" / "accounts.sqlite"
    app = create_app(accounts, market, load_calendar(registry.calendar), token)
    logging.getLogger("broker").info("accounts in %s, bars from %s", accounts, settings.store_url)
    serve(app, listen(options.host or "0.0.0.0", options.port))  # noqa: S104


if __name__ == "__main__":
    sys.exit(main())
