"""Charts: the same figures drawn and as a table, and a colour for each team that depends on its name alone."""

import json
import math

from my_dagster_project.domain.leaderboard import HOUSE_TEAMS
from my_dagster_project.reports.charts import Chart, Series
from my_dagster_project.reports.colours import team_colour

DAYS = ["2012-12-03", "2012-12-04"]


def test_a_chart_is_drawn_from_the_figures_of_its_table():
    red = Series("red", DAYS, [100_000.0, math.nan], team_colour("red"))
    late = Series("late", DAYS[1:], [99_000.5], team_colour("red"))
    chart = Chart("equity", "Equity", [red, late], prefix="$", x_title="session")
    assert chart.rows() == [("2012-12-04", ["–", "$99,000.50"]), ("2012-12-03", ["$100,000.00", "–"])]  # noqa: RUF001
    first, second = json.loads(json.dumps(chart.figure(), allow_nan=False))["data"]
    assert (first["x"], first["y"]) == (DAYS, [100_000.0, None])
    # The same colour twice: told apart by the line.
    assert first["line"]["dash"] != second["line"]["dash"]


def test_red_is_red_and_blue_is_blue_and_nobody_looks_like_the_house():
    assert (team_colour("red"), team_colour("Blue")) == ("#d1343c", "#1f6feb")
    house = {team_colour(name) for name in HOUSE_TEAMS}
    names = [f"team{number}" for number in range(200)]
    assert not house & {team_colour(name) for name in names}
    assert len({team_colour(name) for name in names}) > 6
