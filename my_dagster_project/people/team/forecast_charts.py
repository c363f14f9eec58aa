"""A team's forecasts as charts: its error against naive's as time goes by, whether it means what it says, its directions."""

import math
from collections.abc import Iterable, Mapping, Sequence

from my_dagster_project.domain.evaluation import wilson_interval
from my_dagster_project.domain.scores.probabilities import Bin, calibration
from my_dagster_project.domain.scores.quintiles import by_fifths
from my_dagster_project.domain.scores.walked import Evaluation
from my_dagster_project.people.team.team_page import ScoredPrediction, TeamPage
from my_dagster_project.reports.charts import Chart, Series
from my_dagster_project.reports.colours import GREY, team_colour

ROLLED = 20
"""Sessions that a rolling figure is of."""
_LOW, _ROW = 260, 26
_CUTS = ("all", "symbol", "year", "volatility")


def forecast_charts(page: TeamPage) -> list[Chart]:
    """Those that have something to show."""
    scored = {symbol: rows for symbol, rows in page.scored.items() if rows}
    charts = (
        _rolling(page.team, scored),
        _directions(page.team, scored),
        _walked(page.team, page.evaluation),
        _calibrated(page.team, [one for rows in scored.values() for one in rows]),
    )
    return [one for one in charts if one]


def _rolling(team: str, scored: Mapping[str, Sequence[ScoredPrediction]]) -> Chart | None:
    """Geometric mean of the symbols' errors by naive's, each summed over the sessions up to the one it stands at."""
    logs: dict[str, list[float]] = {}
    for rows in scored.values():
        told = [one for one in rows if one.predicted_close is not None]
        errors = [_errors(one) for one in told]
        for end in range(ROLLED, len(errors) + 1):
            own, naive = map(math.fsum, zip(*errors[end - ROLLED : end], strict=True))
            if own and naive:
                logs.setdefault(str(told[end - 1].target), []).append(math.log(own / naive))
    if not logs:
        return None
    days = sorted(logs)
    values = [math.exp(math.fsum(logs[day]) / len(logs[day])) for day in days]
    title = f"Error by that of “no change”, over the last {ROLLED} sessions (below 1 is better)"
    series = [Series("rolling MASE", days, values, team_colour(team))]
    return Chart("rolling", title, series, digits=3, x_title="session", at=1.0, height=_LOW)


def _errors(one: ScoredPrediction) -> tuple[float, float]:
    close, came = one.close or math.nan, one.actual_close or math.nan
    return abs((one.predicted_close or math.nan) - came), abs(close - came)


def _directions(team: str, scored: Mapping[str, Sequence[ScoredPrediction]]) -> Chart | None:
    """Of each symbol, and of all, the share of right calls with Wilson's interval."""
    hits = {symbol: [one.hit for one in rows if one.hit is not None] for symbol, rows in scored.items()}
    parts = {"all": [hit for one in hits.values() for hit in one], **hits}
    rows = [(name, *_share(calls)) for name, calls in parts.items() if calls]
    title = "Share of right calls with its 95 % interval; one that holds 50 % may be a coin's"
    return _forest("directions", title, team, rows) if rows else None


def _share(calls: Sequence[float]) -> tuple[float, float, float]:
    return sum(calls) / len(calls), *wilson_interval(round(sum(calls)), len(calls))


def _walked(team: str, found: Evaluation | None) -> Chart | None:
    """The same of the walk through the years, by symbol, year and how wild the market was."""
    if found is None:
        return None
    rows = [
        (f"{row.cut} {row.name}".strip(), figure.value, figure.low, figure.high)
        for row in found.slices
        if row.cut in _CUTS and not math.isnan((figure := row.scores.direction_drawn).value)
    ]
    title = f"Walked from {found.first} to {found.last}: share of right calls, sessions drawn anew in blocks"
    return _forest("walked", title, team, rows) if rows else None


def _forest(of: str, title: str, team: str, rows: Iterable[tuple[str, float, float, float]]) -> Chart:
    told = list(rows)
    names = [name for name, *_ in told]
    shares, lows, highs = (
        [100 * value for value in part] for part in zip(*(_figures(row) for row in told), strict=True)
    )
    series = Series("right calls", names, shares, team_colour(team), "intervals", lows, highs)
    return Chart(
        of, title, [series], suffix=" %", digits=1, at=50.0, across=True, height=90 + _ROW * len(told)
    )


def _figures(row: tuple[str, float, float, float]) -> tuple[float, float, float]:
    return row[1:]


def _calibrated(team: str, scored: Sequence[ScoredPrediction]) -> Chart | None:
    """What came where about the same was said: on the line, predictions mean what they say."""
    told = [(one.probability_up, one.actual_return) for one in scored if one.probability_up is not None]
    bins: Sequence[Bin]
    if told:
        title = "How often it rose where about this probability was said"
        bins = _of_probabilities(told)
    else:
        title = "Return that came, in the mean, by fifths of what was predicted"
        bins = by_fifths(
            (one.predicted_return, one.actual_return)
            for one in scored
            if one.predicted_return is not None and one.actual_return is not None
        )
    if not bins:
        return None
    said = [round(100 * one.said, 3) for one in bins]
    came, low, high = ([100 * value for value in part] for part in zip(*_ends(bins), strict=True))
    series = (
        Series("came", said, came, team_colour(team), "intervals", low, high),
        Series("as said", said, said, GREY),
    )
    return Chart("calibration", title, series, suffix=" %", digits=3, x_title="said, %", height=_LOW)


def _of_probabilities(told: Sequence[tuple[float | None, float | None]]) -> Sequence[Bin]:
    import numpy as np

    if len(told) < ROLLED:
        return ()
    said, came = (np.array(part, float) for part in zip(*told, strict=True))
    return calibration(said, (came > 0).astype(float))


def _ends(bins: Sequence[Bin]) -> list[tuple[float, float, float]]:
    return [(one.rose.value, one.rose.low, one.rose.high) for one in bins]
