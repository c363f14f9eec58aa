"""The catalogue of features a team may ask for: names, parameters, units and how far each looks into past and future.

It holds no arithmetic (that is `features.py`) and imports nothing heavy, because every team file is checked against it.
Upper-case kinds are TA-Lib functions under TA-Lib's own names.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from my_dagster_project.domain.reach import Reach

type Scale = Literal["as_is", "level", "difference"]
type Values = Mapping[str, int | float]
type Past = Callable[[Values], int]

# A recursive average remembers all its past. In units of the smoothing period, how many sessions until it has forgotten its
# first value to 1e-6, which counts as its reach: an EMA keeps (1 - 2/(n+1))^k of it, Wilder's average (1 - 1/n)^k. Serving RSI
# from its last rows only was off by 1 %.
_EMA, _WILDER = 8, 15


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
    past: Past
    outputs: tuple[str, ...] = ("value",)
    scale: Scale = "as_is"
    category: bool = False
    future: int = 0

    @property
    def is_talib(self) -> bool:
        """Whether TA-Lib computes it."""
        return self.name.isupper()

    def reach(self, values: Values) -> Reach:
        """How far a value looks; `values` holds every parameter of the kind."""
        return Reach(self.past(values), self.future)


def _window(*periods: str, before: int = 0) -> Past:
    """Windows one upon another, each with its own session in it; `before` sessions are needed for their first value."""
    return lambda values: sum(int(values[name]) - 1 for name in periods) + before


def _recursive(settling: int, *periods: str, stages: int = 1) -> Past:
    """Recursive averages one upon another, until each has forgotten where it began."""
    return lambda values: sum(int(values[name]) for name in periods) * stages * (1 + settling) + 1


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
        past=_window("sessions", before=1),
    ),
    FeatureKind(
        "volatility",
        "standard deviation of one-session log returns over n sessions",
        {"sessions": _sessions(21, minimum=3)},
        past=_window("sessions", before=1),
    ),
    FeatureKind(
        "volume_zscore",
        "log volume against its mean, in standard deviations, over n sessions",
        {"sessions": _sessions(21, minimum=3)},
        past=_window("sessions"),
    ),
    FeatureKind("overnight_gap", "log(open / previous close), adjusted prices", {}, past=_window(before=1)),
    FeatureKind("intraday_return", "log(close / open) of the session", {}, past=_window()),
    FeatureKind("daily_range", "log(high / low) of the session", {}, past=_window()),
    FeatureKind(
        "weekday", 'day of the week of the session, "0" (Monday) to "4"', {}, category=True, past=_window()
    ),
    FeatureKind(
        "symbol",
        "which symbol it is, for a model of several (model.scope team)",
        {},
        category=True,
        past=_window(),
    ),
]

_TALIB = [
    FeatureKind(
        "SMA", "close / simple moving average - 1", _period(20), scale="level", past=_window("timeperiod")
    ),
    FeatureKind(
        "EMA",
        "close / exponential moving average - 1",
        _period(20),
        scale="level",
        past=_recursive(_EMA, "timeperiod"),
    ),
    FeatureKind(
        "DEMA",
        "close / double exponential average - 1",
        _period(20),
        scale="level",
        past=_recursive(_EMA, "timeperiod", stages=2),
    ),
    FeatureKind(
        "TEMA",
        "close / triple exponential average - 1",
        _period(20),
        scale="level",
        past=_recursive(_EMA, "timeperiod", stages=3),
    ),
    FeatureKind(
        "WMA", "close / weighted moving average - 1", _period(20), scale="level", past=_window("timeperiod")
    ),
    FeatureKind(
        "TRIMA",
        "close / triangular moving average - 1",
        _period(20),
        scale="level",
        past=_window("timeperiod"),
    ),
    FeatureKind(
        "BBANDS",
        "close / Bollinger band - 1",
        _bands(),
        outputs=("upperband", "middleband", "lowerband"),
        scale="level",
        past=_window("timeperiod"),
    ),
    FeatureKind(
        "RSI", "relative strength index, 0 to 100", _period(), past=_recursive(_WILDER, "timeperiod")
    ),
    FeatureKind(
        "MACD",
        "moving average convergence/divergence as a fraction of the close",
        _macd(),
        outputs=("macd", "macdsignal", "macdhist"),
        scale="difference",
        past=_recursive(_EMA, "fastperiod", "slowperiod", "signalperiod"),
    ),
    FeatureKind(
        "ATR",
        "average true range as a fraction of the close",
        _period(),
        scale="difference",
        past=_recursive(_WILDER, "timeperiod"),
    ),
    FeatureKind(
        "NATR", "average true range, per cent of the close", _period(), past=_recursive(_WILDER, "timeperiod")
    ),
    FeatureKind(
        "ADX",
        "average directional index, 0 to 100",
        _period(),
        past=_recursive(_WILDER, "timeperiod", stages=2),
    ),
    FeatureKind("CCI", "commodity channel index", _period(), past=_window("timeperiod")),
    FeatureKind(
        "CMO", "Chande momentum oscillator, -100 to 100", _period(), past=_recursive(_WILDER, "timeperiod")
    ),
    FeatureKind(
        "MOM",
        "close minus close n sessions ago, as a fraction of the close",
        _period(10),
        scale="difference",
        past=_window("timeperiod", before=1),
    ),
    FeatureKind(
        "ROC", "rate of change over n sessions, per cent", _period(10), past=_window("timeperiod", before=1)
    ),
    FeatureKind("WILLR", "Williams %R, -100 to 0", _period(), past=_window("timeperiod")),
    FeatureKind("MFI", "money flow index, 0 to 100", _period(), past=_window("timeperiod", before=1)),
    FeatureKind(
        "STOCH",
        "slow stochastic, 0 to 100",
        _stochastic(),
        outputs=("slowk", "slowd"),
        past=_window("fastk_period", "slowk_period", "slowd_period"),
    ),
    FeatureKind("AROONOSC", "Aroon oscillator, -100 to 100", _period(), past=_window("timeperiod", before=1)),
]

FEATURE_KINDS: dict[str, FeatureKind] = {kind.name: kind for kind in [*_OWN, *_TALIB]}
"""Every feature kind by the name a team writes."""
