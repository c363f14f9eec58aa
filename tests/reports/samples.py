"""Real bars of the sample, turned into a scored frame and features, for the report's tests."""

import math

import numpy as np
import pandas as pd

from my_dagster_project.domain.evaluation import score
from my_dagster_project.domain.targets import NEXT_DIRECTION, NEXT_RETURN

SYMBOL = "AAPL"


def sample_bars():
    from bokeh_sampledata.stocks import AAPL

    columns = ["open", "high", "low", "close", "volume", "adj_close"]
    frame = pd.DataFrame({name: np.array(AAPL[name], float) for name in columns})
    frame.insert(0, "session", pd.to_datetime(AAPL["date"]))
    return frame.sort_values("session", ignore_index=True)


def sample_features(bars):
    returns = np.log(bars["adj_close"]).diff()
    return pd.DataFrame(
        {
            "session": bars["session"],
            "return_1": returns,
            "volatility_21": returns.rolling(21).std(),
            "intraday": np.log(bars["close"] / bars["open"]),
            "weekday": bars["session"].dt.dayofweek.astype(str),
        }
    )


def sample_scored(bars, target=NEXT_RETURN, sessions=60, skill=0.0, seed=3):
    """`skill` is the share of the actual return that the prediction holds; the rest is small noise."""
    at = np.arange(len(bars) - sessions - 1, len(bars) - 1)
    actual = np.log(bars["adj_close"].to_numpy()[at + 1] / bars["adj_close"].to_numpy()[at])
    predicted = skill * actual + np.random.default_rng(seed).normal(0, 0.001, sessions)
    direction = target == NEXT_DIRECTION
    predictions = pd.DataFrame(
        {
            "session": bars["session"].to_numpy()[at],
            "target_session": bars["session"].to_numpy()[at + 1],
            "symbol": SYMBOL,
            "close": bars["close"].to_numpy()[at],
            "predicted_return": math.nan if direction else predicted,
            "probability_up": 1 / (1 + np.exp(-100 * predicted)) if direction else math.nan,
        }
    )
    return score(predictions, bars)


def split_features(features, sessions=60, reference=250):
    last = len(features) - 1
    return features.iloc[last - sessions : last], features.iloc[last - sessions - reference : last - sessions]
