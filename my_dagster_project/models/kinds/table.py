"""The kinds of models there are, by name. Nothing else names them all; a new one is a folder beside this file and a row here."""

from my_dagster_project.foundation.errors import ModelError
from my_dagster_project.models.kinds.baseline.baseline_kind import BASELINE
from my_dagster_project.models.kinds.ludwig.ludwig_kind import LUDWIG
from my_dagster_project.models.kinds.port import Kind

KINDS: dict[str, Kind] = {kind.name: kind for kind in (LUDWIG, BASELINE)}


def kind_named(name: str) -> Kind:
    """The kind of this name; ModelError for one that this version of the platform does not have."""
    if name not in KINDS:
        raise ModelError(f"there is no kind of model {name}; known: {', '.join(KINDS)}")
    return KINDS[name]
