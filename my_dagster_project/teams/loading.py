"""Reading the registry, the shared defaults and the team files: a valid configuration, or a ConfigError with one line per problem."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from my_dagster_project.foundation.calendar import load_calendar
from my_dagster_project.foundation.errors import ConfigError
from my_dagster_project.foundation.findings import to_problem
from my_dagster_project.foundation.problems import MOST_PROBLEMS, Place, Problem, config_error, suggestion
from my_dagster_project.foundation.strict import Strict
from my_dagster_project.teams.checks import section_problems, team_problems
from my_dagster_project.teams.layers import Layer
from my_dagster_project.teams.model_forms import form_problems
from my_dagster_project.teams.overrides import override_problems
from my_dagster_project.teams.registry import Registry, registry_problems
from my_dagster_project.teams.schema import TeamConfig
from my_dagster_project.teams.yaml_lines import MAX_BYTES, YamlProblemError, parse_yaml

# Each has one in every team's file: said of all teams at once it would be wrong for all but one.
_NOT_SHARED = ("team", "overrides")
FROM_REGISTRY: dict[str, Any] = {"symbols": None, "training": {"start": None, "cutoff": None}}
"""The keys of a team's file that the registry gives where the file does not."""


def load_registry(source: Path | str | bytes, filename: str | None = None) -> Registry:
    """The registry from a file (Path) or its content (str, bytes); `filename` is for messages. Raises ConfigError."""
    shown = filename or (str(source) if isinstance(source, Path) else "configs/teams.yaml")
    layer = _read(source, shown)
    registry, problems = _validated(Registry, layer)
    if registry is not None:
        problems = registry_problems(registry)
    if registry is None or problems:
        raise config_error(shown, _located(layer, problems))
    return registry


def load_defaults(source: Path | str | bytes, filename: str = "configs/defaults.yaml") -> Layer:
    """What all teams share, as the layer below every team's file. Raises ConfigError.

    Its values are judged with each team's file, because only the whole can be; here only that it is a mapping of
    sections a team may have.
    """
    layer = _read(source, filename)
    problems = []
    for key in layer.data:
        if key in _NOT_SHARED:
            problems.append(Problem((key,), "belongs to one team; write it in the team's own file"))
        elif key not in TeamConfig.model_fields:
            problems.append(Problem((key,), "unknown key" + suggestion(key, TeamConfig.model_fields)))
    if problems:
        raise config_error(filename, _located(layer, problems))
    return layer


def load_team(
    source: Path | str | bytes, filename: str, registry: Registry, defaults: Layer | None
) -> TeamConfig:
    """A team's configuration from a file (Path) or its content (str or bytes), over the shared `defaults` if there are any.

    `filename` (`configs/red.yaml`) is what messages show, and its stem is the team whose file it is: a file cannot
    speak for another team. Raises ConfigError, and nothing else, with every problem found, each on its own line; what
    is wrong with a symbol's effective configuration is wrong with the file.
    """
    owner = Path(filename).stem
    whole = whole_layer(source, filename, registry, defaults)
    config, problems = judged(whole, registry)
    if config is not None and config.team != owner:
        problems.append(Problem(("team",), f"must be {owner}: this is the file of team {owner}"))
    most = registry.teams[owner].limits.max_symbols if owner in registry.teams else 0
    found = _located(whole, problems)
    found += override_problems(whole, problems, lambda layer: judged(layer, registry)[1], most)
    if config is None or found:
        raise config_error(filename, found)
    return config


def whole_layer(
    source: Path | str | bytes, filename: str, registry: Registry, defaults: Layer | None
) -> Layer:
    """A team's file over what it has from the organiser, with the place of everything in them; ConfigError for broken YAML."""
    own, owner = _read(source, filename), Path(filename).stem
    given = _of_the_round(registry, owner)
    return own.over(given if defaults is None else _within_limits(defaults, registry, owner).over(given))


def _of_the_round(registry: Registry, team: str) -> Layer:
    """What follows from the registry for a team that does not say otherwise: symbols, and training on all before the round.

    So that other prices are one edit of one file. What is wrong with it is told in the team's file, which can overrule it.
    """
    market, start = registry.market, registry.competition.start
    before = load_calendar(registry.calendar).previous_session(start)
    most = registry.teams[team].limits.max_symbols if team in registry.teams else None
    given = {**FROM_REGISTRY, "symbols": list(market.symbols[:most])}
    given["training"] = {"start": market.start, "cutoff": before}
    return Layer(given if market.symbols else {"training": given["training"]}, {})


def _within_limits(defaults: Layer, registry: Registry, team: str) -> Layer:
    """The defaults as a team has them: a position share, or symbols, beyond what the registry allows the team are what it allows.

    The team cannot edit either of the organiser's two files, so it must not be refused for what they say to each other.
    """
    data: dict[str, Any] = dict(defaults.data)
    entry = registry.teams.get(team)
    if entry is None:
        return defaults
    trading, symbols, most = data.get("trading"), data.get("symbols"), entry.limits.position_share
    if isinstance(trading, dict):
        share: Any = trading.get("position_share")
        if type(share) in (int, float) and most < share <= 1:
            data["trading"] = {**trading, "position_share": most}
    if isinstance(symbols, list):
        data["symbols"] = symbols[: entry.limits.max_symbols]
    return replace(defaults, data=data)


def judged(layer: Layer, registry: Registry) -> tuple[TeamConfig | None, list[Problem]]:
    """The configuration that a layer is, where it is well-formed, and everything wrong with it."""
    # The model's own keys are judged even while other parts of the file are not well-formed yet.
    forms, problems = form_problems(layer.data), section_problems(layer.data)
    config, malformed = _validated(TeamConfig, layer)
    config = None if forms else config
    return config, forms + problems + malformed + (team_problems(config, registry) if config else [])


def _read(source: Path | str | bytes, filename: str) -> Layer:
    try:
        return Layer.of(parse_yaml(_content(source, filename)), filename)
    except YamlProblemError as problem:
        raise config_error(filename, [(Place(filename, problem.line), problem.message)]) from None


def _content(source: Path | str | bytes, filename: str) -> bytes | str:
    """The bytes of a file; one byte more than allowed is enough to know that it is too large."""
    if not isinstance(source, Path):
        return source
    try:
        with source.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise ConfigError(f"{filename}:1: there is no such file") from None
    except OSError as error:
        raise ConfigError(f"{filename}:1: cannot be read: {error.strerror or error}") from None


def _validated[Model: Strict](model: type[Model], layer: Layer) -> tuple[Model | None, list[Problem]]:
    try:
        return model.model_validate(layer.data), []
    except ValidationError as error:
        details = error.errors(include_url=False)[:MOST_PROBLEMS]
        return None, [to_problem(model, detail) for detail in details]


def _located(layer: Layer, problems: list[Problem]) -> list[tuple[Place, str]]:
    return [(layer.place_of(problem.loc), problem.text) for problem in problems]
