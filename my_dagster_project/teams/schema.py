"""The team file `configs/<team>.yaml` as strict, frozen models: what a team may write, and nothing else.

A value of another type is an error, never converted ("5" is not 5), and so is an unknown key. What needs the registry,
the feature catalogue or Ludwig's own keys is checked in `checks`, `feature_checks`, `ludwig_checks` and `ludwig_keys`.
"""

import json
import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, PrivateAttr, field_validator, model_serializer, model_validator

from my_dagster_project.domain.features import Feature
from my_dagster_project.domain.indicators import FEATURE_KINDS
from my_dagster_project.errors import ConfigError
from my_dagster_project.teams.cron import cron_problem
from my_dagster_project.teams.fingerprint import canonical_json, fingerprint
from my_dagster_project.teams.layers import merged
from my_dagster_project.teams.ludwig_rules import complete_ludwig
from my_dagster_project.teams.problems import show
from my_dagster_project.teams.strict import Strict

type Target = Literal["next_return", "next_direction"]

SYMBOL = re.compile(r"[A-Z][A-Z0-9.-]{0,9}")
FEATURE_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
TEAM_NAME = re.compile(r"[a-z][a-z0-9-]{0,15}")

# Columns the platform itself adds to a feature table; a feature of that name would overwrite one.
RESERVED_COLUMNS = frozenset(
    {
        "session",
        "target_session",
        "symbol",
        "split",
        "close",
        "next_return",
        "next_direction",
        "predicted_return",
    }
)


class FeatureSpec(Strict):
    """One feature as written: its kind, the kind's own parameters, which output of the kind, and a delay in sessions."""

    kind: str
    parameters: dict[str, Any] = Field(default_factory=dict)
    output: str | None = None
    lag: int = Field(default=0, ge=0, le=250)

    @model_validator(mode="before")
    @classmethod
    def _collect_parameters(cls, data: Any) -> Any:
        """The file holds a kind's parameters beside `kind`; they are checked against the kind later."""
        if not isinstance(data, dict):
            return data
        own = {key: data[key] for key in ("kind", "output", "lag") if key in data}
        return own | {"parameters": {key: value for key, value in data.items() if key not in own}}

    @model_serializer
    def _as_written(self) -> dict[str, Any]:
        """The form of the file again, complete: two spellings of one feature serialize alike."""
        settings = {"lag": self.lag, **self.complete_parameters}
        return {"kind": self.kind, **settings} | ({} if self.output is None else {"output": self.output})

    @property
    def complete_parameters(self) -> dict[str, int | float]:
        """The parameters with the catalogue's defaults for those not written."""
        known = FEATURE_KINDS.get(self.kind)
        defaults = {name: parameter.default for name, parameter in known.parameters.items()} if known else {}
        return defaults | self.parameters

    def to_feature(self, name: str) -> Feature:
        """The domain's definition of this column."""
        return Feature(name, self.kind, self.complete_parameters, self.output, self.lag)


