"""Features of one symbol from its bars. A value at session t uses bars up to t and nothing later."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from my_dagster_project.domain.indicators import FEATURE_KINDS, FeatureKind
from my_dagster_project.domain.reach import Reach, lagged
from my_dagster_project.foundation.errors import ModelError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


@dataclass(frozen=True)
class Feature:
    """One column to compute: a kind of the catalogue with its parameters, delayed by `lag` sessions."""

    name: str
    kind: str
    parameters: Mapping[str, int | float] = field(default_factory=dict)
    output: str | None = None
    lag: int = 0

    @property
    def definition(self) -> FeatureKind:
        """The catalogue's entry for this kind."""
        return FEATURE_KINDS[self.kind]

    @property
    def values(self) -> dict[str, int | float]:
        """All parameters, the catalogue's defaults where the team gave none (TA-Lib's own differ)."""
        return {
            name: self.parameters.get(name, known.default)
            for name, known in self.definition.parameters.items()
        }

    @property
    def reach(self) -> Reach:
        """How far a value looks from its own session, the delay included."""
        return self.definition.reach(self.values) + lagged(self.lag)


def compute_features(bars: "pd.DataFrame", features: list[Feature], symbol: str = "") -> "pd.DataFrame":
    """The feature table: one row per session after the warm-up, columns `session` and one per feature.

    `bars` are raw OHLCV with `adj_close` (dollars), sorted by session. Open, high and low are brought to the adjusted
    scale with the session's own factor adj_close / close, so a split is not a crash. Numbers are float64, categories
    are strings. The warm-up is the longest reach into the past. Raises ModelError when history is shorter, and when a
    feature reaches into the future.
    """
    import pandas as pd

    for feature in features:
        if ahead := feature.reach.look_ahead:
            raise ModelError(f"{symbol}: feature {feature.name} {ahead}; nothing is computed with it")
    warmup = max((feature.reach.past for feature in features), default=0)
    if len(bars) <= warmup:
        raise ModelError(
            f"{symbol}: {len(bars)} sessions of bars, but the features need more than {warmup} to settle; "
            "start the market data earlier or use shorter periods"
        )
    series = _adjusted(bars, symbol)
    columns = {feature.name: _column(feature, series) for feature in features}
    table = pd.DataFrame({"session": bars["session"], **columns})
    return table.iloc[warmup:].reset_index(drop=True)


def _adjusted(bars: "pd.DataFrame", symbol: str = "") -> "dict[str, np.ndarray]":
    import numpy as np

    factor = bars["adj_close"] / bars["close"]
    prices = {name: (bars[name] * factor).to_numpy("float64") for name in ("open", "high", "low")}
    return {
        **prices,
        "close": bars["adj_close"].to_numpy("float64"),
        "volume": bars["volume"].to_numpy("float64"),
        "weekday": bars["session"].dt.weekday.astype(str).to_numpy(object),
        "symbol": np.full(len(bars), symbol, object),
    }


def _column(feature: Feature, series: "dict[str, np.ndarray]") -> "pd.Series":
    import pandas as pd

    kind = feature.definition
    values = _talib(feature, series) if kind.is_talib else _OWN_KINDS[kind.name](series, **feature.values)
    return pd.Series(values).shift(feature.lag)


def _talib(feature: Feature, series: "dict[str, np.ndarray]") -> "np.ndarray":
    from talib import abstract

    kind = feature.definition
    result = abstract.Function(kind.name)(series, **feature.values)
    values = (
        result if len(kind.outputs) == 1 else result[kind.outputs.index(feature.output or kind.outputs[0])]
    )
    if kind.scale == "level":
        return series["close"] / values - 1
    return values / series["close"] if kind.scale == "difference" else values


def _log_return(series: "dict[str, np.ndarray]", sessions: int = 1) -> "np.ndarray":
    import numpy as np

    close = np.log(series["close"])
    out = np.full(len(close), np.nan)
    out[sessions:] = close[sessions:] - close[:-sessions]
    return out


def _volatility(series: "dict[str, np.ndarray]", sessions: int = 21) -> "pd.Series":
    import pandas as pd

    return pd.Series(_log_return(series)).rolling(sessions).std()


def _volume_zscore(series: "dict[str, np.ndarray]", sessions: int = 21) -> "pd.Series":
    import numpy as np
    import pandas as pd

    volume = pd.Series(np.log1p(series["volume"]))
    window = volume.rolling(sessions)
    deviation = window.std()
    return (volume - window.mean()) / deviation.where(deviation > 0)


def _overnight_gap(series: "dict[str, np.ndarray]") -> "np.ndarray":
    import numpy as np

    out = np.full(len(series["close"]), np.nan)
    out[1:] = np.log(series["open"][1:] / series["close"][:-1])
    return out


def _intraday_return(series: "dict[str, np.ndarray]") -> "np.ndarray":
    import numpy as np

    return np.log(series["close"] / series["open"])


def _daily_range(series: "dict[str, np.ndarray]") -> "np.ndarray":
    import numpy as np

    return np.log(series["high"] / series["low"])


def _weekday(series: "dict[str, np.ndarray]") -> "np.ndarray":
    return series["weekday"]


def _symbol(series: "dict[str, np.ndarray]") -> "np.ndarray":
    return series["symbol"]


_OWN_KINDS = {
    "log_return": _log_return,
    "volatility": _volatility,
    "volume_zscore": _volume_zscore,
    "overnight_gap": _overnight_gap,
    "intraday_return": _intraday_return,
    "daily_range": _daily_range,
    "weekday": _weekday,
    "symbol": _symbol,
}
