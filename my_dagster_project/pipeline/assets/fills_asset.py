"""What became of a team's orders: executions, slippage against the plan, costs, what did not fill and why, equity."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import dagster as dg

from my_dagster_project.foundation.dagster_private import SCHEDULE_NAME_TAG
from my_dagster_project.pipeline.assets.leasing import account_lease
from my_dagster_project.pipeline.assets.outputs import files_output, picture, shown
from my_dagster_project.pipeline.assets.sessions_asked import sessions_asked
from my_dagster_project.pipeline.assets.team_context import TeamContext
from my_dagster_project.pipeline.chain import maker
from my_dagster_project.pipeline.partitions import is_looked_at
from my_dagster_project.pipeline.resources import AssetStoreResource, BrokerResource
from my_dagster_project.pipeline.retries import explained, network_retries
from my_dagster_project.reports.columns import markdown_table
from my_dagster_project.reports.markdown import NONE, table
from my_dagster_project.reports.plots import equity_plot
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.teams.platform import Platform
from my_dagster_project.trading.account_tables import account_markdown
from my_dagster_project.trading.broker import Broker
from my_dagster_project.trading.fill_columns import FILL_COLUMNS, SettledRow
from my_dagster_project.trading.fills import NO_RECORD, Settlement
from my_dagster_project.trading.journal import TeamJournal, team_journal
from my_dagster_project.trading.journal_columns import journal_markdown, journal_sum
from my_dagster_project.trading.planning import limits_of
from my_dagster_project.trading.records import file_of, stopped
from my_dagster_project.trading.settling import settlements
from my_dagster_project.trading.watch import AccountState, look

# Lines of a table in Dagit: more of them nobody reads there, and the files have them all.
_SHOWN = 30


def fills_asset(team: TeamContext) -> dg.AssetsDefinition:
    """The asset `[team, fills]`, partitioned by the session after whose close the orders were decided."""

    @dg.asset(
        description=f"What became of {team.name}'s orders at the next open, against the plan's prices.",
        backfill_policy=dg.BackfillPolicy.single_run(),
        retry_policy=network_retries(),
        **team.stamped("fills", "json"),
    )
    def fills(
        context: dg.AssetExecutionContext, asset_store: AssetStoreResource, broker: BrokerResource
    ) -> dg.Output[Mapping[str, bytes]]:
        sessions, assets = sessions_asked(context, team.platform), asset_store.open()
        account, calendar = partial(broker.open, team.name, team.entry.account), team.platform.calendar
        told = (team.name, sessions, assets, account, calendar)

        def settled() -> list[Settlement]:
            # Settling moves the clock of an account at the bundled broker, so nobody else may be trading it.
            with account_lease(context, team, broker):
                limits = limits_of(team.entry, team.config)
                return settlements(*told, spread_bps=broker.half_spread, limits=limits)

        made = explained(settled)
        _require_orders(context, team.name, made)
        seen = explained(lambda: _account_now(team, made, account, assets))
        for one in made[-_SHOWN:]:
            for order in one.unfilled:
                context.log.info(f"{team.name} {one.session}: {order.side} {order.symbol}: {order.reason}")
            for breach in one.breaches:
                context.log.warning(f"{team.name} {one.session}: {breach}")
        files = {file_of(one.session): one.to_json() for one in made}
        cash = team.platform.registry.competition.starting_cash
        return files_output(files, _metadata(made, seen, cash, team.platform))

    return fills


def _require_orders(context: dg.AssetExecutionContext, team: str, made: Sequence[Settlement]) -> None:
    """Raise dg.Failure where a person asks for what never was; a schedule asks every day, also after one that was missed."""
    if SCHEDULE_NAME_TAG in context.run.tags or any(one.orders or one.mode != NO_RECORD for one in made):
        return
    days = " to ".join(dict.fromkeys(str(one.session) for one in (made[0], made[-1])))
    raise dg.Failure(
        f"team {team} has no orders of session {days} on record, and none at its broker: there is nothing to settle. "
        f"{maker('orders').of(team)} trades a session, the job round all that are due",
        allow_retries=False,
    )


@shown
def _account_now(
    team: TeamContext, made: list[Settlement], account: Callable[[], Broker], assets: AssetStore
) -> tuple[AccountState, TeamJournal]:
    state, trips = AccountState(team.name), TeamJournal()
    if any(one.mode != "off" for one in made):
        state = look(team.name, account())
        trips = team_journal(team.name, account(), assets, team.platform.calendar)
    return replace(state, stopped=stopped(assets, team.name)), trips


@shown
def _metadata(
    made: list[Settlement],
    seen: tuple[AccountState, TeamJournal],
    starting_cash: float,
    platform: Platform,
) -> dict[str, Any]:
    state, trips = seen
    orders = [SettledRow(one.team, one.session, one.filled_in, order) for one in made for order in one.orders]
    curve = [(point.session, float(point.equity)) for point in state.curve]
    # One session alone is a point, not a curve; matplotlib warns that it finds no scale for it.
    seen_whole = len(curve) > 1 and is_looked_at(platform)
    drawn = {"equity": picture(equity_plot({state.team: curve}), "equity")} if seen_whole else {}
    rows = [_equity_row(one) for one in made[-_SHOWN:]]
    return {
        "orders": len(orders),
        "executions": sum(len(row.order.executions) for row in orders),
        "not_filled_whole": sum(len(one.unfilled) for one in made),
        "breaches": dg.MetadataValue.md(
            "\n".join(f"- {one.session}: {breach}" for one in made for breach in one.breaches) or NONE
        ),
        "slippage": float(sum(one.slippage for one in made)),
        "fees": float(sum(one.fees for one in made)),
        "what_became_of_them": dg.MetadataValue.md(markdown_table(FILL_COLUMNS, orders[-_SHOWN:])),
        "equity_curve": dg.MetadataValue.md(table(_EQUITY_HEAD, rows)),
        "account": dg.MetadataValue.md(account_markdown(state, starting_cash)),
        **drawn,
        **_journal(trips),
    }


def _journal(trips: TeamJournal) -> dict[str, Any]:
    lines = f"{journal_sum(trips)}\n\n{journal_markdown(trips, _SHOWN)}" if trips.trips else NONE
    return {"round_trips": dg.MetadataValue.md(lines)}


_EQUITY_HEAD = ("session", "orders", "traded", "slippage", "fees", "equity at the next close")


def _equity_row(one: Settlement) -> list[str]:
    return [
        one.session.isoformat(),
        str(len(one.orders)),
        f"{one.traded:,.2f}",
        f"{one.slippage:+,.2f}",
        f"{one.fees:,.2f}",
        NONE if one.equity is None else f"{one.equity:,.2f}",
    ]
