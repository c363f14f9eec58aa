"""What Alpaca does not have: making and resetting accounts (the organiser), moving an account's clock (the team)."""

import sqlite3
from dataclasses import fields
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from my_dagster_project.paper_broker import market
from my_dagster_project.paper_broker.accounts import Opening, block_account, ensure_account, reset_account
from my_dagster_project.paper_broker.engine import advance
from my_dagster_project.paper_broker.faults import Fault, Faults
from my_dagster_project.paper_broker.ledger import Costs, Terms
from my_dagster_project.paper_broker.open_account import Ask, OpenAccount, parse_date
from my_dagster_project.paper_broker.refusals import malformed

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,15}$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class SymbolCosts(BaseModel):
    """What one symbol costs, in the body of POST /paper/v1/accounts."""

    model_config = ConfigDict(extra="forbid")

    cost_bps: Decimal = Field(ge=0, lt=10_000)
    impact: Decimal = Field(ge=0, le=100)


class AccountBody(BaseModel):
    """The body of POST /paper/v1/accounts."""

    model_config = ConfigDict(extra="forbid")

    team: Name
    key: Text
    secret: Text
    starting_cash: Decimal = Field(gt=0, decimal_places=2)
    cost_bps: Decimal = Field(default=Decimal(0), ge=0, lt=10_000)
    commission: Decimal = Field(default=Decimal(0), ge=0, le=100)
    partial_fills: Decimal = Field(default=Decimal(0), ge=0, le=1)
    seed: int = 0
    impact: Decimal = Field(default=Decimal(0), ge=0, le=100)
    symbol_costs: dict[str, SymbolCosts] = {}
    borrow_fee: Decimal | None = Field(default=None, ge=0, le=10)
    multiplier: int = Field(default=2, ge=1, le=4)

    def opening(self) -> Opening:
        """Give what the account is opened with."""
        symbols = {symbol: Costs(one.cost_bps, one.impact) for symbol, one in self.symbol_costs.items()}
        how = (self.cost_bps, self.commission, self.partial_fills, self.seed)
        terms = Terms(*how, self.impact, symbols, self.borrow_fee)
        return Opening(self.team, self.key, self.secret, self.starting_cash, terms, self.multiplier)


class ResetBody(BaseModel):
    """The body of POST /paper/v1/accounts/{team}/reset."""

    model_config = ConfigDict(extra="forbid")

    starting_cash: Decimal = Field(gt=0, decimal_places=2)


class BlockBody(BaseModel):
    """The body of POST /paper/v1/accounts/{team}/block."""

    model_config = ConfigDict(extra="forbid")

    blocked: bool


def ensure(db: sqlite3.Connection, ask: Ask) -> tuple[int, Any]:
    """POST /paper/v1/accounts: make the account if it is missing, give it these keys and costs."""
    opening = _parsed(AccountBody, ask).opening()
    return 200, {"team": opening.team, "created": ensure_account(db, opening)}


def reset(db: sqlite3.Connection, ask: Ask) -> tuple[int, Any]:
    """POST /paper/v1/accounts/{team}/reset: start afresh."""
    reset_account(db, ask.path["team"], _parsed(ResetBody, ask).starting_cash)
    return 200, {"team": ask.path["team"]}


def block(db: sqlite3.Connection, ask: Ask) -> tuple[int, Any]:
    """POST /paper/v1/accounts/{team}/block {"blocked"}: forbid or allow its trading."""
    blocked = _parsed(BlockBody, ask).blocked
    block_account(db, ask.path["team"], blocked)
    return 200, {"team": ask.path["team"], "blocked": blocked}


def move_clock(account: OpenAccount, ask: Ask) -> tuple[int, Any]:
    """POST /paper/v1/clock {"session"}: put this account after the close of a session; answers the clock."""
    if not isinstance(ask.body, dict) or set(ask.body) != {"session"}:
        raise malformed('the body is {"session": "YYYY-MM-DD"}')
    advance(account, parse_date("session", ask.body["session"]))
    return market.clock(account, Ask())


def script(faults: Faults, ask: Ask) -> tuple[int, Any]:
    """POST /paper/v1/faults: queue a fault; answers all that are left."""
    try:
        faults.add(Fault(**ask.body))
    except TypeError as error:
        names = ", ".join(one.name for one in fields(Fault))
        raise malformed(f"a fault has {names}: {error}") from None
    return 200, faults.left()


def _parsed[Body: BaseModel](kind: type[Body], ask: Ask) -> Body:
    try:
        return kind.model_validate(ask.body)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]  # Without the input: it may be a secret.
        where = ".".join(str(part) for part in first["loc"]) or "body"
        raise malformed(f"request body format is invalid: {where}: {first['msg']}") from None
