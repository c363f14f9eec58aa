"""The bundled broker by itself, `trading broker --lapse`: any Alpaca client trades a recorded past whose clock one drives."""

import argparse
import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from my_dagster_project.foundation.calendar import TradingCalendar, load_calendar
from my_dagster_project.foundation.errors import BrokerError
from my_dagster_project.foundation.settings import Settings
from my_dagster_project.market_data.csv_file import CsvSource
from my_dagster_project.market_data.sample import SampleSource
from my_dagster_project.paper_broker.accounts import Opening
from my_dagster_project.paper_broker.api import create_app
from my_dagster_project.paper_broker.client import PaperAdmin
from my_dagster_project.paper_broker.embedded import local_secret
from my_dagster_project.paper_broker.feed import TableFeed
from my_dagster_project.paper_broker.lapse import Lapse
from my_dagster_project.paper_broker.ledger import Terms
from my_dagster_project.paper_broker.refusals import ApiError
from my_dagster_project.paper_broker.server import listen, serve
from my_dagster_project.trading.broker import BrokerUnreachableError

if TYPE_CHECKING:
    from starlette.applications import Starlette

LOOPBACK, PORT = "127.0.0.1", 8030
ADDRESS = f"http://{LOOPBACK}:{PORT}"
A_YEAR = 250
LAST_YEAR = "last year"
"""What `--lapse` says without a session."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what a lapse is started with."""
    parser.add_argument(
        "--lapse",
        nargs="?",
        const=LAST_YEAR,
        metavar="SESSION",
        help="be a broker by itself: all accounts have one clock, which starts after the close of SESSION (2012-03-01; default:"
        f" {A_YEAR} sessions before the bars end), and an account is opened by the first request with its key",
    )
    lapse = parser.add_argument_group("with --lapse")
    lapse.add_argument(
        "--every",
        type=_from("0.01", "1000000"),
        metavar="SECONDS",
        help="go on by itself, a session every so often",
    )
    lapse.add_argument(
        "--bars", type=Path, metavar="FOLDER", help="a CSV or Parquet file per symbol (default: the sample)"
    )
    lapse.add_argument("--calendar", default="XNYS", help="the exchange's (default: XNYS)")
    lapse.add_argument(
        "--cash",
        type=_from("1", "1000000000000"),
        default=Decimal(100_000),
        help="of a new account (default: 100000)",
    )
    lapse.add_argument(
        "--cost-bps",
        type=_from("0", "10000"),
        default=Decimal(0),
        help="half spread of a new account (default: 0)",
    )
    lapse.add_argument(
        "--accounts",
        type=Path,
        metavar="FILE",
        help="where they are kept (default: .local/broker/lapse.sqlite)",
    )


def _from(least: str, below: str) -> Callable[[str], Decimal]:
    def number(text: str) -> Decimal:
        try:
            found = Decimal(text)
        except ArithmeticError:
            found = Decimal("nan")
        if found.is_nan() or not Decimal(least) <= found < Decimal(below):
            raise argparse.ArgumentTypeError(f"{text!r} is no number from {least} to below {below}")
        return found

    return number


def serve_lapse(options: argparse.Namespace, settings: Settings, host: str) -> None:
    """Serve until SIGTERM or Ctrl-C; raises TradingError when it cannot begin."""
    listener, app = listen(host, options.port), lapse_app(options, settings)
    lapse: Lapse = app.state.lapse
    if options.every:
        threading.Thread(target=go_on, args=(lapse, float(options.every)), daemon=True).start()
    print(_greeting(lapse, options, f"http://{host}:{options.port}"), flush=True)
    serve(app, listener)


def _greeting(lapse: Lapse, options: argparse.Namespace, url: str) -> str:
    told, path = lapse.standing()[1], lapse.store.path
    elsewhere = "" if url == ADDRESS else f" --url {url}"
    elsewhere += f" --accounts {path}" if options.accounts else ""
    itself = f"a session every {options.every:g} s, or now: " if options.every else ""
    return (
        f"The exchange stands after the close of {told['session']}; {told['sessions_left']} sessions are left.\n"
        f"Point any Alpaca client at {url}, with any key and secret: an account is opened by its first request.\n"
        f"Go on: {itself}trading broker next [SESSIONS]{elsewhere}\nAccounts are in {path}; remove it to begin anew."
    )


