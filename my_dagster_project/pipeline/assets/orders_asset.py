"""A team's orders of a session: plan after the close, submit for the next open; of a range of sessions one after the other.

One op that has the account's lease from planning to recording: as two ops (a plan, then its submission) another run could
come in between, and a re-execution from failure began without its plan. Each session is on record before the next one is
planned, for a plan follows from what the session before it left in the account; one that fails ends its run. What was
planned is on record, as an observation of the session, before anything is sent. What fails in passing is tried again until
the open, the whole session and by the same ids (`trading/patience.py`); Dagster retries nothing here.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from datetime import date, timedelta
from functools import partial
from typing import Any

import dagster as dg

from my_dagster_project.domain.plan import Plan
from my_dagster_project.domain.risk import refusals
from my_dagster_project.foundation.errors import ObjectMissingError
from my_dagster_project.foundation.settings import load_settings
from my_dagster_project.pipeline.assets.keys import orders_key
from my_dagster_project.pipeline.assets.leasing import account_lease
from my_dagster_project.pipeline.assets.outputs import files_output, shown
from my_dagster_project.pipeline.assets.session_events import PartitionEvents
from my_dagster_project.pipeline.assets.sessions_asked import over, sessions_asked
from my_dagster_project.pipeline.assets.team_context import TeamContext
from my_dagster_project.pipeline.assets.turns import require_turn
from my_dagster_project.pipeline.partitions import replay_sessions
from my_dagster_project.pipeline.resources import AssetStoreResource, BrokerResource
from my_dagster_project.pipeline.retries import explained
from my_dagster_project.reports.asset_pictures import pictured
from my_dagster_project.reports.markdown import markdown_text
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.trading.account_tables import snapshot_markdown
from my_dagster_project.trading.broker import SessionPassedError
from my_dagster_project.trading.halts import read_halts
from my_dagster_project.trading.lease import Held
from my_dagster_project.trading.modes import mode_of
from my_dagster_project.trading.patience import until_the_open
from my_dagster_project.trading.planning import Trader, session_plan
from my_dagster_project.trading.records import file_of, record_of, recorded
from my_dagster_project.trading.replays import begin
from my_dagster_project.trading.submission import Outcome, require_certain, submit_plan

# A month of sessions and holidays.
_ASKED_BACK = timedelta(days=45)


def orders_asset(team: TeamContext) -> dg.AssetsDefinition:
    """The asset `[team, orders]`, partitioned by session; sessions are traded one run at a time, in order.

    A person's backfill is a run per session, the earliest first (`pipeline/run_tags.py`), so that each has a place in the
    queue; `trading run` trades its range in one.
    """

    @dg.asset(
        description=pictured(
            f"{team.name}'s orders after a session's close, for the next open: market, day, sells first.",
            orders_key(team.name).path,
        ),
        # Said, not left to the default: without it Dagit offers to pass a range of sessions to one run.
        backfill_policy=dg.BackfillPolicy.multi_run(max_partitions_per_run=1),
        output_required=False,
        **team.stamped("orders", "alpaca", configuration=_rules(team)),
    )
    def orders(
        context: dg.AssetExecutionContext, asset_store: AssetStoreResource, broker: BrokerResource
    ) -> Iterator[dg.Output[Mapping[str, bytes]] | dg.AssetMaterialization]:
        sessions, assets = sessions_asked(context, team.platform), asset_store.open()
        require_turn(context, orders_key(team.name), sessions[0])
        with ExitStack() as having:
            held = explained(lambda: having.enter_context(account_lease(context, team, broker)))
            traded = partial(_traded, context, team, _trader(team, broker), assets, broker, held)
            if len(sessions) == 1:
                # Dagster stores the output before it comes back in here, so the record is written under the lease too.
                yield files_output(*traded(sessions[0]))
                return
            events = PartitionEvents(context, assets, list(map(str, sessions)))
            for session in sessions:
                yield events.stored(str(session), *traded(session))

    return orders


def _traded(
    context: dg.AssetExecutionContext,
    team: TeamContext,
    trader: Trader,
    assets: AssetStore,
    broker: BrokerResource,
    held: Held,
    session: date,
) -> tuple[Mapping[str, bytes], Mapping[str, Any]]:
    """A session's record, planned and sent, and what is told of it."""
    if kept := explained(lambda: _lived(team, session, assets)):
        context.log.warning(
            f"{team.name} {session}: a run that could not say so any more traded it; nothing is sent"
        )
        return {file_of(session): kept}, {}

    def attempt() -> tuple[Plan, list[Outcome] | None]:
        planned = _planned(context, trader, session, assets, broker)
        return planned, _submitted(team, trader, planned, assets, broker, held)

    opens = team.platform.calendar.open_at(team.platform.calendar.next_session(session))
    patience = (opens, load_settings().retry_seconds, context.log.warning)
    planned, outcomes = explained(lambda: until_the_open(attempt, *patience))
    if outcomes is not None:
        explained(lambda: _note_try(team, session, assets))
    return _told(context, trader, planned, outcomes, assets)


