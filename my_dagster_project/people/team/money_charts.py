"""A team's money as charts: its equity with what it paid and changed, how deep it fell, its months, exposure and positions."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate

from my_dagster_project.domain.leaderboard import Curves
from my_dagster_project.history.edits import Edit
from my_dagster_project.people.team.team_page import TeamPage
from my_dagster_project.reports.charts import Chart, Series
from my_dagster_project.reports.colours import distinct_colours, team_colour
from my_dagster_project.trading.session_money import SessionMoney

type Points = Sequence[tuple[str, float]]
_EDIT = "#8250df"
_LOW = 240


def equity_of_team(page: TeamPage) -> Chart | None:
    """Equity at each close beside buying and holding, what it were without costs, and the team's edits; None before there is a curve."""
    own = page.curves.get(page.team, ())
    if not own:
        return None
    series = [
        *_curves(page.curves),
        *_before_costs(page.team, page.money),
        *_edits(own, page.edits),
    ]
    return Chart(
        "equity", "Equity at the close, beside buying and holding", series, prefix="$", x_title="session"
    )


def money_charts(page: TeamPage) -> list[Chart]:
    """The other ones; one that has nothing to show is left out."""
    charts = (_drawdown(page), _months(page), _activity(page.team, page.money), _positions(page.money))
    return [one for one in charts if one]


def _curves(curves: Curves) -> Iterator[Series]:
    for name, curve in curves.items():
        if curve:
            yield Series(name, [day for day, _ in curve], [value for _, value in curve], team_colour(name))


def _before_costs(team: str, money: Sequence[SessionMoney]) -> Iterator[Series]:
    """The equity with all that was paid so far put back; what it would have earned is not."""
    if not any(one.costs for one in money):
        return
    paid = accumulate(one.costs for one in money)
    values = [one.equity + so_far for one, so_far in zip(money, paid, strict=True)]
    yield Series("before costs", [str(one.session) for one in money], values, team_colour(team))


def _edits(curve: Points, edits: Sequence[Edit]) -> Iterator[Series]:
    """Each edit on the curve, at the first session it counted for; what happened before the curve stands at its beginning."""
    days = [day for day, _ in curve]
    at: dict[int, list[str]] = {}
    for edit in edits:
        if edit.since and edit.since <= days[-1]:
            said = f"{edit.version.sha[:10]} {edit.version.author}: {edit.version.subject}"
            at.setdefault(bisect_left(days, edit.since), []).append(_markless(said))
    if at:
        places = sorted(at)
        yield Series(
            "edits",
            [days[place] for place in places],
            [curve[place][1] for place in places],
            _EDIT,
            "dots",
            labels=["; ".join(reversed(at[place])) for place in places],
        )


def _markless(text: str) -> str:
    """Without what plotly takes for markup: it reads some HTML in texts at the pointer, and a link is one somebody may click."""
    return text.replace("<", "(").replace(">", ")")


def _drawdown(page: TeamPage) -> Chart | None:
    series = []
    for name, curve in page.curves.items():
        peaks = accumulate((value for _, value in curve), max, initial=page.starting_cash or None)
        highs = list(peaks)[-len(curve) :] if curve else []
        falls = [100 * (value / high - 1) for (_, value), high in zip(curve, highs, strict=True)]
        series += [Series(name, [day for day, _ in curve], falls, team_colour(name))] if curve else []
    return (
        Chart(
            "drawdown",
            "Fall from the highest close so far",
            series,
            suffix=" %",
            x_title="session",
            height=_LOW,
        )
        if series
        else None
    )


def _months(page: TeamPage) -> Chart | None:
    series = []
    for name, curve in page.curves.items():
        ends = {day[:7]: value for day, value in curve}
        before = [page.starting_cash or (curve[0][1] if curve else 0.0), *ends.values()]
        returns = [100 * (after / start - 1) for start, after in zip(before, ends.values(), strict=False)]
        series += [Series(name, list(ends), returns, team_colour(name), "bar")] if ends else []
    return (
        Chart("months", "Return of each month", series, suffix=" %", x_title="month", named=True, height=_LOW)
        if series
        else None
    )


def _activity(team: str, money: Sequence[SessionMoney]) -> Chart | None:
    if not money:
        return None
    days = [str(one.session) for one in money]
    exposure = [None if one.exposure is None else 100 * one.exposure for one in money]
    turnover = [100 * one.traded / one.equity if one.equity else None for one in money]
    series = (
        Series("turnover", days, turnover, "#b0b8c1", "bar"),
        Series("exposure", days, exposure, team_colour(team)),
    )
    title = "At risk at the close, and traded in the session, as a share of the equity"
    return Chart("exposure", title, series, suffix=" %", digits=1, x_title="session", height=_LOW)


def _positions(money: Sequence[SessionMoney]) -> Chart | None:
    known = [one for one in money if one.positions is not None]
    symbols = sorted({symbol for one in known for symbol in one.positions or ()})
    if not symbols:
        return None
    colours, days = distinct_colours(symbols), [str(one.session) for one in known]
    series = [
        Series(
            symbol,
            days,
            [100 * (one.positions or {}).get(symbol, 0.0) / one.equity for one in known],
            colours[symbol],
            "bar",
        )
        for symbol in symbols
    ]
    title = "Positions at the close, as a share of the equity (sold short below zero)"
    return Chart(
        "positions", title, series, suffix=" %", digits=1, x_title="session", stacked=True, height=300
    )
