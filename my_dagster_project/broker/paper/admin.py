"""What Alpaca does not have: making and resetting accounts (the organiser), moving an account's clock (the team)."""

import sqlite3
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from my_dagster_project.broker.paper import queries
from my_dagster_project.broker.paper.accounts import ensure_account, reset_account
from my_dagster_project.broker.paper.desk import Ask, Desk, parse_date
from my_dagster_project.broker.paper.engine import advance
from my_dagster_project.broker.paper.errors import malformed
from my_dagster_project.broker.paper.faults import Fault, Faults

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,15}$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class AccountBody(BaseModel):
    """The body of POST /paper/v1/accounts."""

    model_config = ConfigDict(extra="forbid")

    team: Name
    key: Text
    secret: Text
    starting_cash: Decimal = Field(gt=0, decimal_places=2)
    cost_bps: Decimal = Field(default=Decimal(0), ge=0, lt=10_000)
    multiplier: int = Field(default=2, ge=1, le=4)


class ResetBody(BaseModel):
    """The body of POST /paper/v1/accounts/{team}/reset."""

    model_config = ConfigDict(extra="forbid")

    starting_cash: Decimal = Field(gt=0, decimal_places=2)


def ensure(db: sqlite3.Connection, ask: Ask) -> tuple[int, Any]:
    """POST /paper/v1/accounts: make the account if it is missing, give it these keys and costs."""
    body = _parsed(AccountBody, ask)
    made = ensure_account(
        db, body.team, body.key, body.secret, body.starting_cash, body.cost_bps, body.multiplier
    )
    return 200, {"team": body.team, "created": made}


def reset(db: sqlite3.Connection, ask: Ask) -> tuple[int, Any]:
    """POST /paper/v1/accounts/{team}/reset: start afresh."""
    reset_account(db, ask.path["team"], _parsed(ResetBody, ask).starting_cash)
    return 200, {"team": ask.path["team"]}


def move_clock(desk: Desk, ask: Ask) -> tuple[int, Any]:
    """POST /paper/v1/clock {"session"}: put this account after the close of a session; answers the clock."""
    if not isinstance(ask.body, dict) or set(ask.body) != {"session"}:
        raise malformed('the body is {"session": "YYYY-MM-DD"}')
    advance(desk, parse_date("session", ask.body["session"]))
    return queries.clock(desk, Ask())


def script(faults: Faults, ask: Ask) -> tuple[int, Any]:
    """POST /paper/v1/faults: queue a fault; answers all that are left."""
    try:
        faults.add(Fault(**ask.body))
    except TypeError as error:
        raise malformed(f"a fault has kind, times, method, path, seconds: {error}") from None
    return 200, faults.left()


def _parsed[Body: BaseModel](kind: type[Body], ask: Ask) -> Body:
    try:
        return kind.model_validate(ask.body)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]  # Without the input: it may be a secret.
        where = ".".join(str(part) for part in first["loc"]) or "body"
        raise malformed(f"request body format is invalid: {where}: {first['msg']}") from None
