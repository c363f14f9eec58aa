"""The data route: what the platform's own Alpaca source reads from it is what the broker trades at."""

from datetime import date

import pandas as pd
import pytest
import requests

from my_dagster_project.market_data.sample import SampleSource
from my_dagster_project.market_data.source_kinds import SourceSpec, make_source
from my_dagster_project.paper_broker.feed import TableFeed

START, SPLIT, END = date(2005, 2, 1), date(2005, 2, 28), date(2005, 3, 31)


@pytest.fixture(scope="module")
def frames():
    return {symbol: SampleSource().fetch(symbol, START, END) for symbol in ("AAPL", "MSFT")}


@pytest.fixture
def ask(open_house, frames):
    house = open_house(TableFeed.from_frames(frames))
    red = house.team()

    def at(session):
        red.at_close_of(session)

        def get(status=200, **query):
            headers = {"APCA-API-KEY-ID": "PKred", "APCA-API-SECRET-KEY": "secret-of-red"}
            query = {"timeframe": "1Day", "symbols": "AAPL", "start": str(START), **query}
            answer = requests.get(f"{house.url}/v2/stocks/bars", query, headers=headers, timeout=5)
            assert answer.status_code == status
            return answer.json()

        get.url = house.url
        return get

    return at


def test_the_platforms_own_source_reads_the_same_bars(ask, frames):
    url = ask(END).url
    source = make_source(
        SourceSpec(kind="alpaca", base_url=url, api_key="PKred", api_secret="secret-of-red", feed="sip")
    )
    found, stored = source.fetch("AAPL", START, END), frames["AAPL"]
    raw = ["session", "open", "high", "low", "close", "volume"]
    pd.testing.assert_frame_equal(found[raw], stored[raw], check_dtype=False)
    # Adjusted only for what had happened by then, so as returns, not as levels; Alpaca rounds, and so do we.
    returns, expected = (frame["adj_close"].pct_change().dropna() for frame in (found, stored))
    pd.testing.assert_series_equal(returns, expected, rtol=0, atol=1e-5, check_names=False)


def test_a_split_adjusts_what_came_before_it_once_it_is_known(ask):
    def day_before(answer):
        return next(bar for bar in answer["bars"]["AAPL"] if bar["t"].startswith("2005-02-25"))

    get = ask(date(2005, 2, 25))
    assert day_before(get(adjustment="split"))["c"] == 88.99
    get = ask(SPLIT)
    assert day_before(get(adjustment="raw"))["c"] == 88.99
    split = day_before(get(adjustment="split"))
    assert (split["c"], split["v"]) == (44.495, 2 * day_before(get(adjustment="raw"))["v"])
    assert day_before(get(adjustment="all"))["c"] == pytest.approx(44.495, abs=1e-3)


def test_a_symbol_that_is_halted_now_is_adjusted_for_nothing_that_comes_later(open_house):
    """Without a bar of the account's session its prices were adjusted for all that ever happened to it."""
    frame = SampleSource().fetch("AAPL", START, END)
    frame = frame[frame["session"] != "2005-02-24"].reset_index(drop=True)
    house = open_house(TableFeed.from_frames({"AAPL": frame}))
    red = house.team()
    red.at_close_of(date(2005, 2, 24))
    headers = {"APCA-API-KEY-ID": "PKred", "APCA-API-SECRET-KEY": "secret-of-red"}
    query = {"timeframe": "1Day", "symbols": "AAPL", "start": "2005-02-22", "adjustment": "all"}
    answer = requests.get(f"{house.url}/v2/stocks/bars", query, headers=headers, timeout=5).json()
    assert [bar["c"] for bar in answer["bars"]["AAPL"]] == [85.29, 88.23]


@pytest.mark.parametrize("sort", ["asc", "desc"])
def test_pages_lose_nothing_and_repeat_nothing(ask, sort):
    get = ask(END)
    query = {"symbols": "MSFT,AAPL", "sort": sort}
    whole, paged, token = get(**query), {"AAPL": [], "MSFT": []}, None
    for _ in range(100):
        page = get(**query, limit=7, **({"page_token": token} if token else {}))
        for symbol, bars in page["bars"].items():
            paged[symbol] += bars
        if (token := page["next_page_token"]) is None:
            break
    assert paged == whole["bars"]
    assert len(paged["AAPL"]) == 41


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"timeframe": "1Min"}, "invalid timeframe"),
        ({"adjustment": "forward"}, "invalid adjustment: forward"),
        ({"feed": "rumours"}, "invalid feed"),
        ({"symbols": ""}, "symbols is required"),
        ({"start": "yesterday"}, "invalid start"),
        ({"end": "2004-01-01"}, "end should not be before start"),
        ({"page_token": "AAPL|1999"}, "invalid page_token"),
    ],
)
def test_what_the_data_host_does_not_know_is_a_400(ask, query, words):
    assert words in ask(START)(400, **query)["message"]
