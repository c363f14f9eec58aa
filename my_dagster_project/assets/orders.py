"""A team's orders of one session: plan after the close, submit for the next open.

A graph of two ops rather than one function: what was planned is on record before anything is sent. No op is retried.
"""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

import dagster as dg

from my_dagster_project.assets.keys import orders_key, predictions_key
from my_dagster_project.assets.outputs import explained, files_output
from my_dagster_project.assets.team_context import TeamContext, version_of
from my_dagster_project.automation.partitions import session_of
from my_dagster_project.broker.base import Broker, SessionPassedError
from my_dagster_project.broker.submission import Outcome, submit_plan
from my_dagster_project.domain.orders import plan_orders
from my_dagster_project.domain.plan import Limits, Plan, Rules, Signal, money
from my_dagster_project.domain.risk import gate
from my_dagster_project.errors import ObjectMissingError
from my_dagster_project.resources import AssetStoreResource, BrokerResource
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.tables import from_parquet


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
    return version_of(rules, limits, competition.starting_cash, competition.cost_bps)


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
        session = session_of(context.partition_key)
        plan = explained(lambda: plan_session(team, session, asset_store.open(), broker))
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
        planned = Plan.from_json(plan)
        account = explained(lambda: broker.open(team.name, team.entry.account))
        outcomes = explained(lambda: _submitted(account, planned))
        if outcomes is None:
            context.log.warning(
                f"{team.name} {planned.session}: traded before; nothing is sent, the record stays"
            )
            record = explained(lambda: _recorded(team, planned.session, asset_store.open()))
            return files_output({_file(planned.session): record}, {})
        for outcome in outcomes:
            context.log.info(f"{team.name} {planned.session}: {outcome}")
        _require_certain(team, planned, outcomes)
        return files_output(
            {_file(planned.session): _record(planned, outcomes)}, _metadata(planned, outcomes)
        )

    return submit_orders_of_session


def _submitted(account: Broker, planned: Plan) -> list[Outcome] | None:
    """What became of each order; None when the account has passed the session, so that nothing was sent."""
    try:
        return submit_plan(account, planned)
    except SessionPassedError:
        return None


def plan_session(team: TeamContext, session: date, assets: AssetStore, broker: BrokerResource) -> Plan:
    """The gated plan of a session: the account is put at its close first, so what was queued has filled.

    A session the account has passed gives the plan that was carried out then; raises BrokerError when there was none.
    """
    account = broker.open(team.name, team.entry.account)
    try:
        account.at_close_of(session)
    except SessionPassedError as passed:
        try:
            return Plan.from_json(json.dumps(json.loads(_recorded(team, session, assets))["plan"]))
        except ObjectMissingError:
            raise passed from None
    signals, closes = _signals(team, session, assets)
    trading, limits = team.config.trading, team.entry.limits
    rules = Rules(trading.strategy, trading.buy_above, trading.sell_below, money(trading.position_share))
    bounds = Limits(limits.max_symbols, money(limits.position_share), money(limits.order_value))
    plan = plan_orders(
        team.name, session, signals, account.positions(), account.account(), closes, rules, bounds
    )
    return gate(plan, bounds)


def _signals(
    team: TeamContext, session: date, assets: AssetStore
) -> tuple[list[Signal], dict[str, float | None]]:
    """The session's signals and raw closes; a symbol without a prediction has neither, and the plan says so."""
    signals: list[Signal] = []
    closes: dict[str, float | None] = dict.fromkeys(team.config.symbols)
    column = "probability_up" if team.config.is_classification else "predicted_return"
    for symbol in team.config.symbols:
        try:
            data = assets.read_file((team.name, symbol, "predictions"), f"{session}.parquet")
        except ObjectMissingError:
            continue
        row = from_parquet(data).iloc[0]
        closes[symbol] = float(row["close"])
        signals.append(
            Signal(
                team.name,
                row["session"].date(),
                symbol,
                float(row[column]),
                team.config.target,
                row["trained_through"].date(),
            )
        )
    return signals, closes


def _file(session: date) -> str:
    return f"{session}.json"


def _recorded(team: TeamContext, session: date, assets: AssetStore) -> bytes:
    return assets.read_file(tuple(orders_key(team.name).path), _file(session))


def _record(plan: Plan, outcomes: list[Outcome]) -> bytes:
    body = {"plan": json.loads(plan.to_json()), "outcomes": [outcome.record() for outcome in outcomes]}
    return json.dumps(body, indent=1, sort_keys=True).encode()


def _require_certain(team: TeamContext, plan: Plan, outcomes: list[Outcome]) -> None:
    """A session counts as traded only when every order's fate is known; running it again completes it, never doubles it."""
    open_ends = [str(outcome) for outcome in outcomes if outcome.status in ("unknown", "not sent")]
    if any(outcome.status == "unknown" for outcome in outcomes) or len(open_ends) == len(outcomes) > 0:
        raise dg.Failure(
            description=f"team {team.name}, session {plan.session}: run it again, nothing is sent twice\n"
            + "\n".join(open_ends),
            allow_retries=False,
        )


def _metadata(plan: Plan, outcomes: list[Outcome]) -> dict[str, Any]:
    lines = [f"- {line}" for line in [*outcomes, *plan.skipped]] or ["- nothing to do"]
    return {
        "orders": len(plan.orders),
        "equity": float(plan.snapshot.equity),
        "cash": float(plan.snapshot.cash),
        "session": plan.session.isoformat(),
        "what_and_why": dg.MetadataValue.md("\n".join(lines)),
    }
