"""Asks the web server to load the definitions anew, the way its own Reload button does."""

import json
import urllib.error
import urllib.request

_LOCATION = "my_dagster_project.definitions"
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


def reload_location(dagit_url: str) -> str:
    """Reload our code location; says what happened in words, also when the web server cannot be reached."""
    body = json.dumps({"query": _MUTATION, "variables": {"name": _LOCATION}}).encode()
    request = urllib.request.Request(  # noqa: S310 - the address is the operator's own setting
        f"{dagit_url.rstrip('/')}/graphql", body, {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310
            content = json.load(answer)
    except (urllib.error.URLError, OSError, ValueError) as error:
        return f"Team files changed; the web server at {dagit_url} could not be asked to reload: {error}."
    said = (content.get("data") or {}).get("reloadRepositoryLocation") or {}
    loaded = said.get("locationOrLoadError") or {}
    problem = said.get("message") or loaded.get("message")
    return (
        f"Team files changed; reloading failed: {problem}"
        if problem
        else "Team files changed; the graph is reloaded."
    )
