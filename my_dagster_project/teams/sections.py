"""The parts of a team's file: when it trains, when it trades, when it runs, and what one symbol has differently."""

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from my_dagster_project.domain.plan import Dropped
from my_dagster_project.domain.strategies import STRATEGIES
from my_dagster_project.domain.windows import NEVER, REFITS, Refit, window_of
from my_dagster_project.foundation.problems import show, suggestion
from my_dagster_project.foundation.strict import Strict
from my_dagster_project.models.kinds.table import KINDS
from my_dagster_project.teams.cron import cron_problem
from my_dagster_project.teams.team_limits import TradingLimits

if TYPE_CHECKING:
    type StrategyName = str
    type RefitName = Refit
else:
    StrategyName = Literal[tuple(STRATEGIES)]
    RefitName = Literal[REFITS]
# Fewer cannot hold the 100 rows a training needs; a century of sessions is 25 000.
_FEWEST, _MOST = 120, 25_000
SessionCount = Annotated[int, Field(ge=_FEWEST, le=_MOST)]
_SINCE_REFITS = ("refit", "window", "warm_start")


def _off(value: object) -> object:
    """YAML reads a bare `off` as false; nobody means anything else by it here."""
    return "off" if value is False else value


Mode = Annotated[Literal["off", "shadow", "paper"], BeforeValidator(_off)]

ORGANISERS = dict.fromkeys(
    ("account", "branch", "limits", "owners", "market", "competition", "calendar"),
    "it is the organiser's, in configs/teams.yaml",
)


