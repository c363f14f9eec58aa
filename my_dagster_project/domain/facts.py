"""What planning is told about the world outside a team's predictions, in the words of `plan`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Protocol

from my_dagster_project.domain.plan import Number, Standing


class AccountView(Protocol):
    """What planning reads of an account (`broker.base.Account` fits): dollars as Decimal."""

    @property
    def cash(self) -> Decimal: ...  # noqa: D102
    @property
    def equity(self) -> Decimal: ...  # noqa: D102
    @property
    def multiplier(self) -> int: ...  # noqa: D102
    @property
    def blocked(self) -> str: ...  # noqa: D102
    @property
    def lends(self) -> bool: ...  # noqa: D102


class PositionView(Protocol):
    """What planning reads of a position (`broker.base.Position` fits): shares, negative when short; dollars a share."""

    @property
    def symbol(self) -> str: ...  # noqa: D102
    @property
    def qty(self) -> Decimal: ...  # noqa: D102
    @property
    def current_price(self) -> Decimal: ...  # noqa: D102
    @property
    def avg_entry_price(self) -> Decimal: ...  # noqa: D102


@dataclass(frozen=True)
class Facts:
    """What else is known after a session's close; all of it may be missing.

    `bar_closes`: the raw close of the session in the stored bars, by symbol, to hold the prediction's close against.
    `volatility`: standard deviation of one-session log returns up to the session, by symbol.
    `returns`: the log returns of the sessions up to this one, by symbol and session.
    `moves`: the largest log return, absolute, of any session up to this one, by symbol.
    `peak`: the account's highest equity up to the session, dollars.
    `closes_held`: over how many of the last closes each position was held, by symbol, where a rule asks for it.
    `standing`: our orders of this session that the broker has already, and that still may fill.
    `ended`: ids of our orders of this session that do nothing any more (cancelled, expired, rejected, filled).
    """

    bar_closes: Mapping[str, Number] = field(default_factory=dict)
    volatility: Mapping[str, float] = field(default_factory=dict)
    returns: Mapping[str, Mapping[date, float]] = field(default_factory=dict)
    moves: Mapping[str, float] = field(default_factory=dict)
    peak: Decimal | None = None
    closes_held: Mapping[str, int] = field(default_factory=dict)
    standing: tuple[Standing, ...] = ()
    ended: tuple[str, ...] = ()
