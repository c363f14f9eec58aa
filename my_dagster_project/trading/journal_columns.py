"""The journal as a table: one declared list of columns for the terminal, Dagit and CSV."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from my_dagster_project.reports.columns import Column, csv_table, markdown_table
from my_dagster_project.reports.markdown import NONE
from my_dagster_project.trading.account_tables import dollars, shares
from my_dagster_project.trading.journal import RoundTrip, TeamJournal


def _exit(day: date | None) -> str:
    return "held" if day is None else day.isoformat()


def _signed(value: Decimal) -> str:
    return f"{value:+,.2f}"


def _fraction(value: Decimal | None) -> str:
    return NONE if value is None else f"{value:+.2%}"


def _prediction(value: float | None) -> str:
    return NONE if value is None else f"{value:.6f}".rstrip("0").rstrip(".")


def _reason(row: RoundTrip) -> str:
    return row.exit.reason if row.exit else ""


JOURNAL_COLUMNS: tuple[Column[RoundTrip], ...] = (
    Column("team", lambda row: row.team, text=True, key=True),
    Column("symbol", lambda row: row.trip.symbol, text=True, key=True),
    Column("shares", lambda row: row.trip.qty, shares, "Negative when sold short."),
    Column("entry", lambda row: row.trip.entry_day, date.isoformat, text=True, key=True),
    Column("at", lambda row: row.trip.entry_price, dollars, "In shares of the exit.", ("entry_price",)),
    Column("predicted", lambda row: row.entry.prediction, _prediction, "Log return, or probability of up."),
    Column("exit", lambda row: row.trip.exit_day, _exit, text=True),
    Column(
        "at or now", lambda row: row.trip.exit_price, dollars, "The last close while held.", ("exit_price",)
    ),
    Column("sessions", lambda row: row.sessions, means="Closes that the shares were held over."),
    Column("fees", lambda row: row.trip.fees, dollars),
    Column("dividends", lambda row: row.trip.dividends, dollars),
    Column("gain", lambda row: row.trip.gain, _signed, "After fees, with dividends."),
    Column("return", lambda row: row.trip.fraction, _fraction),
    Column("why it ended", _reason, text=True, long=True, figures=("exit_reason",)),
)
# What nobody reads in a table, and everybody wants to look up.
_MORE: tuple[Column[RoundTrip], ...] = (
    Column("entry_reason", lambda row: row.entry.reason),
    Column("entry_order", lambda row: row.entry.order),
    Column("exit_order", lambda row: row.exit.order if row.exit else ""),
)


def journal_csv(rows: Sequence[RoundTrip]) -> str:
    """Give the bare figures as CSV, with the reasons and ids of the orders."""
    return csv_table((*JOURNAL_COLUMNS, *_MORE), rows)


def journal_markdown(made: TeamJournal, last: int) -> str:
    """Give the `last` round trips as Markdown, for Dagit."""
    return markdown_table(JOURNAL_COLUMNS, made.trips[-last:]) if made.trips else NONE


def journal_sum(made: TeamJournal) -> str:
    """Give the sums as one line for people."""
    ended = [one.trip for one in made.trips if not one.trip.held]
    won = sum(trip.gain > 0 for trip in ended)
    other = f"; interest, deposits and the like {_signed(made.other)}" if made.other else ""
    return f"{won} of {len(ended)} round trips gained; in all {_signed(made.ended)}, held {_signed(made.held)}{other}"
