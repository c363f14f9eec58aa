"""Reading the registry and the team files: a valid configuration, or a ConfigError with one line per problem."""

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from my_dagster_project.errors import ConfigError
from my_dagster_project.teams.checks import team_problems
from my_dagster_project.teams.ludwig_keys import lint_ludwig
from my_dagster_project.teams.messages import to_problem
from my_dagster_project.teams.problems import Problem, config_error, render_loc
from my_dagster_project.teams.registry import Registry, registry_problems
from my_dagster_project.teams.schema import Strict, TeamConfig
from my_dagster_project.teams.yaml_lines import MAX_BYTES, Document, YamlProblemError, parse_yaml


def load_registry(source: Path | str | bytes, filename: str | None = None) -> Registry:
    """The registry from a file (Path) or its content (str, bytes); `filename` is for messages. Raises ConfigError."""
    shown = filename or (str(source) if isinstance(source, Path) else "configs/teams.yaml")
    document = _parse(_content(source, shown), shown)
    registry = _validate(Registry, document, shown)
    problems = registry_problems(registry)
    if problems:
        raise _error(shown, document, problems)
    return registry


def load_team(source: Path | str | bytes, filename: str, registry: Registry) -> TeamConfig:
    """A team's configuration from a file (Path) or its content (str or bytes), checked against the registry.

    `filename` (`configs/red.yaml`) is what messages show, and its stem is the team whose file it is: a file cannot
    speak for another team. Raises ConfigError, and nothing else, with every problem found, each on its own line.
    """
    document = _parse(_content(source, filename), filename)
    problems = _ludwig_lint(document.data)
    config = _validate(TeamConfig, document, filename, also=problems)
    problems += team_problems(config, registry)
    owner = Path(filename).stem
    if config.team != owner:
        problems.append(Problem(("team",), f"must be {owner}: this is the file of team {owner}"))
    if problems:
        raise _error(filename, document, problems)
    return config


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


def _parse(content: bytes | str, filename: str) -> Document:
    try:
        return parse_yaml(content)
    except YamlProblemError as problem:
        raise config_error(filename, [(problem.line, problem.message)]) from None


def _ludwig_lint(data: dict[str, Any]) -> list[Problem]:
    """The Ludwig section's own keys, found even while other parts of the file are not well-formed yet."""
    section = data.get("ludwig")
    if not isinstance(section, dict):
        return []
    return [problem.below(("ludwig",)) for problem in lint_ludwig(section)]


def _validate[Model: Strict](
    model: type[Model], document: Document, filename: str, also: list[Problem] | None = None
) -> Model:
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        found = [to_problem(model, detail) for detail in error.errors(include_url=False)]
    raise _error(filename, document, found + (also or []))


def _error(filename: str, document: Document, problems: list[Problem]) -> ConfigError:
    lines = []
    for problem in problems:
        place = render_loc(problem.loc)
        text = f"{place}: {problem.message}" if place else problem.message
        lines.append((document.line_of(problem.loc), text))
    return config_error(filename, lines)
