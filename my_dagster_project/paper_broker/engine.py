"""Time of one account: its clock goes forward session by session; splits and dividends, then executions, then the close.

Each account has its own clock, moved by its team, so that teams replay independently of each other. Everything happens in
the caller's one transaction: a clock is never seen between two sessions.
"""

from dataclasses import replace
from datetime import date

from my_dagster_project.paper_broker.corporate import act_all
from my_dagster_project.paper_broker.desk import Desk, require_session
from my_dagster_project.paper_broker.executions import execute_all
from my_dagster_project.paper_broker.ledger import plain, put_holding
from my_dagster_project.paper_broker.refusals import unprocessable


def advance(desk: Desk, target: date) -> None:
    """Put the account after the close of `target`; there already is fine, back is refused with 422."""
    require_session(desk.calendar, target)
    now = desk.books().session
    if now == target:
        return
    if now is not None and target < now:
        raise unprocessable(
            f"the clock of account {desk.team} only goes forward: it stands after the close of {now}, asked was"
            f" {target}; the session due is {desk.calendar.next_session(now)}, or start it afresh: trading reset {desk.team}",
            stands_after=now.isoformat(),
        )
    last = desk.feed.last_session()
    if last is None or target > last:
        raise unprocessable(
            f"the market's bars end at {last}: {target} has not closed there; update the bars first"
        )
    sessions = [target] if now is None else desk.calendar.sessions(desk.calendar.next_session(now), target)
    for session in sessions:
        _trade(desk, session)


def _trade(desk: Desk, session: date) -> None:
    act_all(desk, session)
    execute_all(desk, session)
    _mark(desk, session)


def _mark(desk: Desk, session: date) -> None:
    """Value what is held at the close; a halted symbol keeps its last price. The clock now stands here."""
    for holding in desk.books().holdings.values():
        if bar := desk.feed.bar(holding.symbol, session):
            put_holding(desk.db, desk.team, replace(holding, price=bar.close))
    books, day = desk.books(), session.isoformat()
    desk.db.execute(
        "INSERT INTO equity VALUES (?, ?, ?, ?)", (desk.team, day, plain(books.equity), plain(books.cash))
    )
    desk.db.execute("UPDATE accounts SET session = ? WHERE team = ?", (day, desk.team))
