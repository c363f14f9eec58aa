"""Asks the web server to load the definitions anew, the way its own Reload button does."""

from my_dagster_project.foundation.errors import TradingError
from my_dagster_project.foundation.settings import Settings
from my_dagster_project.pipeline.dagit_client import LOCATION, ask_dagit
from my_dagster_project.teams.platform import Platform, load_platform
from my_dagster_project.teams.sources import read_sources

_TIMEOUT_SECONDS = 60
_MUTATION = """
mutation Reload($name: String!) {
  reloadRepositoryLocation(repositoryLocationName: $name) {
    __typename
    ... on WorkspaceLocationEntry { loadStatus locationOrLoadError { __typename ... on PythonError { message } } }
    ... on ReloadNotSupported { message }
    ... on UnauthorizedError { message }
  }
}
"""


def differs(platform: Platform, settings: Settings) -> bool:
    """Whether the texts are others than those of this platform, and can be loaded: with a broken registry the location would be gone."""
    try:
        now = read_sources(settings.project, settings.config_mode)
        return now.digest != platform.read and bool(load_platform(now))
    except TradingError:
        return False


def reload_location(dagit_url: str) -> str:
    """Reload our code location; says what happened in words, also when the web server cannot be reached."""
    try:
        content = ask_dagit(dagit_url, _MUTATION, {"name": LOCATION}, _TIMEOUT_SECONDS)
    except (OSError, ValueError) as error:
        return f"Team files changed; the web server at {dagit_url} could not be asked to reload: {error}."
    said = content.get("reloadRepositoryLocation") or {}
    loaded = said.get("locationOrLoadError") or {}
    problem = said.get("message") or loaded.get("message")
    return (
        f"Team files changed; reloading failed: {problem}"
        if problem
        else "Team files changed; the graph is reloaded."
    )
