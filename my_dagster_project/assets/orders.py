"""A team's orders of one session: plan after the close, submit for the next open.

A graph of two ops rather than one function: what was planned is on record before anything is sent. No op is retried.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import dagster as dg

from my_dagster_project.assets.keys import orders_key, predictions_key
from my_dagster_project.assets.outputs import files_output
from my_dagster_project.assets.team_context import TeamContext, version_of
from my_dagster_project.automation.partitions import session_of
from my_dagster_project.broker.base import SessionPassedError
from my_dagster_project.broker.submission import Outcome, open_ends, submit_plan
from my_dagster_project.domain.plan import Plan
from my_dagster_project.domain.risk import refusals
from my_dagster_project.resources import AssetStoreResource, BrokerResource
from my_dagster_project.retries import explained
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.trading.halts import read_halts
from my_dagster_project.trading.modes import mode_of
from my_dagster_project.trading.planning import Trader, session_plan
from my_dagster_project.trading.records import file_of, record_of, recorded
from my_dagster_project.trading.watch import snapshot_markdown


def orders_asset(team: TeamContext) -> dg.AssetsDefinition:
    """The asset `[team, orders]`, partitioned by session; sessions are traded one run at a time, in order."""
    plan_op, submit_op = _plan_op(team), _submit_op(team)
    predictions = [predictions_key(team.name, symbol) for symbol in team.config.symbols]
    attributes = team.attributes("alpaca")

    @dg.graph_asset(
        key=orders_key(team.name),
        ins={
            f"predictions_{n}": dg.AssetIn(key, dagster_type=dg.Nothing) for n, key in enumerate(predictions)
        },
        description=f"{team.name}'s orders after a session's close, for the next open: market, day, sells first.",
        code_version=_rules_version(team),
        partitions_def=team.partitions,
        **attributes,
    )
    def orders(**made: Any) -> Any:
        return submit_op(plan_op(list(made.values())))

    return orders


def _rules_version(team: TeamContext) -> str:
    """What orders depend on besides predictions: the team's rules, its limits, its cash and what trading costs."""
    competition = team.platform.registry.competition
    rules, limits = team.config.trading.model_dump_json(), team.entry.limits.model_dump_json()
    costs = (competition.cost_bps, competition.commission, competition.partial_fills)
    return version_of(rules, limits, team.entry.mode, competition.starting_cash, *costs)


def _plan_op(team: TeamContext) -> dg.OpDefinition:
    @dg.op(
        name=f"{team.name.replace('-', '_')}_plan_orders",
        ins={"predictions": dg.In(dg.Nothing)},
        out=dg.Out(io_manager_key="memory"),
        description="Predictions, account and rules in, orders with their reasons out. Nothing is sent.",
    )
    def plan_orders_of_session(
        context: dg.OpExecutionContext, asset_store: AssetStoreResource, broker: BrokerResource
    ) -> str:
        session, trader = session_of(context.partition_key), _trader(team, broker)
        account = partial(broker.open, team.name, team.entry.account)
        plan = explained(lambda: session_plan(trader, session, asset_store.open(), account))
        for line in [*plan.orders, *plan.skipped]:
            context.log.info(f"{team.name} {session}: {line}")
        return plan.to_json()

    return plan_orders_of_session


def _submit_op(team: TeamContext) -> dg.OpDefinition:
    @dg.op(
        name=f"{team.name.replace('-', '_')}_submit_orders",
        description="Submits each planned order at most once; a second run finds them there and submits nothing.",
    )
    def submit_orders_of_session(
        context: dg.OpExecutionContext, plan: str, asset_store: AssetStoreResource, broker: BrokerResource
    ) -> dg.Output[Mapping[str, bytes]]:
        planned, trader, assets = Plan.from_json(plan), _trader(team, broker), asset_store.open()
        outcomes = explained(lambda: _submitted(trader, planned, assets, broker))
        if outcomes is None:
            context.log.warning(
                f"{team.name} {planned.session}: traded before; nothing is sent, the record stays"
            )
            record = explained(lambda: recorded(assets, team.name, planned.session))
            return files_output({file_of(planned.session): record}, {})
        for outcome in outcomes:
            context.log.info(f"{team.name} {planned.session}: {outcome}")
        if trader.mode.mode == "paper":
            _require_certain(team, planned, outcomes)
        record = record_of(planned, outcomes, trader.mode.mode)
        return files_output({file_of(planned.session): record}, _metadata(planned, outcomes, trader))

    return submit_orders_of_session


def _trader(team: TeamContext, broker: BrokerResource) -> Trader:
    mode = mode_of(team.entry, team.config, bundled_broker=broker.url is None)
    return Trader(team.name, team.config, team.entry, mode)


def _submitted(
    trader: Trader, planned: Plan, assets: AssetStore, broker: BrokerResource
) -> list[Outcome] | None:
    """What became of each order; None when the account has passed the session, so that nothing was sent.

    The kill switch is read again before each order: between planning and sending somebody may have pulled it.
    """
    if trader.mode.mode != "paper":
        return [Outcome(order, "not sent", f"mode {trader.mode}") for order in planned.orders]
    account = broker.open(trader.name, trader.entry.account)
    try:
        return submit_plan(account, planned, lambda: read_halts(assets).reason(trader.name), trader.limits)
    except SessionPassedError:
        return None


def _require_certain(team: TeamContext, plan: Plan, outcomes: list[Outcome]) -> None:
    """A session counts as traded only when every order's fate is known; running it again completes it, never doubles it."""
    if left := open_ends(outcomes):
        raise dg.Failure(
            description=f"team {team.name}, session {plan.session}: run it again, nothing is sent twice\n"
            + "\n".join(map(str, left)),
            allow_retries=False,
        )


def _metadata(plan: Plan, outcomes: list[Outcome], trader: Trader) -> dict[str, Any]:
    lines = [f"- {line}" for line in [*outcomes, *plan.skipped]] or ["- nothing to do"]
    asked = {} if trader.mode.mode == "off" else _money(plan)
    return {
        "orders": len(plan.orders),
        **asked,
        "session": plan.session.isoformat(),
        "mode": str(trader.mode),
        "refused": len(refusals(plan)),
        "what_and_why": dg.MetadataValue.md("\n".join(lines)),
    }


def _money(plan: Plan) -> dict[str, Any]:
    seen = plan.snapshot
    account = dg.MetadataValue.md(snapshot_markdown(seen))
    return {"equity": float(seen.equity), "cash": float(seen.cash), "account": account}
