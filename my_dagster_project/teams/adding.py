"""A new team: its entry in the registry, a file to begin with, its branch; all of them or nothing."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from my_dagster_project.foundation.errors import ConfigError, TradingError, VersioningError
from my_dagster_project.git.branch import BranchRepo
from my_dagster_project.teams.loading import load_defaults, load_registry, load_team
from my_dagster_project.teams.platform import load_platform
from my_dagster_project.teams.registry import SAMPLE_SYMBOLS, Registry
from my_dagster_project.teams.sources import MAIN_BRANCH, REGISTRY_PATH, Sources, read_sources, team_path

type Derive = Callable[[Registry], Mapping[str, bytes]]

_TOP_KEY = re.compile(r"[^\s#]")


@dataclass(frozen=True)
class Added:
    """What was made for a team: files, and the commit on main they are in (None: only written, without git or main)."""

    team: str
    files: tuple[str, ...]
    commit: str | None


def add_team(
    project: Path, name: str, owners: tuple[str, ...] = (), derive: Derive = lambda registry: {}
) -> Added:
    """Add a team to the registry on main, with a valid file and a branch that begins there.

    `derive` gives the files that are made of a registry and belong into the same commit.

    Raises TradingError, with nothing made, when there is such a team, file or branch already, or edits are under way.
    """
    sources = read_sources(project)
    registry = load_registry(sources.registry.content, REGISTRY_PATH)
    if name in registry.teams:
        raise TradingError(f"{REGISTRY_PATH} has a team {name} already")
    text = with_entry(sources.registry.text, name, owners)
    starter = starter_file(name, load_registry(text, REGISTRY_PATH), _symbols(sources, registry))
    defaults = load_defaults(sources.defaults.content) if sources.defaults else None
    load_team(starter, team_path(name), load_registry(text, REGISTRY_PATH), defaults)
    derived = derive(load_registry(text, REGISTRY_PATH))
    made = {REGISTRY_PATH: text.encode(), team_path(name): starter.encode(), **derived}
    return Added(name, tuple(made), _written(project, name, sources, made))


def with_entry(registry: str, name: str, owners: tuple[str, ...] = ()) -> str:
    """The registry's text with one more team, comments and all else as they were; ConfigError when that is none."""
    account = name.upper().replace("-", "_")
    entry = [f"{name}:", f"  branch: {name}", f"  owners: [{', '.join(owners)}]", f"  account: {account}"]
    lines = registry.splitlines()
    starts = [number for number, line in enumerate(lines) if re.match(r"teams:\s*(#.*)?$", line)]
    if len(starts) == 1:
        block = lines[starts[0] + 1 :]
        length = next((number for number, line in enumerate(block) if _TOP_KEY.match(line)), len(block))
        while length and not block[length - 1].strip():
            length -= 1
        first = next((line for line in block[:length] if line.strip() and line.lstrip()[0] != "#"), "  ")
        indent = first[: len(first) - len(first.lstrip())]
        at = starts[0] + 1 + length
        text = "\n".join([*lines[:at], *(indent + line for line in entry), *lines[at:]]) + "\n"
        before, after = load_registry(registry), load_registry(text)
        if after == before.model_copy(update={"teams": {**before.teams, name: after.teams.get(name)}}):
            return text
    raise ConfigError(
        f"{REGISTRY_PATH}:1: is written in a way of its own; add below `teams:` by hand\n" + "\n".join(entry)
    )


def starter_file(name: str, registry: Registry, symbols: tuple[str, ...]) -> str:
    """A team's first file: small and valid."""
    text = (files("my_dagster_project.teams") / "starter.yaml").read_text(encoding="utf-8")
    chosen = ", ".join(symbols[: registry.teams[name].limits.max_symbols])
    words = {"TEAM": name, "SYMBOLS": chosen, "START": registry.market.start}
    return re.sub("|".join(words), lambda word: str(words[word[0]]), text)


def _symbols(sources: Sources, registry: Registry) -> tuple[str, ...]:
    """What another team trades: of these there are bars."""
    others = load_platform(sources).teams.values()
    sample = SAMPLE_SYMBOLS if registry.market.source == "sample" else ()
    symbols = next((team.symbols for team in others), sample)
    if not symbols:
        raise TradingError(
            "no team has a valid file, so which symbols there are is not known; mend one first"
        )
    return symbols


def _written(project: Path, name: str, sources: Sources, made: dict[str, bytes]) -> str | None:
    """The commit on main with these files, and the branch at it; without git or main the files are only written."""
    if (project / team_path(name)).exists():
        raise TradingError(f"{team_path(name)} is there already; move it away, or add the team by hand")
    repo = BranchRepo(project)
    try:
        committed = repo.read_file(MAIN_BRANCH, REGISTRY_PATH)
    except VersioningError:
        for path, data in made.items():
            (project / path).write_bytes(data)
        return None
    if committed != sources.registry.content:
        raise TradingError(f"{REGISTRY_PATH} has edits that main has not; commit or undo them first")
    if repo.has_branch(name):
        raise TradingError(f"there is a branch {name} already; delete or rename it, or add the team by hand")
    commit = repo.commit_files(MAIN_BRANCH, made, f"Team {name} takes part", {})
    repo.ensure_branch(name, commit)
    return commit
