"""The catalogue of features a team may ask for: names, parameters, units and how many sessions each needs to settle.

It holds no arithmetic (that is `features.py`) and imports nothing heavy, because every team file is checked against it.
Upper-case kinds are TA-Lib functions under TA-Lib's own names.
"""

from dataclasses import dataclass
from typing import Literal

type Scale = Literal["as_is", "level", "difference"]
type Memory = Literal["window", "ema", "wilder"]

# Sessions, in units of the smoothing period, until a recursive average has forgotten its first value to 1e-6:
# an EMA keeps (1 - 2/(n+1))^k of it, Wilder's average (1 - 1/n)^k. Serving RSI from its last rows only was off by 1 %.
_SETTLING = {"window": 0, "ema": 8, "wilder": 15}


@dataclass(frozen=True)
class Parameter:
    """One parameter of a feature kind; sessions unless its name says otherwise."""

    type: type
    default: int | float
    minimum: float
    maximum: float


@dataclass(frozen=True)
class FeatureKind:
    """What a team may write after `kind:`.

    `scale` tells how a price-like output becomes comparable over years: a `level` (SMA) as close / level - 1, a
    `difference` in dollars (MACD) as a fraction of the close, anything else stays as it is.
    """

    name: str
    description: str
    parameters: dict[str, Parameter]
    outputs: tuple[str, ...] = ("value",)
    scale: Scale = "as_is"
    memory: Memory = "window"
    stages: int = 1
    category: bool = False

    @property
    def is_talib(self) -> bool:
        """Whether TA-Lib computes it."""
        return self.name.isupper()

    def warmup(self, values: dict[str, int | float]) -> int:
        """How many first sessions must be dropped before the value no longer depends on where history began.

        `values` holds every parameter of the kind.
        """
        sessions = [
            values[name]
            for name, parameter in self.parameters.items()
            if parameter.type is int and not name.endswith("matype")
        ]
        window = int(sum(sessions)) * self.stages
        return window * (1 + _SETTLING[self.memory]) + 1


def _sessions(default: int, maximum: int = 250, minimum: int = 2) -> Parameter:
    return Parameter(int, default, minimum, maximum)


def _period(default: int = 14) -> dict[str, Parameter]:
    return {"timeperiod": _sessions(default)}


def _macd() -> dict[str, Parameter]:
    return {"fastperiod": _sessions(12), "slowperiod": _sessions(26), "signalperiod": _sessions(9, minimum=1)}


def _bands() -> dict[str, Parameter]:
    width = Parameter(float, 2.0, 0.1, 10.0)
    return {"timeperiod": _sessions(20), "nbdevup": width, "nbdevdn": width}


def _stochastic() -> dict[str, Parameter]:
    return {
        "fastk_period": _sessions(5, minimum=1),
        "slowk_period": _sessions(3, minimum=1),
        "slowd_period": _sessions(3, minimum=1),
    }


_OWN = [
    FeatureKind(
        "log_return",
        "log(close / close n sessions ago), adjusted prices",
        {"sessions": _sessions(1, minimum=1)},
    ),
    FeatureKind(
        "volatility",
        "standard deviation of one-session log returns over n sessions",
        {"sessions": _sessions(21, minimum=3)},
    ),
    FeatureKind(
        "volume_zscore",
        "log volume against its mean, in standard deviations, over n sessions",
        {"sessions": _sessions(21, minimum=3)},
    ),
    FeatureKind("overnight_gap", "log(open / previous close), adjusted prices", {}),
    FeatureKind("intraday_return", "log(close / open) of the session", {}),
    FeatureKind("daily_range", "log(high / low) of the session", {}),
    FeatureKind("weekday", 'day of the week of the session, "0" (Monday) to "4"', {}, category=True),
]

_TALIB = [
    FeatureKind("SMA", "close / simple moving average - 1", _period(20), scale="level"),
    FeatureKind("EMA", "close / exponential moving average - 1", _period(20), scale="level", memory="ema"),
    FeatureKind(
        "DEMA", "close / double exponential average - 1", _period(20), scale="level", memory="ema", stages=2
    ),
    FeatureKind(
        "TEMA", "close / triple exponential average - 1", _period(20), scale="level", memory="ema", stages=3
    ),
    FeatureKind("WMA", "close / weighted moving average - 1", _period(20), scale="level"),
    FeatureKind("TRIMA", "close / triangular moving average - 1", _period(20), scale="level"),
    FeatureKind(
        "BBANDS",
        "close / Bollinger band - 1",
        _bands(),
        outputs=("upperband", "middleband", "lowerband"),
        scale="level",
    ),
    FeatureKind("RSI", "relative strength index, 0 to 100", _period(), memory="wilder"),
    FeatureKind(
        "MACD",
        "moving average convergence/divergence as a fraction of the close",
        _macd(),
        outputs=("macd", "macdsignal", "macdhist"),
        scale="difference",
        memory="ema",
    ),
    FeatureKind(
        "ATR", "average true range as a fraction of the close", _period(), scale="difference", memory="wilder"
    ),
    FeatureKind("NATR", "average true range, per cent of the close", _period(), memory="wilder"),
    FeatureKind("ADX", "average directional index, 0 to 100", _period(), memory="wilder", stages=2),
    FeatureKind("CCI", "commodity channel index", _period()),
    FeatureKind("CMO", "Chande momentum oscillator, -100 to 100", _period(), memory="wilder"),
    FeatureKind(
        "MOM", "close minus close n sessions ago, as a fraction of the close", _period(10), scale="difference"
    ),
    FeatureKind("ROC", "rate of change over n sessions, per cent", _period(10)),
    FeatureKind("WILLR", "Williams %R, -100 to 0", _period()),
    FeatureKind("MFI", "money flow index, 0 to 100", _period()),
    FeatureKind("STOCH", "slow stochastic, 0 to 100", _stochastic(), outputs=("slowk", "slowd")),
    FeatureKind("AROONOSC", "Aroon oscillator, -100 to 100", _period()),
]

FEATURE_KINDS: dict[str, FeatureKind] = {kind.name: kind for kind in [*_OWN, *_TALIB]}
"""Every feature kind by the name a team writes."""
