"""The team file `configs/<team>.yaml` as strict, frozen models: what a team may write, and nothing else.

A value of another type is an error, never converted ("5" is not 5), and so is an unknown key. What needs the registry,
the feature catalogue or the model's own keys is checked in `checks`, `feature_checks` and by the kind of model.
"""

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    Field,
    PrivateAttr,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from my_dagster_project.domain.features import Feature
from my_dagster_project.domain.indicators import FEATURE_KINDS
from my_dagster_project.domain.targets import Answer, Target
from my_dagster_project.foundation.errors import ConfigError
from my_dagster_project.foundation.problems import show
from my_dagster_project.foundation.strict import Strict
from my_dagster_project.models.kinds.port import Kind
from my_dagster_project.models.kinds.table import KINDS
from my_dagster_project.teams.fingerprint import canonical_json, fingerprint
from my_dagster_project.teams.layers import merged
from my_dagster_project.teams.model_forms import SHORT_FORM
from my_dagster_project.teams.sections import ORGANISERS, Model, Schedule, SymbolOverride, Trading, Training

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
        "predicted_close",
        "probability_up",
        "trained_through",
        "actual_return",
        "actual_close",
    }
)


class FeatureSpec(Strict):
    """One feature as written: its kind, the kind's own parameters, which output of the kind, and a delay in sessions."""

    kind: str
    parameters: dict[str, Any] = Field(default_factory=dict)
    output: str | None = None
    lag: int = Field(default=0, le=250)

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


class TeamConfig(Strict):
    """A team's file. Instances that come from `loading.load_team` have passed every check, those of the kind of model included."""

    not_here: ClassVar[dict[str, str]] = ORGANISERS

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
    ludwig: dict[str, Any] | None = Field(
        default=None, description="A Ludwig model; short for `model: {kind: ludwig, ...}`."
    )
    model: Model | None = Field(default=None, description="The model: its kind, and that kind's own keys.")
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

        Without an override it differs from this one in nothing, fingerprints included. '' is what a model of all symbols is
        of. Raises ConfigError for a symbol the team does not trade.
        """
        if not symbol and self.pooled:
            return self
        if symbol not in self.symbols:
            traded = ", ".join(self.symbols)
            raise ConfigError(f"team {self.team} does not trade {show(symbol)}; its symbols are {traded}")
        if not self.overrides:
            return self
        if symbol not in self._effective:
            self._effective[symbol] = self._with_override(symbol)
        return self._effective[symbol]

    def _with_override(self, symbol: str) -> Self:
        if symbol not in self.overrides:
            return self.model_copy(update={"overrides": {}})
        # By way of JSON: an override holds a date as YAML gave it, the whole as `canonical_json` spells it.
        plain = self.model_dump(mode="json")
        override = plain.pop("overrides")[symbol]
        return self.model_validate_json(json.dumps(merged(plain, override)))

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A changed copy, which must not keep what was derived from the original."""
        copied = super().model_copy(update=update, deep=deep)
        copied._effective = {}
        return copied

    @property
    def feature_list(self) -> list[Feature]:
        """The features as the domain computes them, in the order of the file."""
        return [spec.to_feature(name) for name, spec in self.features.items()]

    @property
    def input_names(self) -> list[str]:
        """The feature columns the model reads (a team may compute more than it uses), in the model's order."""
        return self.kind.inputs(self.section)

    @property
    def model_key(self) -> str:
        """Under which key of the file the model is: `model`, or the short form `ludwig`."""
        return SHORT_FORM if self.model is None else "model"

    @property
    def kind(self) -> Kind:
        """The kind of its model."""
        return KINDS[SHORT_FORM if self.model is None else self.model.kind]

    @property
    def pooled(self) -> bool:
        """Whether one model is trained on the rows of all symbols, and predicts each of them."""
        return self.model is not None and self.model.scope == "team"

    @property
    def answers(self) -> Answer:
        """What its model answers with."""
        return self.kind.answers(self.section, self.target)

    @property
    def section(self) -> dict[str, Any]:
        """What the file says of the model, in the keys of its kind."""
        return (self.ludwig if self.model is None else self.model.model_extra) or {}

    @property
    def is_classification(self) -> bool:
        """Whether the model predicts a direction instead of a return."""
        return self.target == "next_direction"

    def complete_section(self) -> dict[str, Any]:
        """What to train: the team's section and what the platform adds to it; a new dict."""
        return self.kind.complete(self.section)

    def features_fingerprint(self) -> str:
        """SHA-256 (hex) of what determines the feature table; spelling out a default does not change it."""
        return fingerprint({name: spec.model_dump(mode="json") for name, spec in self.features.items()})

    def model_fingerprint(self) -> str:
        """SHA-256 (hex) of what determines the model besides the bars; trading rules and unused features do not."""
        used = {name: self.features[name].model_dump(mode="json") for name in self.input_names}
        training = self._training()
        return fingerprint(
            {
                "features": used,
                "target": self.target,
                "training": training,
                self.kind.name: self.complete_section(),
                **({"symbols": sorted(self.symbols)} if self.pooled else {}),
            }
        )

    def training_fingerprint(self) -> str:
        """SHA-256 (hex) of what determines the rows of a training besides features and bars.

        Those of a model of all symbols are not split one by one: a team that went back to a model each had no split in them.
        """
        return fingerprint(self._training() | ({"scope": "team"} if self.pooled else {}))

    def _training(self) -> dict[str, Any]:
        """The section without what counts for nothing: what a refit sees follows from its window."""
        ignored = {"seed", "cutoff"} if self.training.refits else {"seed"}
        return self.training.model_dump(mode="json", exclude=ignored)

    @property
    def notes(self) -> list[str]:
        """What the file says that counts for nothing, in words: it is no mistake, old files have it."""
        seeds = [self.training.seed, *(override.training.get("seed") for override in self.overrides.values())]
        if all(seed is None for seed in seeds):
            return []
        return [
            "training.seed is ignored: the seed is drawn by the platform for each team, symbol and window, so that nobody "
            "searches for a lucky one; take the line out"
        ]

    def model_fingerprints(self) -> dict[str, str]:
        """By symbol: the fingerprint of its model, the symbol's overrides included."""
        return {symbol: self.for_symbol(symbol).model_fingerprint() for symbol in self.symbols}

    def trial_fingerprint(self) -> str:
        """SHA-256 (hex, 16 digits) of what a replay's result follows from; a schedule, a comment, a default spelled out are no part."""
        rules = self.trading.model_dump(mode="json", exclude_defaults=True)
        return fingerprint({"models": self.model_fingerprints(), "trading": rules})[:16]

    def canonical_json(self) -> str:
        """The whole configuration as JSON in one canonical spelling: equal texts mean equal configurations."""
        return canonical_json(self.model_dump(mode="json", exclude=None if self.overrides else {"overrides"}))

    @model_serializer(mode="wrap")
    def _in_one_form(self, whole: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without the form in which the model is not written: what was stored before there were two stays spelled as it was."""
        unwritten = {"model", SHORT_FORM} - {self.model_key}
        return {name: value for name, value in whole(self).items() if name not in unwritten}
