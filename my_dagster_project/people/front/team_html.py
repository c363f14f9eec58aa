"""A team's page as HTML."""

import math
from collections.abc import Sequence

from my_dagster_project.history.lineage import Origin
from my_dagster_project.history.lineage_columns import NEWEST, ORIGIN_COLUMNS
from my_dagster_project.people.front.links import Links
from my_dagster_project.people.front.pages import REFRESH_SECONDS, filled
from my_dagster_project.people.status.page import Check, TeamStatus
from my_dagster_project.people.team.forecast_charts import forecast_charts
from my_dagster_project.people.team.model_training import INPUT_COLUMNS, learning_chart
from my_dagster_project.people.team.money_charts import equity_of_team, money_charts
from my_dagster_project.people.team.team_charts import predictions_chart
from my_dagster_project.people.team.team_columns import (
    EDIT_COLUMNS,
    FORECAST_COLUMNS,
    shown_columns,
)
from my_dagster_project.people.team.team_page import ScoredPrediction, TeamPage
from my_dagster_project.reports.leaderboard_columns import BY_FORECAST, BY_MONEY, living
from my_dagster_project.reports.markdown import percent
from my_dagster_project.trading.account_tables import tables_of
from my_dagster_project.trading.fill_columns import FILL_COLUMNS
from my_dagster_project.trading.journal_columns import JOURNAL_COLUMNS, journal_sum

# Rows of a table; the downloads have them all.
_ROWS = 15


def team_html(links: Links, team: TeamPage, status: TeamStatus | None, *, age: str = "") -> str:
    """Everything about a team; `status` is its part of the status page, None where that could not be read."""
    equity, money, forecasts = equity_of_team(team), money_charts(team), forecast_charts(team)
    charts = {symbol: predictions_chart(symbol, team.scored.get(symbol, ())) for symbol in team.symbols}
    learning = {symbol: learning_chart(team.team, one) for symbol, one in team.trainings.items()}
    return filled(
        "team.html",
        links,
        here="team",
        team=team,
        branch=team.branch,
        origin=team.origin,
        trading=status.trading if status else None,
        todo=_todo(status),
        account=tables_of([team.account], team.starting_cash) if team.account else [],
        journal_sum=journal_sum(team.trips),
        summaries={symbol: _summary(team.scored.get(symbol, ())) for symbol in team.symbols},
        origins={symbol: _origins(team.lineage, symbol) for symbol in team.symbols},
        rows=_ROWS,
        equity=equity,
        charts_of=charts,
        money=money,
        forecasts=forecasts,
        learning=learning,
        charts=any([equity, *money, *forecasts, *charts.values(), *learning.values()]),
        input_columns=INPUT_COLUMNS,
        origin_columns=[column for column in ORIGIN_COLUMNS if column.name in NEWEST],
        by_forecast=living(BY_FORECAST),
        by_money=living(BY_MONEY),
        forecast_columns=FORECAST_COLUMNS,
        journal_columns=JOURNAL_COLUMNS,
        fill_columns=FILL_COLUMNS,
        edit_columns=EDIT_COLUMNS,
        shown_columns=shown_columns,
        refresh=REFRESH_SECONDS,
        age=age,
    )


def _todo(status: TeamStatus | None) -> list[tuple[str, Check]]:
    """What is wrong with a team, the worst first, in the status page's words."""
    checks = status.checks if status else ()
    return [("", check) for state in ("red", "warn") for check in checks if check.state == state]


def _origins(lineage: Sequence[Origin], symbol: str) -> list[Origin]:
    """Of a symbol's figures: where the report comes from that scored them, and the model that made them."""
    return [
        one
        for one in lineage
        if one.asset[1] == symbol and one.asset[-1].split("@")[0] in ("report", "model")
    ]


def _summary(scored: Sequence[ScoredPrediction]) -> str:
    """How often up or down was called right."""
    hits = [one.hit for one in scored if one.hit is not None]
    share = percent(sum(hits) / len(hits) if hits else math.nan)
    return f"{len(scored)} scored, {share} of {len(hits)} calls right" if scored else ""
