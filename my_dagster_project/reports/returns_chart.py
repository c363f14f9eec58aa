"""Returns as a chart: what was predicted for each session beside what came."""

from collections.abc import Sequence

from my_dagster_project.reports.charts import Chart, Series
from my_dagster_project.reports.colours import GREY, team_colour


def returns_chart(
    of: str,
    title: str,
    team: str,
    days: Sequence[str],
    said: Sequence[float | None],
    came: Sequence[float | None],
) -> Chart:
    """A chart (`of` is its id) of a team's log returns by session (ISO), shown in per cent; None where there is none yet."""
    series = (
        Series("came", days, list(map(hundredths, came)), GREY, "bar"),
        Series("predicted", days, list(map(hundredths, said)), team_colour(team)),
    )
    return Chart(of, title, series, suffix=" %", digits=3, x_title="session")


def hundredths(value: float | None) -> float | None:
    """A fraction in per cent."""
    return None if value is None else 100 * value
