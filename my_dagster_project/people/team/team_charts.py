"""A team's predictions as charts: what it said beside what came."""

from collections.abc import Sequence

from my_dagster_project.people.team.team_page import ScoredPrediction
from my_dagster_project.reports.charts import Chart, Series
from my_dagster_project.reports.returns_chart import hundredths, returns_chart

_RIGHT, _WRONG = "#1a8f4e", "#d1343c"


def predictions_chart(symbol: str, scored: Sequence[ScoredPrediction]) -> Chart | None:
    """What was predicted of a symbol for each session, beside what came; None before the first one has come."""
    if not scored:
        return None
    if any(one.predicted_return is not None for one in scored):
        return _returns(symbol, scored)
    return _probabilities(symbol, scored)


def _returns(symbol: str, scored: Sequence[ScoredPrediction]) -> Chart:
    return returns_chart(
        f"chart-{symbol}",
        f"{symbol}: return of each session, predicted and come",
        scored[0].team,
        [str(one.target) for one in scored],
        [one.predicted_return for one in scored],
        [one.actual_return for one in scored],
    )


def _probabilities(symbol: str, scored: Sequence[ScoredPrediction]) -> Chart:
    """Calls of a model that answers with probabilities: above 50 % is up."""
    series = tuple(
        Series(
            name,
            [str(one.target) for one in calls],
            [hundredths(one.probability_up) for one in calls],
            colour,
            "dots",
        )
        for name, colour, hit in (("right", _RIGHT, 1.0), ("wrong", _WRONG, 0.0))
        if (calls := [one for one in scored if one.hit == hit])
    )
    title = f"{symbol}: probability of up that was called for each session"
    return Chart(f"chart-{symbol}", title, series, suffix=" %", digits=1, x_title="session")
