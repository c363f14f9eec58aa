import math

from my_dagster_project.domain.evaluation import Metrics
from my_dagster_project.domain.leaderboard import BUY_AND_HOLD, TradingSummary, assemble
from my_dagster_project.reports.markdown import direction, dollars, leaderboard_markdown, number, percent


def test_a_missing_figure_is_a_dash():
    assert {
        number(math.nan),
        percent(math.nan),
        dollars(math.nan),
        direction(math.nan, math.nan, math.nan),
    } == {"\u2013"}


def test_figures_read_well():
    assert number(1.0) == "1.000"
    assert percent(0.0123, sign=True) == "+1.2%"
    assert dollars(100123.456) == "$100,123.46"
    assert direction(0.5333, 0.409, 0.654) == "53.3% [40.9, 65.4]"


def test_the_leaderboard_is_two_tables_with_its_rule():
    metrics = {
        ("red", "AAPL"): Metrics(n=60, mae=6.5, naive_mae=6.6, mase=0.985, direction=0.5, direction_low=0.4)
    }
    board = assemble(
        metrics, {"red": TradingSummary(orders=12, total_return=0.031), BUY_AND_HOLD: TradingSummary()}
    )
    lines = leaderboard_markdown(board).splitlines()
    assert lines[2].startswith("| 1 | **red** | 0.985 |")
    assert "| +3.1% |" in lines[2]
    assert "| *naive* | 1.000 |" in lines[3]
    assert lines[-1].startswith("| red | AAPL | 60 | $6.50 | $6.60 | 0.985 |")
    widths = {line.count("|") for line in lines[:5]}
    assert len(widths) == 1
