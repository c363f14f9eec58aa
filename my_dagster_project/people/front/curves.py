"""The teams' equity as a chart: one colour for each, buying and holding beside them."""

from my_dagster_project.domain.leaderboard import Curves
from my_dagster_project.reports.charts import Chart, Series
from my_dagster_project.reports.colours import team_colour


def equity_chart(curves: Curves, title: str = "Equity of each team at the close") -> Chart | None:
    """Equity at each close, dollars; None where nothing is on record yet."""
    drawn = [
        Series(team, [day for day, _ in curve], [value for _, value in curve], team_colour(team))
        for team, curve in curves.items()
        if curve
    ]
    return Chart("equity", title, drawn, prefix="$", x_title="session") if drawn else None
