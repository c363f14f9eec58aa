"""The parts of a team's file: when it trains, when it trades, when it runs, and what one symbol has differently."""

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, field_validator, model_serializer, model_validator

from my_dagster_project.domain.plan import Dropped
from my_dagster_project.domain.strategies import STRATEGIES
from my_dagster_project.foundation.problems import show, suggestion
from my_dagster_project.foundation.strict import Strict
from my_dagster_project.models.kinds.table import KINDS
from my_dagster_project.teams.cron import cron_problem
from my_dagster_project.teams.team_limits import TradingLimits

if TYPE_CHECKING:
    type StrategyName = str
else:
    StrategyName = Literal[tuple(STRATEGIES)]


def _off(value: object) -> object:
    """YAML reads a bare `off` as false; nobody means anything else by it here."""
    return "off" if value is False else value


Mode = Annotated[Literal["off", "shadow", "paper"], BeforeValidator(_off)]

ORGANISERS = dict.fromkeys(
    ("account", "branch", "limits", "owners", "market", "competition", "calendar"),
    "it is the organiser's, in configs/teams.yaml",
)


class Training(Strict):
    """Which sessions a model may learn from."""

    start: date | None = Field(
        default=None, description="First session of training data; all of the data without it."
    )
    cutoff: date = Field(description="Last session whose close the training may see.")
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


class Model(Strict):
    """A model: its kind, and beside it the keys of that kind, which the kind itself judges."""

    model_config = ConfigDict(extra="allow")

    kind: str = Field(
        json_schema_extra={"enum": list(KINDS)},
        description=" ".join(f"{kind.name}: {kind.says}" for kind in KINDS.values()),
    )

    @field_validator("kind")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in KINDS:
            raise ValueError(f"cannot be {show(value)}{suggestion(value, KINDS)}")
        return value


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
