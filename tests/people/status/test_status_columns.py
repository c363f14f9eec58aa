"""The status tables are declared once: the terminal and the page show the same columns, on any width."""

import io
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from html import unescape

import pytest

from my_dagster_project.foundation.console import Console
from my_dagster_project.people.front.links import Links
from my_dagster_project.people.front.pages import status_html
from my_dagster_project.people.status import status_columns as tables
from my_dagster_project.people.status.page import (
    Check,
    RunStatus,
    ScheduleStatus,
    StatusPage,
    SymbolStatus,
    TeamStatus,
    Tick,
    chain_of_symbols,
)
from my_dagster_project.people.status.terminal import print_page

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
OK = Check("fine", "ok", "fine")
SCHEDULE = ScheduleStatus(
    "red_daily", "red_trade_every_session", "30 6 * * *", True, NOW, Tick(NOW, "skipped", "20 Nov is no session, so nothing was to be done at all"), OK
)  # fmt: skip
RUN = RunStatus("red_trade", "0123abcd", "success", NOW, NOW, OK)
SYMBOL = SymbolStatus(
    "IBM", dict.fromkeys(chain_of_symbols(), True) | {"report": False}, date(2026, 11, 19), 0.987, 60, OK
)
TEAM = TeamStatus("red", "red at 1234", OK, date(2026, 11, 18), (SCHEDULE,), (RUN,), (SYMBOL,))
PAGE = StatusPage(
    NOW, "America/New_York", None, (Check("object store", "off", "not running", "make up"),),
    schedules=(replace(SCHEDULE, job="maintenance"),), runs=(replace(RUN, job="maintenance"),), teams=(TEAM,),
)  # fmt: skip
SHOWN = (
    (tables.SCHEDULE_COLUMNS, tables.schedule_rows(PAGE, None) + tables.schedule_rows(PAGE, TEAM)),
    (tables.RUN_COLUMNS, tables.run_rows(PAGE, None) + tables.run_rows(PAGE, TEAM)),
    (tables.CHAIN_COLUMNS, tables.chain_rows(TEAM)),
)


def terminal(page, width: int) -> str:
    console = Console(width=width, file=io.StringIO())
    print_page(console, page)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [60, 80, 130])
def test_a_terminal_shows_every_cell_of_every_row(width):
    shown = terminal(PAGE, width)
    words = set(shown.split())
    assert "…" not in shown
    for columns, rows in (*SHOWN, (tables.SERVICE_COLUMNS, PAGE.services)):
        for column in columns:
            assert set(column.name.split()) <= words
            assert all(set(column.cell(row).split()) <= words for row in rows), column.name


def test_the_page_shows_every_cell_of_every_row():
    page = status_html(PAGE, Links("", "", ""))
    text = unescape(re.sub(r"<[^>]*>", "\n", page))
    for columns, rows in SHOWN:
        for column in tables.of_one_team(columns):
            assert f">{column.name}<" in page
            if column.words is not tables.state_sign:
                assert all(column.cell(row) in text for row in rows), column.name
    assert page.count('<span class="dot ok" title="ok"></span>') >= 4


def test_the_chain_has_a_column_for_every_stage():
    names = [column.name for column in tables.CHAIN_COLUMNS]
    assert [name for name in names if name in chain_of_symbols()] == list(chain_of_symbols())
    due = {column.name: column.cell(tables.chain_rows(TEAM)[0]) for column in tables.CHAIN_COLUMNS}
    assert (due["bars"], due["report"], due["MASE"]) == ("✓", "due", "0.987")
