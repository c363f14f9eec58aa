"""The leaderboard's columns are declared once: every medium shows all of them."""

import csv
import io
import math
import re
from dataclasses import fields, replace

import pytest

from my_dagster_project.domain.evaluation import Metrics
from my_dagster_project.domain.leaderboard import TradingSummary, from_json, to_json
from my_dagster_project.domain.ranking import assemble
from my_dagster_project.foundation.console import Console
from my_dagster_project.main_job.summary import leaderboard_csv, print_leaderboard
from my_dagster_project.people.front.links import Links
from my_dagster_project.people.front.pages import home_html
from my_dagster_project.reports import leaderboard_columns
from my_dagster_project.reports.columns import Column
from my_dagster_project.reports.leaderboard_columns import (
    SYMBOL_COLUMNS,
    TEAM_COLUMNS,
    leaderboard_markdown,
    tries_words,
    verdict,
)
from my_dagster_project.reports.markdown import dollars

METRICS = Metrics(
    n=60, mae=6.5, naive_mae=6.6, mase=0.985, direction=0.5, direction_low=0.4, direction_high=0.6, up_share=0.55, ic=0.1
)  # fmt: skip
TRADED = TradingSummary(12, 9, 103_100.5, 0.031, 0.042, 1.5, -0.02, 61.25, sessions=60, expected=60)
BOARD = assemble({("red", "AAPL"): METRICS}, {"red": TRADED})


def terminal(board, width: int) -> str:
    console = Console(width=width, file=io.StringIO())
    print_leaderboard(console, board)
    return console.file.getvalue()


def page(board) -> str:
    return home_html(Links("", "", ""), None, board, {})


def test_what_a_forecast_proves_stands_in_words():
    """Both directions' intervals excluded 50 % on a stock that rose, while IC was 0 and the timing a coin's."""
    assert verdict(0.4, 0.3) == "no better than chance (p 0.40, 0.30)"
    assert verdict(0.01, 0.3) == "smaller errors than naive (p 0.01, 0.30)"
    assert verdict(math.nan, 0.01) == "better timing than luck (p –, 0.01)"  # noqa: RUF001
    assert verdict(math.nan, math.nan) == "–"  # noqa: RUF001


def test_a_return_stands_with_its_interval_and_the_tries_that_led_to_it():
    tried = replace(TRADED, return_low=-0.021, return_high=0.084, edits=3, first_return=-0.009)
    board = replace(
        assemble({("red", "AAPL"): METRICS}, {"red": tried}),
        first="2012-12-03",
        last="2013-02-27",
        replayed=True,
    )
    for shown in (terminal(board, 400), page(board), leaderboard_markdown(board)):
        text = " ".join(shown.replace("\\", "").split())
        assert "+3.1% [-2.1, +8.4]" in text
        assert "3 [-0.9%]" in text
        assert "Sessions 2012-12-03 to 2013-02-27, replayed, not lived; forecasts and money alike." in text
    assert tries_words(0, 0.031) == "0 [+3.1%]"
    assert tries_words(2, math.nan) == "2 [–]"  # noqa: RUF001
    assert tries_words(0, math.nan) == "–"  # noqa: RUF001
    assert from_json(to_json(board)) == board
    assert "not lived" not in replace(board, replayed=False).span


def test_the_leaderboard_is_two_tables_with_its_rule():
    lines = leaderboard_markdown(BOARD).splitlines()
    assert lines[2].startswith("| 1 | **red** | 0.985 |")
    assert "| +3.1% |" in lines[2]
    assert "| *naive* | 1.000 |" in lines[3]
    assert lines[-1].startswith("| red | AAPL | 60 | $6.50 | $6.60 | 0.985 |")
    assert len({line.count("|") for line in lines[:5]}) == 1


@pytest.mark.parametrize("width", [40, 80, 100, 130, 400])
def test_a_terminal_of_any_width_shows_every_figure_of_every_row(width):
    shown = terminal(BOARD, width)
    assert "…" not in shown
    assert max(map(len, shown.splitlines()[:-3])) <= width
    words = shown.split()
    for columns, rows in ((TEAM_COLUMNS, BOARD.teams), (SYMBOL_COLUMNS, BOARD.symbols)):
        for column in columns:
            assert set(column.name.split()) <= set(words), column.name
            assert all(set(column.cell(row).split()) <= set(words) for row in rows), column.name


def test_the_page_and_the_markdown_have_every_column():
    shown, markdown = page(BOARD), leaderboard_markdown(BOARD)
    for columns, rows in ((TEAM_COLUMNS, BOARD.teams), (SYMBOL_COLUMNS, BOARD.symbols)):
        for column in columns:
            assert re.search(rf"<th[^>]*>(<button[^>]*>)?{re.escape(column.name)}</", shown), column.name
            assert all(column.cell(row) in shown for row in rows), column.name
            assert f"| {column.name} |" in markdown


def test_csv_has_the_bare_figures():
    [red, naive, held] = csv.DictReader(io.StringIO(leaderboard_csv(BOARD, by_symbol=False)))
    assert (red["rank"], red["team"], red["mase"], red["return"]) == ("1", "red", "0.985", "0.031")
    assert (naive["mase"], naive["sharpe"], held["rank"]) == ("1.0", "", "")
    [symbol] = csv.DictReader(io.StringIO(leaderboard_csv(BOARD, by_symbol=True)))
    assert symbol["direction_low"] == "0.4"


@pytest.mark.parametrize("columns", [TEAM_COLUMNS, SYMBOL_COLUMNS])
def test_figures_have_names_that_a_program_can_use(columns):
    names = [name for column in columns for name in column.figure_names]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() and name == name.lower() for name in names)


def test_every_figure_of_the_money_has_its_column():
    """A figure that is computed and stored, but in no table, is a column that somebody forgot."""
    for name in [field.name for field in fields(TradingSummary)]:
        changed = replace(BOARD.teams[0], trading=replace(TRADED, **{name: 7}))
        assert any(column.values(changed) != column.values(BOARD.teams[0]) for column in TEAM_COLUMNS), name


def test_a_new_column_is_one_line(monkeypatch):
    """It stands in every medium that has the others."""
    new = Column(
        "per <order>",
        lambda row: row.trading.costs / row.trading.orders if row.trading.orders else math.nan,
        dollars,
    )
    for module in ("main_job.summary", "people.front.pages", "reports.leaderboard_columns"):
        monkeypatch.setattr(
            f"my_dagster_project.{module}.TEAM_COLUMNS", (*leaderboard_columns.TEAM_COLUMNS, new)
        )
    assert "per <order>" in terminal(BOARD, 80)
    assert "per <order>" in leaderboard_csv(BOARD, by_symbol=False)
    assert "per &lt;order&gt;" in page(BOARD)
    assert "per \\<order\\>" in leaderboard_markdown(BOARD)
    assert all("$5.10" in text for text in (terminal(BOARD, 80), page(BOARD), leaderboard_markdown(BOARD)))
