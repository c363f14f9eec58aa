"""A team's features against the platform's catalogue: kinds, parameters, outputs, names."""

from my_dagster_project.domain.indicators import FEATURE_KINDS, FeatureKind, Parameter
from my_dagster_project.foundation.findings import wrong_type
from my_dagster_project.foundation.problems import Problem, show, suggestion
from my_dagster_project.teams.schema import FEATURE_NAME, RESERVED_COLUMNS, FeatureSpec, TeamConfig


def feature_problems(config: TeamConfig) -> list[Problem]:
    """Everything wrong with the `features` section."""
    problems = []
    for name, spec in config.features.items():
        found = _name_problems(name) + (_spec_problems(spec) or _reach_problems(name, spec))
        problems += [problem.below(("features", name)) for problem in found]
    return problems


def _name_problems(name: str) -> list[Problem]:
    if not FEATURE_NAME.fullmatch(name):
        return [Problem((), "is no column name: a small letter, then up to 31 of a-z, 0-9 and _")]
    if name in RESERVED_COLUMNS:
        return [Problem((), "is a column of the platform; use another name")]
    return []


def _spec_problems(spec: FeatureSpec) -> list[Problem]:
    kind = FEATURE_KINDS.get(spec.kind)
    if kind is None:
        return [Problem(("kind",), f"unknown kind {show(spec.kind)}" + suggestion(spec.kind, FEATURE_KINDS))]
    problems = []
    for name, value in spec.parameters.items():
        parameter = kind.parameters.get(name)
        if parameter is None:
            problems.append(Problem((name,), _unknown_parameter(kind, name)))
        else:
            problems += [Problem((name,), text) for text in _value_problems(parameter, value)]
    return problems + _output_problems(kind, spec) + _order_problems(kind, spec)


def _reach_problems(name: str, spec: FeatureSpec) -> list[Problem]:
    """A feature may know what is known at the close of its own session."""
    reach = spec.to_feature(name).reach
    ahead = reach.look_ahead
    if ahead is None:
        return []
    if spec.lag < 0:
        return [Problem(("lag",), f"{ahead}; 0 is the session itself, 1 the one before it")]
    return [
        Problem(
            ("kind",),
            f"{spec.kind} {ahead}, which no feature may; with lag: {spec.lag + reach.future} it would not",
        )
    ]


def _unknown_parameter(kind: FeatureKind, name: str) -> str:
    valid = [*kind.parameters, "lag", *(["output"] if len(kind.outputs) > 1 else [])]
    return f"{kind.name} has no such parameter" + suggestion(name, valid)


def _value_problems(parameter: Parameter, value: object) -> list[str]:
    allowed = (int,) if parameter.type is int else (int, float)
    if isinstance(value, bool) or not isinstance(value, allowed):
        return [wrong_type("a whole number" if parameter.type is int else "a number", value)]
    if not parameter.minimum <= value <= parameter.maximum:
        return [f"must be {parameter.minimum} to {parameter.maximum}, not {show(value)}"]
    return []


def _output_problems(kind: FeatureKind, spec: FeatureSpec) -> list[Problem]:
    if spec.output is None or spec.output in kind.outputs:
        return []
    if len(kind.outputs) == 1:
        return [Problem(("output",), f"{kind.name} has one output; remove this")]
    return [
        Problem(
            ("output",),
            f"{kind.name} has no output {show(spec.output)}" + suggestion(spec.output, kind.outputs),
        )
    ]


def _order_problems(kind: FeatureKind, spec: FeatureSpec) -> list[Problem]:
    """TA-Lib swaps the two periods silently when they are the wrong way round."""
    values = spec.complete_parameters
    fast, slow = values.get("fastperiod"), values.get("slowperiod")
    if isinstance(fast, int) and isinstance(slow, int) and fast >= slow:
        return [Problem(("fastperiod",), f"must be shorter than slowperiod ({fast} is not below {slow})")]
    return []
