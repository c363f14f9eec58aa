"""Alpha Vantage's answers as recorded, played back over a real socket; a refusal comes as HTTP 200 and a sentence."""

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

KEY = "AVKEY0123456789"


def bar(close, adjusted, split="1.0", dividend="0.0000"):
    return {
        "1. open": "125.0800",
        "2. high": "128.2900",
        "3. low": "124.5300",
        "4. close": close,
        "5. adjusted close": adjusted,
        "6. volume": "63386009",
        "7. dividend amount": dividend,
        "8. split coefficient": split,
    }


# Newest first, as the API sends it; the split is AAPL's 4:1 of 2020-08-31.
DAYS = {
    "2020-09-01": bar("134.1800", "131.2000", dividend="0.2050"),
    "2020-08-31": bar("129.0400", "126.1700", "4.0"),
    "2020-08-28": bar("499.2300", "122.0300"),
}
GOOD = {
    "Meta Data": {
        "1. Information": "Daily Time Series with Splits and Dividend Events",
        "2. Symbol": "AAPL",
        "3. Last Refreshed": "2020-09-01",
        "4. Output Size": "Full size",
        "5. Time Zone": "US/Eastern",
    },
    "Time Series (Daily)": DAYS,
}


def fetch(url, start=date(2020, 8, 1), end=date(2020, 12, 31), symbol="AAPL"):
    spec = SourceSpec("alpha_vantage", base_url=url, api_key=KEY, timeout=1.0)
    return make_source(spec, sleep=lambda seconds: None).fetch(symbol, start, end)


def fetch_reply(body, **kwargs):
    with serving(Reply(body, **kwargs)) as there:
        return fetch(there.url)


def test_newest_first_becomes_oldest_first_with_raw_and_adjusted_close():
    bars = require_bars(fetch_reply(GOOD), "AAPL")
    assert session_dates(bars) == [date(2020, 8, 28), date(2020, 8, 31), date(2020, 9, 1)]
    assert bars["close"].tolist() == [499.23, 129.04, 134.18]
    assert bars["adj_close"].tolist() == [122.03, 126.17, 131.2]
    assert bars["volume"].tolist() == [63386009.0] * 3


def test_it_asks_for_the_full_adjusted_history():
    with serving(Reply(GOOD)) as there:
        fetch(there.url)
    assert there.seen[0].path == "/query"
    assert there.seen[0].query == {
        "function": "TIME_SERIES_DAILY_ADJUSTED",
        "symbol": "AAPL",
        "outputsize": "full",
        "datatype": "json",
        "apikey": KEY,
    }


def test_the_answer_is_cut_to_what_was_asked_for():
    with serving(Reply(GOOD)) as there:
        assert session_dates(fetch(there.url, date(2020, 8, 31), date(2020, 8, 31))) == [date(2020, 8, 31)]
        assert fetch(there.url, date(1999, 1, 1), date(1999, 12, 31)).empty


@pytest.mark.parametrize(
    ("body", "error", "message"),
    [
        (
            {
                "Error Message": "Invalid API call. Please retry or visit the documentation for TIME_SERIES_DAILY_ADJUSTED."
            },
            UnknownSymbolError,
            "AAPL: no such symbol",
        ),
        (
            {
                "Error Message": "the parameter apikey is invalid or missing. Please claim your free API key on ..."
            },
            MarketDataError,
            "AAPL: the API key is refused",
        ),
        (
            {
                "Information": "The **demo** API key is for demo purposes only. Please claim your free API key."
            },
            MarketDataError,
            "AAPL: the API key is refused",
        ),
        (
            {
                "Information": "Thank you for using Alpha Vantage! This is a premium endpoint. You may subscribe to any ..."
            },
            MarketDataError,
            "AAPL: adjusted daily bars need a premium key",
        ),
        (
            {
                "Note": "Thank you for using Alpha Vantage! Our standard API call frequency is 5 calls per minute ..."
            },
            RateLimitedError,
            "AAPL: asked too often; try later",
        ),
        (
            {
                "Information": f"We have detected your API key as {KEY} and our standard API rate limit is 25 requests per day. "
                "Please subscribe to any of the premium plans to instantly remove all daily rate limits."
            },
            RateLimitedError,
            r"API key as \*\*\* and our",
        ),
        (
            {
                "Information": "Please consider spreading out your free API requests more sparingly. You may subscribe to lift "
                "the free key rate limit (25 requests per day) and instantly unlock all premium endpoints"
            },
            RateLimitedError,
            "asked too often",
        ),
        ({}, MalformedDataError, "holds no 'Time Series"),
        ([], MalformedDataError, "holds no 'Time Series"),
        ({"Time Series (Daily)": None}, MalformedDataError, "holds no 'Time Series"),
        ("<html>Maintenance</html>", MalformedDataError, "not JSON"),
        ("", MalformedDataError, "not JSON"),
        (
            {"Time Series (Daily)": {"2020-08-31": "?"}},
            MalformedDataError,
            "2020-08-31 holds '\\?', not a bar",
        ),
        ({"Time Series (Daily)": {"yesterday": bar("1", "1")}}, MalformedDataError, "date is 'yesterday'"),
        (
            {"Time Series (Daily)": {"2020-08-31": bar("None", "1")}},
            MalformedDataError,
            r"AAPL: 2020-08-31: 4\. close is 'None', not a number",
        ),
        (
            {"Time Series (Daily)": {"2020-08-31": {"1. open": "1"}}},
            MalformedDataError,
            r"AAPL: 2020-08-31: 2\. high is None",
        ),
    ],
)
def test_each_refusal_becomes_its_own_error_without_the_key(body, error, message):
    with pytest.raises(error, match=message) as caught:
        fetch_reply(body)
    assert type(caught.value) is error
    assert KEY not in str(caught.value)


def test_a_rate_limit_in_a_sentence_is_not_asked_again():
    # Alpha Vantage's limit is per day: asking again within seconds only uses up the next day's patience.
    with serving(Reply({"Note": "Our standard API call frequency is 5 calls per minute"})) as there:
        with pytest.raises(RateLimitedError):
            fetch(there.url)
        assert len(there.seen) == 1


def test_a_source_that_hangs_or_is_down_is_unavailable_without_naming_the_key():
    with serving(Reply("", status=500)) as there, pytest.raises(SourceUnavailableError) as caught:
        fetch(there.url)
    assert KEY not in str(caught.value)
    with pytest.raises(SourceUnavailableError, match="refused") as caught:
        fetch("http://127.0.0.1:1")
    assert KEY not in str(caught.value)