class Training(Strict):
    """Which sessions a model may learn from."""

    start: date | None = Field(
        default=None, description="First session of training data; all of the data without it."
    )
    cutoff: date = Field(description="Last session whose close the training may see.")
    validation_fraction: float = Field(
        default=0.15, ge=0.05, le=0.5, description="The latest part of the sessions decides when to stop."
    )
    seed: int = Field(default=42, ge=0, le=2**32 - 1, description="The same seed gives the same model.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.start is not None and self.start >= self.cutoff:
            raise ValueError(f"start {self.start} must be before cutoff {self.cutoff}")
        return self


class Trading(Strict):
    """When to hold a symbol: thresholds in the unit of the target (log return, or probability of up)."""

    strategy: Literal["long_flat"] = Field(default="long_flat", description="Hold a symbol or hold cash.")
    buy_above: float = Field(
        description="Buy above this prediction: log return (0.001 is about 0.1 %) or probability of up."
    )
    sell_below: float = Field(description="Sell below this prediction; at most buy_above.")
    position_share: float = Field(gt=0, le=1, description="Fraction of equity in each symbol held.")


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

    not_here: ClassVar[dict[str, str]] = {
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
    training: dict[str, Any] = Field(default={}, description="Another window or seed.")
    ludwig: dict[str, Any] = Field(
        default={}, description="Another model; lists such as input_features are replaced whole."
    )

    @model_serializer
    def _as_written(self) -> dict[str, Any]:
        return {name: section for name in type(self).model_fields if (section := getattr(self, name))}


class TeamConfig(Strict):
    """A team's file. Instances that come from `loading.load_team` have passed every check, Ludwig's keys included."""

    not_here: ClassVar[dict[str, str]] = dict.fromkeys(
        ("account", "branch", "limits", "owners", "market", "competition", "calendar"),
        "it is the organiser's, in configs/teams.yaml",
    )

    team: str = Field(description="The team's name, that of the file.")
    symbols: Annotated[tuple[str, ...], Field(strict=False)] = Field(
        description="What to trade; one model per symbol."
    )
    features: dict[str, FeatureSpec] = Field(
        min_length=1, max_length=200, description="Column name: what the model may look at."
    )
    target: Target = Field(
        description="next_return: log(close tomorrow / close today). next_direction: up (1) or down (0)."
    )
    training: Training
    ludwig: dict[str, Any]
    trading: Trading
    schedule: Schedule = Schedule()
    overrides: dict[str, SymbolOverride] = Field(
        default={}, description="What single symbols have differently."
    )

    _effective: dict[str, Self] = PrivateAttr(default_factory=dict)

    @field_validator("team")
    @classmethod
    def _valid_team(cls, value: str) -> str:
        if not TEAM_NAME.fullmatch(value):
            raise ValueError(
                f"{show(value)} is no team name: a small letter, then up to 15 of a-z, 0-9 and -"
            )
        return value

    def for_symbol(self, symbol: str) -> Self:
        """The configuration of one symbol: this one with the symbol's override merged in, and no override left.

        Without an override it differs from this one in nothing, fingerprints included. Raises ConfigError for a symbol
        the team does not trade.
        """
        if symbol not in self.symbols:
            traded = ", ".join(self.symbols)
            raise ConfigError(f"team {self.team} does not trade {show(symbol)}; its symbols are {traded}")
        if symbol not in self._effective:
            # By way of JSON, which holds a date of an override as the text that it becomes in the whole.
            plain = self.model_dump(mode="json")
            override = plain.pop("overrides").get(symbol, {})
            effective = type(self).model_validate_json(json.dumps(merged(plain, override)))
            self._effective[symbol] = effective
        return self._effective[symbol]

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A changed copy, which must not keep what was derived from the original."""
        copied = super().model_copy(update=update, deep=deep)
        copied._effective = {}
        return copied

    @property
    def feature_names(self) -> list[str]:
        """The feature columns, in the order of the file."""
        return list(self.features)

    @property
    def feature_list(self) -> list[Feature]:
        """The features as the domain computes them, in the order of the file."""
        return [spec.to_feature(name) for name, spec in self.features.items()]

    @property
    def input_names(self) -> list[str]:
        """The feature columns the model reads (a team may compute more than it uses), in the model's order."""
        return [str(feature["name"]) for feature in self.ludwig["input_features"]]

    @property
    def is_classification(self) -> bool:
        """Whether the model predicts a direction instead of a return."""
        return self.target == "next_direction"

    def complete_ludwig(self) -> dict[str, Any]:
        """The Ludwig configuration to train with: the team's section and what the platform owns; a new dict."""
        return complete_ludwig(self.ludwig)

    def features_fingerprint(self) -> str:
        """SHA-256 (hex) of what determines the feature table; spelling out a default does not change it."""
        return fingerprint({name: spec.model_dump(mode="json") for name, spec in self.features.items()})

    def model_fingerprint(self) -> str:
        """SHA-256 (hex) of what determines the model besides the bars; trading rules and unused features do not."""
        used = {name: self.features[name].model_dump(mode="json") for name in self.input_names}
        training = self.training.model_dump(mode="json")
        return fingerprint(
            {"features": used, "target": self.target, "training": training, "ludwig": self.complete_ludwig()}
        )

    def canonical_json(self) -> str:
        """The whole configuration as JSON in one canonical spelling: equal texts mean equal configurations."""
        return canonical_json(self.model_dump(mode="json", exclude=None if self.overrides else {"overrides"}))