def _lived(team: TeamContext, session: date, assets: AssetStore) -> bytes | None:
    """The record of a session of a season whose run was killed between writing it and telling Dagster; None without one.

    It is written when the fate of every order is known. What a season decided is written once.
    """
    with suppress(ObjectMissingError):
        return recorded(assets, team.name, session) if team.platform.registry.season else None
    return None


@shown  # It decides nothing: a mended count of tries must not trade a replay again.
def _note_try(team: TeamContext, session: date, assets: AssetStore) -> None:
    """Put on record that a replay of this configuration has begun: its first session was traded, whoever asked for it."""
    window, registry = replay_sessions(team.platform), team.platform.registry
    if registry.market.end and not registry.season and window[:1] == [session]:
        begin(assets, team.name, window, team.config.trial_fingerprint(), team.platform.origin(team.name))


def _rules(team: TeamContext) -> tuple[object, ...]:
    """What orders depend on besides predictions: the team's rules, its limits, its cash and what trading costs."""
    competition = team.platform.registry.competition
    rules, limits = team.config.trading.model_dump_json(), team.entry.limits.model_dump_json()
    costs = (competition.cost_bps, competition.commission, competition.partial_fills)
    # Only where there are any: without them the code version is the one it was before these counted.
    accepted = [_accepted(team)] if _accepted(team) else []
    own: list[object] = [competition.impact] if competition.impact else []
    own += [(symbol, competition.costs_of(symbol)) for symbol in sorted(competition.symbol_costs)]
    own += [("borrow_fee", competition.borrow_fee)] if competition.borrow_fee is not None else []
    return (rules, limits, team.entry.mode, competition.starting_cash, *costs, *accepted, *own)


def _accepted(team: TeamContext) -> dict[str, tuple[date, ...]]:
    """The sessions of its symbols whose bars the organiser says are right, as far back as a plan asks (`History.puzzle`).

    A bar of years ago that is accepted must not trade a replay again.
    """
    registry = team.platform.registry
    since = registry.competition.start - _ASKED_BACK
    every = {
        symbol: tuple(day for day in registry.market.accepted.get(symbol, ()) if day >= since)
        for symbol in sorted(team.config.symbols)
    }
    return {symbol: days for symbol, days in every.items() if days}


def _planned(
    context: dg.AssetExecutionContext,
    trader: Trader,
    session: date,
    assets: AssetStore,
    broker: BrokerResource,
) -> Plan:
    """Predictions, account and rules in, orders with their reasons out, on record. Nothing is sent."""
    account = partial(broker.open, trader.name, trader.entry.account)
    plan = session_plan(trader, session, assets, account)
    for line in [*plan.orders, *plan.skipped]:
        context.log.info(f"{trader.name} {session}: {line}")
    told = {"plan": dg.MetadataValue.json(plan.as_record())}
    context.log_event(dg.AssetObservation(orders_key(trader.name), "planned, not sent", told, str(session)))
    return plan


def _told(
    context: dg.AssetExecutionContext,
    trader: Trader,
    planned: Plan,
    outcomes: list[Outcome] | None,
    assets: AssetStore,
) -> tuple[Mapping[str, bytes], Mapping[str, Any]]:
    """The session's record: what became of each order, or what was on record before."""
    if outcomes is None:
        context.log.warning(
            f"{trader.name} {planned.session}: traded before; nothing is sent, the record stays"
        )
        record = explained(lambda: recorded(assets, trader.name, planned.session))
        return {file_of(planned.session): record}, {}
    for outcome in outcomes:
        context.log.info(f"{trader.name} {planned.session}: {outcome}")
    record = record_of(planned, outcomes, trader.mode.mode)
    return {file_of(planned.session): record}, _metadata(planned, outcomes, trader)


def _trader(team: TeamContext, broker: BrokerResource) -> Trader:
    mode = mode_of(team.entry, team.config, broker_url=broker.url)
    return Trader(team.name, team.config, team.entry, mode, _accepted(team))


def _submitted(
    team: TeamContext,
    trader: Trader,
    planned: Plan,
    assets: AssetStore,
    broker: BrokerResource,
    held: Held,
) -> list[Outcome] | None:
    """What became of each order; None when the account has passed the session, so that nothing was sent.

    Before each order the lease is asked for, the exchange's clock (a season closes a session whose team is late) and the
    kill switch: each may have changed since planning. Raises LeaseError, and UncertainError or WithdrawnError unless the
    fate of every order is known.
    """
    if trader.mode.mode != "paper":
        return [Outcome(order, "not sent", f"mode {trader.mode}") for order in planned.orders]
    account = broker.open(trader.name, trader.entry.account)

    def halted() -> str:
        held.require()
        return over(team.platform, planned.session) or read_halts(assets).reason(trader.name)

    try:
        outcomes = submit_plan(account, planned, halted, trader.limits)
    except SessionPassedError:
        return None
    require_certain(planned, outcomes)
    return outcomes


@shown
def _metadata(plan: Plan, outcomes: list[Outcome], trader: Trader) -> dict[str, Any]:
    told = [str(line) for line in [*outcomes, *plan.skipped]]
    lines = [f"- {markdown_text(line)}" for line in told] or ["- nothing to do"]
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