class Training(Strict):
    """Which sessions a model may learn from, and how often it learns anew."""

    start: date | None = Field(
        default=None, description="First session of training data; all of the data without it."
    )
    cutoff: date = Field(
        description="Last session whose close the training may see, where `refit` is never; a refit sees all before its window."
    )
    refit: RefitName = Field(
        default=NEVER,
        description="How often each model is trained anew: the refit of a week, month or quarter learns from all before it.",
    )
    window: Literal["expanding"] | SessionCount = Field(
        default="expanding",
        description="How much a training sees: all since `start`, or so many of the newest sessions.",
    )
    warm_start: bool = Field(
        default=False, description="Begin a refit with the weights of the one before it."
    )
    validation_fraction: float = Field(
        default=0.15, ge=0.05, le=0.5, description="The latest part of the sessions decides when to stop."
    )
    seed: int | None = Field(
        default=None,
        ge=0,
        le=2**32 - 1,
        description="Ignored: the seed is the platform's, so that nobody searches for a lucky one. Leave it out.",
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.start is not None and self.start >= self.cutoff:
            raise ValueError(f"start {self.start} must be before cutoff {self.cutoff}")
        return self

    @field_validator("window", mode="before")
    @classmethod
    def _plain_window(cls, value: Any) -> Any:
        """Said here in one sentence: of two forms pydantic tells what is wrong with each."""
        counted = isinstance(value, int) and not isinstance(value, bool) and _FEWEST <= value <= _MOST
        if not counted and value != "expanding":
            raise ValueError(
                f"must be expanding, or a number of sessions from {_FEWEST} to {_MOST:,}, not {show(value)}"
            )
        return value

    @property
    def refits(self) -> bool:
        """Whether its models are trained anew as time passes."""
        return self.refit != NEVER

    @property
    def sessions(self) -> int | None:
        """How many of the newest sessions a training sees; None for all of them."""
        return None if self.window == "expanding" else self.window

    def window_of(self, session: date) -> str:
        """The window (ISO) whose model predicts a session, '' where there is one model for all."""
        return window_of(self.refit, session).isoformat() if self.refits else ""

    @model_serializer(mode="wrap")
    def _as_it_was(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without what is as it was before there were refits: old fingerprints stay."""
        fields = type(self).model_fields
        return {
            name: value
            for name, value in dump(self).items()
            if name not in _SINCE_REFITS or getattr(self, name) != fields[name].default
        }


class Model(Strict):
    """A model: its kind, and beside it the keys of that kind, which the kind itself judges."""

    model_config = ConfigDict(extra="allow")

    kind: str = Field(
        json_schema_extra={"enum": list(KINDS)},
        description=" ".join(f"{kind.name}: {kind.says}" for kind in KINDS.values()),
    )
    scope: Literal["symbol", "team"] = Field(
        default="symbol",
        description="symbol: one model for each symbol. team: one for all of them, trained on the rows of all.",
    )

    @field_validator("kind")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in KINDS:
            raise ValueError(f"cannot be {show(value)}{suggestion(value, KINDS)}")
        return value

    @model_serializer(mode="wrap")
    def _as_it_was(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without the scope that every model had before there were two: old fingerprints stay."""
        return {name: value for name, value in dump(self).items() if (name, value) != ("scope", "symbol")}


class Trading(Strict):
    """What to hold, and how much: thresholds in the unit of the target (log return, or probability of up)."""

    not_here: ClassVar[dict[str, str]] = dict.fromkeys(
        TradingLimits.model_fields.keys() - {"position_share"}, "it belongs below trading.limits"
    )

    strategy: StrategyName = Field(
        default="long_flat",
        description=" ".join(f"{name}: {strategy.says}" for name, strategy in STRATEGIES.items()),
    )
    buy_above: float = Field(
        description="Buy above this prediction: log return (0.001 is about 0.1 %) or probability of up."
    )
    sell_below: float = Field(description="Sell below this prediction; at most buy_above.")
    short_below: float | None = Field(
        default=None,
        description="Sell short below this prediction, at most sell_below; only where the organiser lends shares.",
    )
    position_share: float = Field(
        gt=0, le=1, description="Fraction of equity in each symbol held (at most, for forecast_volatility)."
    )
    dropped: Dropped = Field(
        default="sell", description="What becomes of shares of a symbol that is no longer in `symbols`."
    )
    stop_loss: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="Sell at the next open what has closed this fraction below its average entry price (0.05: 5 %).",
    )
    max_sessions: int | None = Field(
        default=None, ge=1, le=2600, description="Sell at the next open what was held over this many closes."
    )
    volatility_target: float | None = Field(
        default=None,
        gt=0,
        le=2,
        description="Scale all shares of equity so that the account's annualised volatility is this (0.1: 10 %), within limits.",
    )
    mode: Mode | None = Field(
        default=None,
        description="paper: orders are sent. shadow: planned and recorded, not sent. off: not even planned.",
    )
    limits: TradingLimits = Field(
        default=TradingLimits(), description="Stricter limits than the organiser's."
    )


class Schedule(Strict):
    """Cron strings (minute hour day month weekday) in the exchange's time zone."""

    daily: str = Field(default="30 6 * * *", description="Features, predictions and report.")
    train: str = Field(default="0 4 * * 6", description="Training.")
    trade: str = Field(default="0 8 * * *", description="Orders, for the next open.")

    @field_validator("daily", "train", "trade")
    @classmethod
    def _valid_cron(cls, value: str) -> str:
        problem = cron_problem(value)
        if problem:
            raise ValueError(f"is no cron string: {problem}")
        return value


class SymbolOverride(Strict):
    """What one symbol has differently, merged over the team's own sections; `for_symbol` gives the result."""

    not_here: ClassVar[dict[str, str]] = ORGANISERS | {
        "team": "an override is one team's already",
        "symbols": "an override is one symbol's already",
        "overrides": "an override is one symbol's already",
        "target": "it is the same for all of a team's symbols, which are scored alike",
        "trading": "it is the same for all of a team's symbols, whose orders are planned together",
        "schedule": "it is the same for all of a team's symbols, which one job runs",
    }

    features: dict[str, dict[str, Any]] = Field(
        default={}, description="More features, or other parameters of those above."
    )
    training: dict[str, Any] = Field(default={}, description="Another window.")
    ludwig: dict[str, Any] = Field(
        default={}, description="Another model; lists such as input_features are replaced whole."
    )
    model: dict[str, Any] = Field(
        default={}, description="Another model; another kind replaces the whole section."
    )

    @model_serializer
    def _as_written(self) -> dict[str, Any]:
        return {name: section for name in type(self).model_fields if (section := getattr(self, name))}
