"""What people changed or were refused in Dagit, as acts of the audit log."""

from collections.abc import Iterator
from typing import Any

from my_dagster_project.deploy.dagit.permissions import PersonsContext
from my_dagster_project.foundation.settings import load_settings
from my_dagster_project.foundation.sign_in import PLATFORM
from my_dagster_project.foundation.sign_in import person as on_this_machine
from my_dagster_project.storage.audit import DAGIT, Act, note_beside
from my_dagster_project.storage.opening import open_assets

# The same in every request of ours.
_PLACE = frozenset({"repositoryName", "repositoryLocationName", "mode"})


def keep_on_record(person: PersonsContext, what: str, answer: Any) -> None:
    """Add what a person asked for and what came of it; the services among themselves are no persons."""
    if person.user == PLATFORM:
        return
    settings = load_settings()
    who = person.user or ("nobody" if settings.proxy_names_user else on_this_machine())
    store = open_assets(settings.store_url, settings.dvc_url).store
    note_beside(store, Act(who, DAGIT, what, outcome(answer)))


def in_words(asked: Any) -> str:
    """What a mutation was asked for: all that stands in its arguments but where."""
    return " ".join(_leaves(asked))


def outcome(answer: Any) -> str:
    """How a mutation went, in words; of a launch the run."""
    kind = type(answer).__name__.removeprefix("Graphene")
    said = getattr(answer, "message", None)
    if kind == "UnauthorizedError":
        return f"refused: {said}"
    if kind.endswith(("Error", "Failure", "Invalid", "NotFound", "NotSupported")):
        return f"failed: {said or kind}"
    if (several := getattr(answer, "launchMultipleRunsResult", None)) is not None:
        return "; ".join(map(outcome, several))
    if (several := getattr(answer, "terminateRunResults", None)) is not None:
        return "; ".join(map(outcome, several))
    run = getattr(getattr(answer, "run", None), "run_id", "")
    return f"done, run {run}" if run else "done"


def _leaves(asked: Any) -> Iterator[str]:
    if isinstance(asked, dict):
        if "path" in asked:
            yield "/".join(map(str, asked["path"]))
            asked = {name: value for name, value in asked.items() if name != "path"}
        for name, value in asked.items():
            if name not in _PLACE:
                yield from _leaves(value)
    elif isinstance(asked, list):
        for one in asked:
            yield from _leaves(one)
    elif asked is not None:
        yield str(asked)
