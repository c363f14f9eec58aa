"""Alpaca's bars as recorded, played back over a real socket."""

from datetime import date

import pytest

from my_dagster_project.foundation.errors import (
    MalformedDataError,
    MarketDataError,
    RateLimitedError,
    SourceUnavailableError,
    UnknownSymbolError,
)
from my_dagster_project.market_data.frames import require_bars, session_dates
from my_dagster_project.market_data.source_kinds import SourceSpec, make_source
from tests.support.loopback import Reply, serving

KEY, SECRET = "PKTESTTESTTEST", "secretsecretsecret"


def bar(stamp, close):
    return {
        "c": close,
        "h": close + 1,
        "l": close - 1,
        "n": 1234,
        "o": close,
        "t": stamp,
        "v": 225702700,
        "vw": close,
    }


def page(*bars, token=None):
    return Reply({"bars": {"AAPL": list(bars)} if bars else {}, "next_page_token": token})


# Midnight in New York is 04:00 UTC in summer and 05:00 in winter.
SUMMER, FRIDAY, MONDAY = "2020-08-28T04:00:00Z", "2020-10-30T04:00:00Z", "2020-11-02T05:00:00Z"


def source(url, feed="sip", pauses=None):
    spec = SourceSpec("alpaca", base_url=url, api_key=KEY, api_secret=SECRET, feed=feed, timeout=0.5)
    return make_source(spec, sleep=(pauses if pauses is not None else []).append)


def fetch(url, **kwargs):
    return source(url, **kwargs).fetch("AAPL", date(2020, 8, 28), date(2020, 11, 2))


def test_raw_bars_and_the_adjusted_close_come_from_two_series():
    raw = page(bar(SUMMER, 499.23), bar(FRIDAY, 108.86), bar(MONDAY, 108.77))
    adjusted = page(bar(SUMMER, 122.03), bar(FRIDAY, 106.5), bar(MONDAY, 106.4))
    with serving(raw, adjusted) as there:
        bars = require_bars(fetch(there.url), "AAPL")
    assert session_dates(bars) == [date(2020, 8, 28), date(2020, 10, 30), date(2020, 11, 2)]
    assert bars["close"].tolist() == [499.23, 108.86, 108.77]
    assert bars["adj_close"].tolist() == [122.03, 106.5, 106.4]
    assert bars["high"].tolist() == pytest.approx([500.23, 109.86, 109.77])
    assert bars["volume"].tolist() == [225702700.0] * 3


def test_it_always_says_start_end_feed_and_adjustment_and_sends_the_keys_as_headers():
    with serving(page()) as there:
        fetch(there.url, feed="iex")
    raw, adjusted = there.seen
    assert raw.path == "/v2/stocks/bars"
    assert raw.query == {
        "symbols": "AAPL",
        "timeframe": "1Day",
        "start": "2020-08-28",
        "end": "2020-11-02",
        "adjustment": "raw",
        "feed": "iex",
        "limit": "10000",
    }
    assert adjusted.query == raw.query | {"adjustment": "all"}
    assert (raw.headers["apca-api-key-id"], raw.headers["apca-api-secret-key"]) == (KEY, SECRET)


def test_pages_are_followed_to_the_last():
    replies = [page(bar(SUMMER, 9.0), token="T2"), page(bar(FRIDAY, 8.0), token="T3"), page(bar(MONDAY, 7.0))]
    with serving(*replies, *replies) as there:
        bars = fetch(there.url)
    assert bars["close"].tolist() == [9.0, 8.0, 7.0]
    assert [seen.query.get("page_token") for seen in there.seen] == [None, "T2", "T3"] * 2


def test_a_page_that_leads_back_to_itself_ends():
    with serving(page(token="T")) as there, pytest.raises(MalformedDataError, match="leads back to page 'T'"):
        fetch(there.url)


@pytest.mark.parametrize(
    "body", [{"bars": {}, "next_page_token": None}, {"bars": None, "next_page_token": None}]
)
def test_no_bars_is_an_empty_frame(body):
    with serving(Reply(body)) as there:
        assert require_bars(fetch(there.url), "AAPL").empty


