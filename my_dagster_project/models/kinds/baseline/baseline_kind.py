"""Baselines as a kind of model: what a model must beat, as a model. They train in milliseconds and compete as house teams."""

from pydantic import Field, ValidationError

from my_dagster_project.domain.indicators import FEATURE_KINDS
from my_dagster_project.foundation.findings import to_problem
from my_dagster_project.foundation.problems import MOST_PROBLEMS, Problem, show, suggestion
from my_dagster_project.foundation.strict import Strict
from my_dagster_project.models.kinds.baseline.baseline_model import STRATEGIES, answers_of, fit, predict
from my_dagster_project.models.kinds.port import Kind, Section, Task


class BaselineSection(Strict):
    """The keys of `model: {kind: baseline, ...}`."""

    strategy: str = Field(
        json_schema_extra={"enum": list(STRATEGIES)},
        description=" ".join(f"{name}: {says}" for name, says in STRATEGIES.items()),
    )
    input: str | None = Field(default=None, description="The feature that momentum looks at: its sign.")


def _lint(section: Section) -> list[Problem]:
    try:
        found = BaselineSection.model_validate(section)
    except ValidationError as error:
        return [
            to_problem(BaselineSection, detail) for detail in error.errors(include_url=False)[:MOST_PROBLEMS]
        ]
    if found.strategy not in STRATEGIES:
        text = f"cannot be {show(found.strategy)}" + suggestion(found.strategy, STRATEGIES)
        return [Problem(("strategy",), text)]
    if (found.strategy == "momentum") == (found.input is None):
        return [Problem(("input",), _input_problem(found.strategy))]
    return []


def _input_problem(strategy: str) -> str:
    if strategy == "momentum":
        return "is missing: the name of the feature whose sign momentum looks at"
    return f"is for strategy momentum; {strategy} looks at no feature"


def _fits(section: Section, task: Task) -> list[Problem]:
    name = section.get("input")
    if not isinstance(name, str):
        return []
    if name not in task.features:
        return [
            Problem(("input",), f"{show(name)} is no feature of this file" + suggestion(name, task.features))
        ]
    kind = FEATURE_KINDS.get(task.features[name])
    if kind is not None and kind.category:
        return [Problem(("input",), f"{name} is a category, which has no sign")]
    return []


def _inputs(section: Section) -> list[str]:
    return [section["input"]] if section.get("input") else []


def _complete(section: Section) -> Section:
    return {name: value for name, value in section.items() if value is not None}


BASELINE = Kind(
    name="baseline",
    title="the baseline",
    says="What a model must beat: a mean, no change, momentum.",
    lint=_lint,
    fits=_fits,
    inputs=_inputs,
    complete=_complete,
    fit=fit,
    predict=predict,
    answers=answers_of,
    schema=BaselineSection.model_json_schema,
)
