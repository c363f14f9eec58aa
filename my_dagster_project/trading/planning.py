"""A team's plan of a session: everything it follows from is gathered here, decided in `domain`, and gated."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date
from decimal import Decimal

from my_dagster_project.domain.exits import closes_held
from my_dagster_project.domain.facts import Facts
from my_dagster_project.domain.limits import Limits, strictest
from my_dagster_project.domain.orders import plan_orders
from my_dagster_project.domain.plan import Plan, Rules, Signal, Skipped, Snapshot, Standing
from my_dagster_project.domain.risk import gate, refuse_all
from my_dagster_project.foundation.errors import NotYetError, ObjectMissingError
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.teams.registry import TeamEntry
from my_dagster_project.teams.schema import TeamConfig
from my_dagster_project.trading.broker import Account, Broker, Order, Position, SessionPassedError
from my_dagster_project.trading.closes import History, history
from my_dagster_project.trading.halts import read_halts
from my_dagster_project.trading.modes import Decided
from my_dagster_project.trading.predicted import predicted
from my_dagster_project.trading.reconcile import InOrder, highest, reconcile
from my_dagster_project.trading.records import recorded_plan
from my_dagster_project.trading.sent import note
from my_dagster_project.trading.submission import orders_of


@dataclass(frozen=True)
class Trader:
    """A team as trading sees it: its file, its entry in the registry, and how it trades."""

    name: str
    config: TeamConfig
    entry: TeamEntry
    mode: Decided
    accepted: Mapping[str, Collection[date]] = field(default_factory=dict)
    """By symbol the sessions whose bars the organiser says are right (`market.accepted`)."""

    @property
    def rules(self) -> Rules:
        """The team's rules in the domain's words."""
        return rules_of(self.config)

    @property
    def limits(self) -> Limits:
        """The stricter of the organiser's and the team's own limit, each."""
        return limits_of(self.entry, self.config)


def rules_of(config: TeamConfig) -> Rules:
    """Give a team's rules in the domain's words."""
    given = config.trading.model_dump()
    return Rules(**{one.name: given[one.name] for one in fields(Rules) if one.name in given})


def limits_of(entry: TeamEntry, config: TeamConfig) -> Limits:
    """Give the stricter of the organiser's and the team's own limit, each."""
    given = (entry.limits, config.trading.limits)
    return strictest(*(Limits(**limits.model_dump()) for limits in given))


def session_plan(
    trader: Trader, session: date, assets: AssetStore, open_account: Callable[[], Broker]
) -> Plan:
    """Give the gated plan of a session: the account is put at its close first, so what was queued has filled.

    A session the account has passed gives the plan that was carried out then. Raises BrokerError when there was none,
    and whenever the account cannot be read. In mode `off` nobody asks the broker for anything. What is to be sent is written
    down before (`trading.sent`).
    """
    if trader.mode.mode == "off":
        return _nothing(trader, session)
    account = open_account()
    try:
        account.at_close_of(session)
    except SessionPassedError as passed:
        try:
            return recorded_plan(assets, trader.name, session)
        except ObjectMissingError:
            raise passed from None
    state = account.account()
    plan = gate(_planned(trader, session, assets, account, state), trader.limits)
    if halted := read_halts(assets).reason(trader.name):
        return refuse_all(plan, halted)
    if trader.mode.mode == "paper":
        note(assets, state.id, plan)
    return plan


def _planned(trader: Trader, session: date, assets: AssetStore, broker: Broker, account: Account) -> Plan:
    histories = {symbol: history(assets, symbol) for symbol in trader.config.symbols}
    said = predicted(trader.name, trader.config, session, assets)
    # Bars that do not reach the session (restored, or never fetched again) are too old to trade on, predicted or not.
    closes = {
        symbol: close if histories[symbol].close_of(session) else None
        for symbol, close in said.closes.items()
    }
    positions = broker.positions()
    if trader.mode.mode == "paper":
        traded = max(filter(None, (known.before(session) for known in histories.values())), default=None)
        state = reconcile(assets, trader.name, session, broker, account, positions, traded)
    else:
        state = InOrder(broker.orders(since=session), highest(broker, account.equity, session))
    return plan_orders(
        trader.name,
        session,
        [_doubted(signal, histories[signal.symbol], session, trader) for signal in said.signals],
        positions,
        account,
        closes,
        trader.rules,
        trader.limits,
        facts=_facts(trader, session, histories, broker, positions, state),
    )


def _doubted(signal: Signal, known: History, session: date, trader: Trader) -> Signal:
    """Give the signal, not to be believed where nobody knows what a share is worth."""
    puzzle = known.puzzle(signal.symbol, session, trader.accepted.get(signal.symbol, ()))
    return replace(signal, problem=puzzle) if puzzle and not signal.problem else signal


def _nothing(trader: Trader, session: date) -> Plan:
    empty = Snapshot(Decimal(0), Decimal(0), False, trader.rules.cash_margin)
    why = f"trading is {trader.mode}"
    skipped = tuple(Skipped(symbol, why, "mode") for symbol in sorted(trader.config.symbols))
    return Plan(trader.name, session, 1, empty, skipped=skipped)


def _facts(
    trader: Trader,
    session: date,
    histories: Mapping[str, History],
    broker: Broker,
    positions: Sequence[Position],
    state: InOrder,
) -> Facts:
    sent = orders_of(state.orders, trader.name, session)
    if going := [order.client_order_id for order in sent if order.status == "pending_cancel"]:
        raise NotYetError(
            f"{', '.join(going)}: being cancelled at the broker; run the session again in a moment"
        )
    closes = {symbol: known.close_of(session) for symbol, known in histories.items()}
    volatility = {symbol: known.volatility_at(session) for symbol, known in histories.items()}
    moves = {symbol: known.largest_move(session) for symbol, known in histories.items()}
    returns = {symbol: known.returns_at(session) for symbol, known in histories.items()}
    return Facts(
        bar_closes={symbol: close for symbol, close in closes.items() if close is not None},
        volatility={symbol: value for symbol, value in volatility.items() if value is not None},
        returns={symbol: known for symbol, known in returns.items() if known},
        moves={symbol: value for symbol, value in moves.items() if value is not None},
        peak=state.peak,
        closes_held=_closes_held(trader.rules, broker, positions, session),
        standing=tuple(_standing(order) for order in sent if order.is_open),
        ended=tuple(order.client_order_id for order in sent if not order.is_open),
    )


def _closes_held(
    rules: Rules, broker: Broker, positions: Sequence[Position], session: date
) -> dict[str, int]:
    """Give over how many closes each position was held, as far back as the team's rule asks; {} without such a rule."""
    if rules.max_sessions is None or not positions:
        return {}
    sessions = [point.session for point in broker.equity_history() if point.session <= session]
    if not sessions:
        return {}
    last = sessions[-rules.max_sessions :]
    held = {position.symbol: position.qty for position in positions}
    return closes_held(held, broker.activities(last[0]), last)


def _standing(order: Order) -> Standing:
    return Standing(order.client_order_id, order.symbol, order.side, int(order.qty))
