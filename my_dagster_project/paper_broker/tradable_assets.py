"""What can be traded: the symbols that have traded lately, as of the account's session."""

from typing import Any

from my_dagster_project.paper_broker.ledger import Books
from my_dagster_project.paper_broker.open_account import Ask, OpenAccount
from my_dagster_project.paper_broker.order_entry import STALE_SESSIONS
from my_dagster_project.paper_broker.refusals import not_found
from my_dagster_project.paper_broker.views import EXCHANGE, asset_id

Answer = tuple[int, Any]


def assets(account: OpenAccount, ask: Ask) -> Answer:
    """GET /v2/assets: all of them; none is inactive, no other class, no option."""
    query = ask.only("status", "asset_class", "exchange", "attributes")
    wanted = {"status": "active", "asset_class": "us_equity", "exchange": EXCHANGE}
    if "attributes" in query or any(query.get(name, value) != value for name, value in wanted.items()):
        return 200, []
    books = account.books()
    return 200, [_view(symbol, books) for symbol in account.feed.symbols() if _trades(account, symbol, books)]


def asset(account: OpenAccount, ask: Ask) -> Answer:
    """GET /v2/assets/{symbol or id}: 404 for what has not traded lately."""
    name, books = ask.path["symbol"], account.books()
    symbol = next((one for one in account.feed.symbols() if name in (one, asset_id(one))), name)
    if not _trades(account, symbol, books):
        raise not_found(f"asset not found for {name}")
    return 200, _view(symbol, books)


def _trades(account: OpenAccount, symbol: str, books: Books) -> bool:
    return account.last_close(symbol, books.stands_at(), STALE_SESSIONS) is not None


def _view(symbol: str, books: Books) -> dict[str, Any]:
    return {
        "id": asset_id(symbol),
        "class": "us_equity",
        "exchange": EXCHANGE,
        "symbol": symbol,
        "name": symbol,
        "status": "active",
        "tradable": True,
        "marginable": True,
        "shortable": books.lends,
        "easy_to_borrow": books.lends,
        "fractionable": True,
        "attributes": [],
    }
