import pandas as pd
import pytest


@pytest.fixture(scope="session")
def apple() -> pd.DataFrame:
    """Real daily bars of AAPL, 2000-2013, with three splits and a dividend in them."""
    from bokeh_sampledata.stocks import data

    bars = pd.DataFrame(data)
    bars = bars[bars["ticker"] == "AAPL"].rename(columns={"date": "session"})
    bars["session"] = pd.to_datetime(bars["session"])
    bars["volume"] = bars["volume"].astype("float64")
    return bars.sort_values("session")[
        ["session", "open", "high", "low", "close", "volume", "adj_close"]
    ].reset_index(drop=True)
