"""The leaderboard's columns are declared once: every medium shows all of them."""

import csv
import io
import math
import re
from dataclasses import fields, replace

import pytest

from my_dagster_project.domain.evaluation import Metrics
from my_dagster_project.domain.leaderboard import (
    BUY_AND_HOLD,
    NAIVE,
    Standing,
    TradingSummary,
    from_json,
    to_json,
)
from my_dagster_project.domain.ranking import assemble
from my_dagster_project.domain.scores.blocks import Figure
from my_dagster_project.foundation.console import Console
from my_dagster_project.main_job.summary import leaderboard_csv, print_leaderboard
from my_dagster_project.people.front.links import Links
from my_dagster_project.people.front.pages import home_html
from my_dagster_project.reports import leaderboard_columns
from my_dagster_project.reports.columns import Column
from my_dagster_project.reports.leaderboard_columns import (
    BY_FORECAST,
    BY_MONEY,
    SYMBOL_COLUMNS,
    TEAM_COLUMNS,
    leaderboard_markdown,
    like_words,
    money_verdict,
    team_verdict,
    tries_words,
    verdict,
)
from my_dagster_project.reports.markdown import dollars

METRICS = Metrics(
    n=60, mae=6.5, naive_mae=6.6, mase=0.985, direction=0.5, direction_low=0.4, direction_high=0.6, up_share=0.55, ic=0.1
)  # fmt: skip
TRADED = TradingSummary(12, 9, 103_100.5, 0.031, 0.042, 1.5, -0.02, 61.25, sessions=60, expected=60)
HELD = TradingSummary(equity=101_000.0, total_return=0.01)
BOARD = assemble(
    {("red", "AAPL"): METRICS, (NAIVE, "AAPL"): Metrics(n=60, mase=1.0)}, {"red": TRADED, BUY_AND_HOLD: HELD}
)
TABLES = (
    (BY_FORECAST, BOARD.by_forecast),
    (BY_MONEY, BOARD.by_money),
    (SYMBOL_COLUMNS, BOARD.symbols),
)


def terminal(board, width: int) -> str:
    console = Console(width=width, file=io.StringIO())
    print_leaderboard(console, board)
    return console.file.getvalue()


def page(board) -> str:
    return home_html(Links("", "", ""), None, board, {})


def test_what_a_forecast_proves_stands_in_words():
    """Both directions' intervals excluded 50 % on a stock that rose, while IC was 0 and the timing a coin's."""
    assert verdict(0.4, 0.3) == "could be luck (p 0.40, 0.30)"
    assert verdict(0.01, 0.3) == "smaller errors than naive (p 0.01, 0.30)"
    assert verdict(math.nan, 0.01) == "better timing than luck (p –, 0.01)"  # noqa: RUF001
    assert verdict(math.nan, math.nan) == "–"  # noqa: RUF001


def test_what_few_sessions_or_an_interval_supports_stands_in_words():
    assert team_verdict(19, 0.01, 0.3) == money_verdict(Figure(0.3)) == "too few sessions"
    assert team_verdict(20, 0.4, 0.3) == "could be luck (p 0.40, 0.30)"
    told = [money_verdict(Figure(0.0, *one)) for one in [(0.1, 0.2), (-0.1, 0.2), (-0.2, -0.1), (0, 0)]]
    assert told == ["beats holding", "could be luck", "behind holding", "it is holding"]
    assert money_verdict(Figure()) == "–"  # noqa: RUF001
    assert (like_words("blue", 0.31), like_words("blue", 0.97)) == ("blue 0.31", "blue 0.97 (a copy?)")


def test_ties_are_ties_wherever_the_table_is_shown():
    """Who shares a tier has the same number in it, and house teams stand in the tables they compete in."""
    rows = [replace(row, rank=1, standing=Standing(money_rank=2)) for row in BOARD.teams]
    board = replace(BOARD, teams=tuple(rows))
    for shown in (terminal(board, 400), leaderboard_markdown(board)):
        text = " ".join(shown.replace("*", "").replace("|", " ").split())
        assert "1 red 0.985" in text
        assert "1 naive 1.000" in text
        assert len(re.findall("2 (red|buy-and-hold) ", text)) == 2
    shown = page(board)
    assert shown.count('<span class="rank">1</span>') == shown.count('<span class="rank">2</span>') == 2
    assert shown.count('<tr class="house">') == 2


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