def lapse_app(options: argparse.Namespace, settings: Settings) -> "Starlette":
    """Give the broker with its clock put where the options say, or where it stood; raises TradingError."""
    market, calendar = _bars(options.bars), load_calendar(options.calendar)
    path = options.accounts or _accounts(settings)
    terms = Terms(options.cost_bps, Decimal(0), Decimal(0), 0)
    newcomers = Opening("", "", "", options.cash.quantize(Decimal("0.01")), terms)
    app = create_app(path, market, calendar, token(settings, path), newcomers)
    try:
        stands = app.state.lapse.begin(_first(options.lapse, market, calendar))
    except ApiError as refusal:
        raise BrokerError(f"--lapse {options.lapse}: {refusal}") from None
    if stands > app.state.lapse.ends():
        raise BrokerError(
            f"{path} stands after the close of {stands}, and these bars end at {app.state.lapse.ends()}: give it its own bars, or"
            " remove it to begin anew"
        )
    return app


def go_on(lapse: Lapse, seconds: float) -> None:
    """Move the clock by a session every so many seconds, until the bars end."""
    log = logging.getLogger("broker")
    while (stands := lapse.stands()) < lapse.ends():
        time.sleep(seconds)
        try:
            lapse.move(lapse.calendar.next_session(stands))
        except (
            ApiError,
            sqlite3.OperationalError,
        ) as error:  # somebody has moved it further, or the disk is full
            log.warning("the clock is not moved: %s", error)
    log.info("the bars end at %s, and the lapse with them", stands)


def drive(arguments: list[str], settings: Settings) -> None:
    """`trading broker next`: move the clock of one that runs; raises BrokerError."""
    parser = argparse.ArgumentParser(
        prog="trading broker next", description="Move the clock of a lapse that runs."
    )
    parser.add_argument("sessions", nargs="?", type=int, default=1, help="so many sessions (default: 1)")
    parser.add_argument(
        "--to", type=date.fromisoformat, metavar="SESSION", help="to the close of this one instead"
    )
    parser.add_argument("--url", default=ADDRESS, help=f"where it runs (default: {ADDRESS})")
    parser.add_argument("--accounts", type=Path, metavar="FILE", help="as it was started with")
    options = parser.parse_args(arguments)
    admin = PaperAdmin(options.url, token(settings, options.accounts or _accounts(settings)))
    try:
        told = admin.move_lapse(options.to or options.sessions)
    except BrokerUnreachableError as error:
        raise BrokerError(
            f"nothing answers at {options.url}; `trading broker --lapse` starts a broker there"
        ) from error
    print(f"after the close of {told['session']}; {told['sessions_left']} sessions are left")


def token(settings: Settings, accounts: Path) -> str:
    """Give what opens the keeper's routes: PAPER_BROKER_TOKEN, or a secret beside the accounts that only their owner reads."""
    given = settings.environ.get("PAPER_BROKER_TOKEN")
    return settings.paper_broker_token() if given else local_secret(accounts.parent)


def _accounts(settings: Settings) -> Path:
    return settings.home / "broker" / "lapse.sqlite"


def _bars(folder: Path | None) -> TableFeed:
    source = SampleSource() if folder is None else CsvSource(folder)
    frames = {symbol: source.fetch(symbol, date.min, date.max) for symbol in source.symbols()}
    if not frames:
        raise BrokerError(f"{folder}: there is no <SYMBOL>.csv or <SYMBOL>.parquet in it")
    return TableFeed.from_frames(frames)


def _first(wanted: str, market: TableFeed, calendar: TradingCalendar) -> date:
    last = market.last_session() or date.min
    earliest = min(min(table) for table in market.bars.values())
    if wanted == LAST_YEAR:
        return max(earliest, calendar.offset(last, -A_YEAR))
    try:
        first = date.fromisoformat(wanted)
    except ValueError:
        raise BrokerError(f"--lapse {wanted}: give a session like 2012-03-01") from None
    if not earliest <= first < last:
        raise BrokerError(f"--lapse {wanted}: the bars go from {earliest} to {last}; begin between them")
    return first
