"""The team file `configs/<team>.yaml` as strict, frozen models: what a team may write, and nothing else.

A value of another type is an error, never converted ("5" is not 5), and so is an unknown key. What needs the registry,
the feature catalogue or Ludwig's own keys is checked in `checks`, `feature_checks`, `ludwig_checks` and `ludwig_keys`.
"""

import re
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_serializer, model_validator

from my_dagster_project.domain.features import Feature
from my_dagster_project.domain.indicators import FEATURE_KINDS
from my_dagster_project.teams.cron import cron_problem
from my_dagster_project.teams.fingerprint import canonical_json, fingerprint
from my_dagster_project.teams.ludwig_rules import complete_ludwig
from my_dagster_project.teams.problems import show

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


class Strict(BaseModel):
    """Base of everything read from a file: unknown keys and converted types are errors, instances cannot change."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class FeatureSpec(Strict):
    """One feature as written: its kind, the kind's own parameters, which output of the kind, and a delay in sessions."""

    kind: str
    parameters: dict[str, Any] = {}
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
    """Which sessions a model may learn from. `cutoff`: the last session whose close the training may see."""

    start: date | None = None
    cutoff: date
    validation_fraction: float = Field(default=0.15, ge=0.05, le=0.5)
    seed: int = Field(default=42, ge=0, le=2**32 - 1)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.start is not None and self.start >= self.cutoff:
            raise ValueError(f"start {self.start} must be before cutoff {self.cutoff}")
        return self


class Trading(Strict):
    """When to hold a symbol: thresholds in the unit of the target (log return, or probability of up)."""

    strategy: Literal["long_flat"] = "long_flat"
    buy_above: float
    sell_below: float
    position_share: float = Field(gt=0, le=1)


class Schedule(Strict):
    """Cron strings in the exchange's time zone: the daily chain, the training, the orders."""

    daily: str = "30 6 * * *"
    train: str = "0 4 * * 6"
    trade: str = "0 8 * * *"

    @field_validator("daily", "train", "trade")
    @classmethod
    def _valid_cron(cls, value: str) -> str:
        problem = cron_problem(value)
        if problem:
            raise ValueError(f"is no cron string: {problem}")
        return value


class TeamConfig(Strict):
    """A team's file. Instances that come from `loading.load_team` have passed every check, Ludwig's keys included."""

    team: str
    symbols: Annotated[tuple[str, ...], Field(strict=False)]
    features: dict[str, FeatureSpec] = Field(min_length=1, max_length=200)
    target: Target
    training: Training
    ludwig: dict[str, Any]
    trading: Trading
    schedule: Schedule = Schedule()

    @field_validator("team")
    @classmethod
    def _valid_team(cls, value: str) -> str:
        if not TEAM_NAME.fullmatch(value):
            raise ValueError(
                f"{show(value)} is no team name: a small letter, then up to 15 of a-z, 0-9 and -"
            )
        return value

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
        return canonical_json(self.model_dump(mode="json"))
