"""Both of Alpaca's Python clients behind the same few words; answers as the JSON that went over the wire.

Each call goes through the client's own types first (alpaca-py's are strict pydantic models), so that a field neither of
them would take from Alpaca fails the test.
"""

import pytest
from alpaca.common.exceptions import APIError as NewError
from alpaca.data.historical import StockHistoricalDataClient
from alpaca.data.requests import StockBarsRequest
from alpaca.data.timeframe import TimeFrame as NewDay
from alpaca.trading.client import TradingClient
from alpaca.trading.models import NonTradeActivity, TradeActivity
from alpaca.trading.requests import (
    ClosePositionRequest,
    GetCalendarRequest,
    GetOrdersRequest,
    GetPortfolioHistoryRequest,
    LimitOrderRequest,
    MarketOrderRequest,
)
from alpaca_trade_api import REST, TimeFrame
from alpaca_trade_api.rest import APIError as OldError


class Old:
    """alpaca-trade-api, the client the platform trades with."""

    error = OldError

    def __init__(self, url, key, secret, monkeypatch):
        monkeypatch.setenv("APCA_API_DATA_URL", url)
        self.client = REST(key, secret, base_url=url)
        self.client._retry = 0

    def account(self):
        return self.client.get_account()._raw

    def clock(self):
        return self.client.get_clock()._raw

    def calendar(self, start, end):
        return [day._raw for day in self.client.get_calendar(str(start), str(end))]

    def submit(self, symbol, **order):
        order = {"side": "buy", "type": "market", "time_in_force": "day", **order}
        return self.client.submit_order(symbol, **order)._raw

    def order(self, order_id):
        return self.client.get_order(order_id)._raw

    def order_by_client_id(self, client_id):
        return self.client.get_order_by_client_order_id(client_id)._raw

    def orders(self, **query):
        return [order._raw for order in self.client.list_orders(**query)]

    def cancel(self, order_id):
        return self.client.cancel_order(order_id)

    def cancel_all(self):
        return self.client.delete("/orders")  # its own method drops the answer

    def positions(self):
        return [position._raw for position in self.client.list_positions()]

    def position(self, symbol):
        return self.client.get_position(symbol)._raw

    def close(self, symbol, qty=None):
        return self.client.close_position(symbol, qty=qty)._raw

    def close_all(self):
        return [one._raw for one in self.client.close_all_positions()]

    def activities(self, kind, **query):
        return [one._raw for one in self.client.get_activities(kind, **query)]

    def history(self, **query):
        return self.client.get_portfolio_history(timeframe="1D", **query)._raw

    def bars(self, symbols, start=None, end=None, adjustment="raw", limit=None):
        start, end = start and str(start), end and str(end)
        found = {}
        for bar in self.client.get_bars(symbols, TimeFrame.Day, start, end, adjustment, limit):
            raw = dict(bar._raw)
            found.setdefault(raw.pop("S", symbols), []).append(raw)
        return found

    def post(self, path, body):
        return self.client.post(path, body)

    def get(self, path, query=None):
        return self.client.get(path, query)

    @staticmethod
    def told(error):
        return error.status_code, error.code, str(error), error._error


class New:
    """alpaca-py, the official one."""

    error = NewError

    def __init__(self, url, key, secret, monkeypatch):
        self.client = TradingClient(key, secret, url_override=url)
        self.data = StockHistoricalDataClient(key, secret, url_override=url)
        for client in (self.client, self.data):
            client._retry = 0
            client._session.hooks["response"].append(self._hear)

    def _hear(self, response, **_):
        self.raw = response.json() if response.content else None

    def _raw(self, answer):
        """What went over the wire, now that the client has made its own objects of it."""
        assert answer is None or not isinstance(answer, dict)
        return self.raw

    def account(self):
        return self._raw(self.client.get_account())

    def clock(self):
        return self._raw(self.client.get_clock())

    def calendar(self, start, end):
        return self._raw(self.client.get_calendar(GetCalendarRequest(start=start, end=end)))

    def submit(self, symbol, **order):
        order = {"side": "buy", "time_in_force": "day", **order}
        kind = LimitOrderRequest if order.pop("type", "market") == "limit" else MarketOrderRequest
        return self._raw(self.client.submit_order(kind(symbol=symbol, **order)))

    def order(self, order_id):
        return self._raw(self.client.get_order_by_id(order_id))

    def order_by_client_id(self, client_id):
        return self._raw(self.client.get_order_by_client_id(client_id))

    def orders(self, **query):
        return self._raw(self.client.get_orders(GetOrdersRequest(**query)))

    def cancel(self, order_id):
        return self.client.cancel_order_by_id(order_id)

    def cancel_all(self):
        return self._raw(self.client.cancel_orders())

    def positions(self):
        return self._raw(self.client.get_all_positions())

    def position(self, symbol):
        return self._raw(self.client.get_open_position(symbol))

    def close(self, symbol, qty=None):
        options = ClosePositionRequest(qty=str(qty)) if qty else None
        return self._raw(self.client.close_position(symbol, options))

    def close_all(self):
        return self._raw(self.client.close_all_positions(cancel_orders=False))

    def activities(self, kind, **query):
        # The client has no method for these, but it has their types.
        found = self.client.get(f"/account/activities/{kind}", query)
        account = self.client.get_account().id
        for one in found:
            typed = TradeActivity if one["activity_type"] == "FILL" else NonTradeActivity
            typed(account_id=account, **one)
        return found

    def history(self, **query):
        return self._raw(
            self.client.get_portfolio_history(GetPortfolioHistoryRequest(timeframe="1D", **query))
        )

    def bars(self, symbols, start=None, end=None, adjustment="raw", limit=None):
        request = StockBarsRequest(
            symbol_or_symbols=symbols,
            timeframe=NewDay.Day,
            start=start,
            end=end,
            adjustment=adjustment,
            limit=limit,
        )
        self.data.get_stock_bars(request)
        return self.raw["bars"]

    def post(self, path, body):
        return self.client.post(path, body)

    def get(self, path, query=None):
        return self.client.get(path, query)

    @staticmethod
    def told(error):
        body = error._http_error.response.json()
        return error.status_code, body["code"], body["message"], body


def refusal(client, call):
    """HTTP status, Alpaca's code, its words and the whole body of a call that must be refused."""
    with pytest.raises(client.error) as caught:
        call()
    return client.told(caught.value)
