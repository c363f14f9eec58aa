"""Time of one account: its clock goes forward session by session; splits and dividends, then executions, then the close.

Each account has its own clock, moved by its team, so that teams replay independently of each other. Everything happens in
the caller's one transaction: a clock is never seen between two sessions.
"""

from dataclasses import replace
from datetime import date
from decimal import ROUND_HALF_UP

from my_dagster_project.domain.volatility import SESSIONS_A_YEAR
from my_dagster_project.paper_broker.corporate import act_all
from my_dagster_project.paper_broker.executions import execute_all, record
from my_dagster_project.paper_broker.ledger import CENT, plain, put_cash, put_holding
from my_dagster_project.paper_broker.open_account import OpenAccount, require_session
from my_dagster_project.paper_broker.refusals import unprocessable


def advance(account: OpenAccount, target: date) -> None:
    """Put the account after the close of `target`; there already is fine, back is refused with 422."""
    require_session(account.calendar, target)
    now = account.books().session
    if now == target:
        return
    if now is not None and target < now:
        raise unprocessable(
            f"the clock of account {account.team} only goes forward: it stands after the close of {now}, asked was"
            f" {target}; the session due is {account.calendar.next_session(now)}, or start it afresh: trading reset {account.team}",
            stands_after=now.isoformat(),
        )
    last = account.feed.last_session()
    if last is None or target > last:
        raise unprocessable(
            f"the market's bars {f'end at {last}' if last else 'are not there yet'}: {target} has not closed there; update the bars first"
        )
    sessions = (
        [target] if now is None else account.calendar.sessions(account.calendar.next_session(now), target)
    )
    for session in sessions:
        _trade(account, session)


def _trade(account: OpenAccount, session: date) -> None:
    act_all(account, session)
    execute_all(account, session)
    _mark(account, session)


def _mark(account: OpenAccount, session: date) -> None:
    """Value what is held at the close; a halted symbol keeps its last price. The clock now stands here."""
    for holding in account.books().holdings.values():
        if bar := account.feed.bar(holding.symbol, session):
            put_holding(account.db, account.team, replace(holding, price=bar.close))
    _borrow(account, session)
    books, day = account.books(), session.isoformat()
    account.db.execute(
        "INSERT INTO equity VALUES (?, ?, ?, ?)", (account.team, day, plain(books.equity), plain(books.cash))
    )
    account.db.execute("UPDATE accounts SET session = ? WHERE team = ?", (day, account.team))


def _borrow(account: OpenAccount, session: date) -> None:
    """Charge what shares sold short cost over this close: the fee of a year by its sessions, in whole cents."""
    books = account.books()
    for holding in books.holdings.values():
        yearly = -holding.value * (books.terms.borrow_fee or 0)
        fee = (yearly / SESSIONS_A_YEAR).quantize(CENT, ROUND_HALF_UP)
        if holding.qty < 0 and fee:
            put_cash(account.db, account.team, account.books().cash - fee)
            what = ("FEE", holding.symbol, None, -holding.qty, holding.price, -fee, None)
            record(account, *what, session, account.calendar.close_at(session))
