"""Where a checkout's season lives: a clone of its own under `.local/season`, so that it shares nothing with the replay.

    .local/season/            the project as of the season's beginning; teams edit on their branches there
    .local/season/.local/     its store, accounts, Dagster home, experiments
    .local/seasons/           seasons that were put away

`trading` inside that folder is about the season, and outside it about the replay; only `trading season` finds its way in.
"""

import os
import shutil
from collections.abc import MutableMapping
from datetime import UTC, datetime
from pathlib import Path

from my_dagster_project.foundation.errors import SeasonError
from my_dagster_project.foundation.settings import Settings, load_settings
from my_dagster_project.git.branch import BranchRepo
from my_dagster_project.git.process import run_git, try_git
from my_dagster_project.teams.deployment import current_platform
from my_dagster_project.teams.loading import load_registry
from my_dagster_project.teams.sources import MAIN_BRANCH, REGISTRY_PATH, Sources

# What says where a replay lies, or to whom it reports, must not reach the season beside it.
_OF_THE_REPLAY = (
    "TRADING_PROJECT",
    "TRADING_HOME",
    "TRADING_STORE_URL",
    "TRADING_DVC_URL",
    "TRADING_CONFIG",
    "TRADING_MLFLOW_ARTIFACTS",
    "TRADING_DAGSTER_HISTORY",
    "TRADING_BROKER_URL",
    "TRADING_PAPER_BROKER",
    "TRADING_GIT_REMOTE",
    "MLFLOW_TRACKING_URI",
    "DAGSTER_HOME",
)


def home_of(settings: Settings) -> Path:
    """Where the season of a checkout lives, or would."""
    return settings.home / "season"


def enter(home: Path, environ: MutableMapping[str, str] = os.environ) -> Settings:
    """Let this process be about the season in that folder: its settings from now on."""
    for name in _OF_THE_REPLAY:
        environ.pop(name, None)
    os.chdir(home)
    load_settings.cache_clear()
    return load_settings()


def make_home(settings: Settings, session_every: str) -> Path:
    """Clone the checkout with the files that are in force, and a registry that says `season`; whole or not at all.

    Raises ConfigError where the market's data have no end, VersioningError where the checkout has no history.
    """
    home, sources = home_of(settings), current_platform(settings).sources
    text = f"{sources.registry.text.rstrip()}\n\nseason:\n  clock: {{lapse: {{session_every: {session_every}}}}}\n"
    registry = load_registry(text, REGISTRY_PATH)
    new = home.with_name(f"{home.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    run_git(settings.project, "clone", "-q", str(settings.project), str(new))
    there = try_git(new, "rev-parse", "-q", "--verify", f"origin/{MAIN_BRANCH}").ok
    run_git(new, "checkout", "-q", "-B", MAIN_BRANCH, f"origin/{MAIN_BRANCH}" if there else "HEAD")
    run_git(new, "remote", "remove", "origin")
    git = BranchRepo(new)
    git.commit_files(MAIN_BRANCH, {REGISTRY_PATH: text.encode(), **_files(sources)}, _says(sources), {})
    for entry in registry.teams.values():
        git.ensure_branch(entry.branch, MAIN_BRANCH)
    new.rename(home)
    return home


def no_season() -> SeasonError:
    """What is said where a season is asked for and none was begun."""
    return SeasonError("there is no season in this checkout; `trading season start` begins one")


def put_away(settings: Settings) -> Path:
    """Move the season of this checkout aside, whole, so that another one can begin; where it lies from now on.

    Raises SeasonError where there is none.
    """
    home = home_of(settings)
    if not home.exists():
        raise no_season()
    away = settings.home / "seasons" / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    away.parent.mkdir(exist_ok=True)
    return home.rename(away)


def _files(sources: Sources) -> dict[str, bytes]:
    texts = [sources.defaults, *sources.teams.values()]
    return {source.path: source.content for source in texts if source and not source.refusal}


def _says(sources: Sources) -> str:
    of = ", ".join(f"{team}: {source.origin}" for team, source in sources.teams.items() if source)
    return f"A season begins, with the files in force ({of})"