def test_a_bar_beyond_the_range_is_dropped():
    with serving(page(bar(MONDAY, 7.0), bar("2020-11-03T05:00:00Z", 6.0))) as there:
        assert session_dates(fetch(there.url)) == [date(2020, 11, 2)]


@pytest.mark.parametrize(
    ("reply", "error", "message"),
    [
        (
            Reply({"message": "subscription does not permit querying recent SIP data"}, 403),
            SourceUnavailableError,
            "AAPL: HTTP 403: subscription .* Ask again tomorrow, or set market.feed to iex",
        ),
        (
            Reply(
                {"message": "your subscription does not permit querying data from the past 15 minutes"}, 422
            ),
            SourceUnavailableError,
            "Ask again tomorrow",
        ),
        (
            Reply({"message": "end is too late for subscription"}, 422),
            SourceUnavailableError,
            "Ask again tomorrow",
        ),
        (Reply({"message": "forbidden."}, 403), MarketDataError, "Check the market data key and secret"),
        (Reply({"message": f"unauthorized {KEY}"}, 401), MarketDataError, r"unauthorized \*\*\*"),
        (
            Reply({"code": 42210000, "message": "invalid symbol: AA PL"}, 400),
            UnknownSymbolError,
            "invalid symbol",
        ),
        (
            Reply({"message": "invalid adjustment"}, 422),
            MarketDataError,
            "HTTP 422: invalid adjustment The request",
        ),
        (Reply([], 404), MarketDataError, "HTTP 404"),
        (Reply({"message": "too many requests."}, 429), RateLimitedError, "too often"),
        (Reply("", 504), SourceUnavailableError, "HTTP 504"),
        (Reply(hang=True), SourceUnavailableError, "no answer within"),
        (Reply("<html>", 200), MalformedDataError, "not JSON"),
        (Reply("", 403), MalformedDataError, "HTTP 403 with something that is not JSON"),
        (Reply([1, 2]), MalformedDataError, "holds no bars"),
        (Reply({"error": "?"}), MalformedDataError, "holds no bars"),
        (Reply({"bars": {"AAPL": "?"}}), MalformedDataError, "holds no bars"),
        (Reply({"bars": {"AAPL": [{"o": 1}]}}), MalformedDataError, "without a proper time"),
        (Reply({"bars": {"AAPL": [None]}}), MalformedDataError, "without a proper time"),
        (Reply({"bars": {"AAPL": [{"t": "?"}]}}), MalformedDataError, "without a proper time"),
        (page(bar(MONDAY, 7.0), bar(MONDAY, 7.0)), MalformedDataError, "session 2020-11-02 comes twice"),
        (page({**bar(MONDAY, 7.0), "h": None}), MalformedDataError, "2020-11-02: h is None, not a number"),
    ],
)
def test_each_fault_becomes_its_own_error_without_the_keys(reply, error, message):
    with serving(reply) as there, pytest.raises(error, match=message) as caught:
        fetch(there.url)
    assert type(caught.value) is error
    assert "AAPL" in str(caught.value)
    assert KEY not in str(caught.value)
    assert SECRET not in str(caught.value)


def test_too_many_requests_waits_as_long_as_it_is_told_and_goes_on():
    pauses = []
    with serving(Reply("", 429, {"Retry-After": "3"}), page(bar(MONDAY, 7.0))) as there:
        assert len(fetch(there.url, pauses=pauses)) == 1
    assert pauses == [3.0]


def test_series_that_do_not_match_are_refused():
    message = r"2020-10-30 \(1 sessions\) is in the raw or the adjusted"
    raw, adjusted = page(bar(FRIDAY, 8.0), bar(MONDAY, 7.0)), page(bar(MONDAY, 6.0))
    with serving(raw, adjusted) as there, pytest.raises(MalformedDataError, match=message):
        fetch(there.url)