def test_the_leaderboard_is_two_rankings_that_are_not_mixed():
    text = leaderboard_markdown(BOARD)
    forecasts, money, *_ = text.split("\n\n")
    assert "| **red** | 0.985 |" in forecasts
    assert "| *naive* | 1.000 |" in forecasts
    assert "buy-and-hold" not in forecasts
    assert "| +3.1% |" in money
    assert "| *buy-and-hold* |" in money
    assert "naive" not in money
    assert text.splitlines()[-1].startswith("| red | AAPL | 60 | $6.50 | $6.60 | 0.985 |")
    assert all(len({line.count("|") for line in one.splitlines()}) == 1 for one in (forecasts, money))


@pytest.mark.parametrize("width", [40, 80, 100, 130, 400])
def test_a_terminal_of_any_width_shows_every_figure_of_every_row(width):
    shown = terminal(BOARD, width)
    assert "…" not in shown
    assert max(map(len, shown.splitlines()[:-3])) <= width
    words = shown.split()
    for columns, rows in TABLES:
        for column in columns:
            assert set(column.name.split()) <= set(words), column.name
            assert all(set(column.cell(row).split()) <= set(words) for row in rows), column.name


def test_the_page_and_the_markdown_have_every_column():
    shown, markdown = page(BOARD), leaderboard_markdown(BOARD)
    for columns, rows in TABLES:
        for column in columns:
            assert re.search(rf"<th[^>]*>(<button[^>]*>)?{re.escape(column.name)}</", shown), column.name
            assert all(column.cell(row) in shown for row in rows), column.name
            assert f"| {column.name} |" in markdown


def test_csv_has_the_bare_figures():
    rows = {row["team"]: row for row in csv.DictReader(io.StringIO(leaderboard_csv(BOARD, by_symbol=False)))}
    assert (rows["red"]["rank"], rows["red"]["mase"], rows["red"]["return"]) == ("", "0.985", "0.031")
    assert (rows[NAIVE]["mase"], rows[NAIVE]["sharpe"], rows[BUY_AND_HOLD]["return"]) == ("1.0", "", "0.01")
    [symbol] = csv.DictReader(io.StringIO(leaderboard_csv(BOARD, by_symbol=True)))
    assert symbol["direction_low"] == "0.4"


@pytest.mark.parametrize("columns", [TEAM_COLUMNS, SYMBOL_COLUMNS])
def test_figures_have_names_that_a_program_can_use(columns):
    names = [name for column in columns for name in column.figure_names]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() and name == name.lower() for name in names)


def test_every_figure_of_the_money_has_its_column():
    """A figure that is computed and stored, but in no table, is a column that somebody forgot."""
    red = replace(BOARD.by_money[0], trading=TRADED)
    for name in [field.name for field in fields(TradingSummary)]:
        changed = replace(red, trading=replace(TRADED, **{name: 7}))
        assert any(column.values(changed) != column.values(red) for column in TEAM_COLUMNS), name


def test_a_new_column_is_one_line(monkeypatch):
    """It stands in every medium that has the others."""
    new = Column(
        "per <order>",
        lambda row: row.trading.costs / row.trading.orders if row.trading.orders else math.nan,
        dollars,
    )
    for module in ("main_job.summary", "people.front.pages", "reports.leaderboard_columns"):
        monkeypatch.setattr(f"my_dagster_project.{module}.BY_MONEY", (*leaderboard_columns.BY_MONEY, new))
    assert "per <order>" in terminal(BOARD, 80)
    assert "per &lt;order&gt;" in page(BOARD)
    assert "per \\<order\\>" in leaderboard_markdown(BOARD)
    assert all("$5.10" in text for text in (terminal(BOARD, 80), page(BOARD), leaderboard_markdown(BOARD)))
