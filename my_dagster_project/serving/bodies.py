"""What is asked and answered, as JSON: the shapes in the OpenAPI description, with units."""

from datetime import date
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

MOST_ROWS = 1000

_ROW: dict[str, JsonValue] = {"ret_1": 0.004, "ret_5": -0.012, "volatility_21": 0.011, "weekday": "2"}


class Asked(BaseModel):
    """What to predict from: one `row`, many `rows`, or the newest session (`latest`); exactly one of them."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"latest": True}, {"row": _ROW}, {"rows": [_ROW, _ROW]}]},
    )

    row: dict[str, Any] | None = Field(
        default=None, description="A value for every input of the model card; null where it is not known."
    )
    rows: list[dict[str, Any]] | None = Field(
        default=None, min_length=1, max_length=MOST_ROWS, description="Many such rows, each by itself."
    )
    latest: bool = Field(
        default=False,
        description="The newest session that bars are stored of; its features are computed from them.",
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.row is not None) + (self.rows is not None) + self.latest != 1:
            raise ValueError("give exactly one of row, rows and latest: true")
        return self


class ServedModel(BaseModel):
    """Which model answered."""

    md5: str = Field(
        description="Of its files, as DVC has it; predictions in the store name their model by it."
    )
    refit: str | None = Field(
        description="First day of the window it is the refit of; null of a model that is never refitted."
    )
    trained_through: date = Field(description="Last session whose close its training saw.")
    engine: str = Field(
        description="What computed the answer: onnxruntime, or the kind of model that cannot be exported."
    )


class Answer(BaseModel):
    """What the model says of one row."""

    session: date | None = Field(
        description="After whose close it is said; null of a row that somebody gave."
    )
    target_session: date | None = Field(description="The session it is about.")
    predicted_return: float = Field(
        description="Log return from the session's adjusted close to the next one's."
    )
    probability_up: float | None = Field(
        description="Probability of a rise (0 to 1); null of a model that says none."
    )
    position: float | None = Field(
        description="What to hold, -1 to 1; null of a model that answers with none."
    )


class Answers(BaseModel):
    """The answer to a request, a prediction per row in its order."""

    team: str
    symbol: str
    model: ServedModel
    predictions: list[Answer]


class PastPrediction(BaseModel):
    """What was predicted as of one day, and what came."""

    session: date
    target_session: date
    predicted_return: float | None = Field(description="Log return.")
    probability_up: float | None
    model: str | None = Field(description="md5 of the model that said so.")
    trained_through: date
    actual_return: float | None = Field(
        description="Log return; null while the target session has not closed."
    )
    hit: bool | None = Field(
        description="Whether the direction was right; null where there was none to be right about."
    )


class TeamModels(BaseModel):
    """What is served of one team."""

    team: str
    kind: str = Field(description="Kind of model: ludwig, baseline, ...")
    target: str
    symbols: list[str]


class InputField(BaseModel):
    """One input of a model."""

    name: str
    type: str
    unit: str = Field(description="What the column is, in words.")
    fill: float | str | bool | None = Field(description="What stands in for a missing value.")
    categories: list[str] | None = Field(description="The labels that training saw.")


class Figures(BaseModel):
    """How good the stored predictions of a symbol were; null where too few have been scored."""

    n: int
    mase: float | None = Field(
        description="Mean absolute error as a multiple of that of `tomorrow = today`; below 1 is better."
    )
    drift_mase: float | None = Field(description="The same of `as always so far`.")
    mae: float | None = Field(description="Dollars.")
    naive_mae: float | None = Field(description="That of `tomorrow = today`, dollars.")
    direction: float | None = Field(description="Share of days whose direction was right.")
    direction_low: float | None = Field(description="Lower end of its 95 % Wilson interval.")
    direction_high: float | None


class Configuration(BaseModel):
    """From which configuration and run the model is, as the team's branch has it on record."""

    version: str | None = Field(description="The commit on the team's branch that has this model (DVC).")
    config_sha: str | None = Field(
        description="The commit whose configuration trained it; the digest of the text where there was none."
    )
    run: str | None = Field(description="The Dagster run.")


class Card(BaseModel):
    """A model card."""

    team: str
    symbol: str
    target: str
    kind: str
    answers: str = Field(description="return, probability or position.")
    model: ServedModel
    exported: bool
    reason: str | None = Field(
        description="Why it could not be exported; it is asked in a process of its own then, which is slow."
    )
    parity: float | None = Field(
        description="Largest difference between the exported model and the library that trained it."
    )
    inputs: list[InputField]
    rows: dict[str, int]
    epochs: int
    seed: int
    versions: dict[str, str]
    figures: Figures
    configuration: Configuration
    problem: str | None = Field(description="Why a newer version of it does not answer.")


class Problem(BaseModel):
    """An error, in words."""

    detail: str | list[dict[str, Any]]


TOO_LARGE: dict[str, Any] = {"description": "A request has at most 1 MiB.", "content": {"text/plain": {}}}
"""How a body that is too large is answered, by the framework itself."""
