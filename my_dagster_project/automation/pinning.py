"""A run keeps the configuration it was created with.

A run waits in the queue, or starts on another host, and loads the definitions anew there: from the branch they would be
those of a later commit. Dagster carries a string of ours along with every run's plan; it holds the texts in force.
"""

import dagster as dg
from dagster._core.definitions.definitions_load_context import DefinitionsLoadContext, DefinitionsLoadType

from my_dagster_project.teams.sources import Sources

_KEY = "trading/sources"


def pin(definitions: dg.Definitions, sources: Sources) -> dg.Definitions:
    """The definitions with the texts they were made of."""
    return definitions.with_reconstruction_metadata({_KEY: sources.to_json()})


def pinned_sources() -> Sources | None:
    """The texts this process was started for, None where it is free to read the newest."""
    context = DefinitionsLoadContext.get()
    if context.load_type != DefinitionsLoadType.RECONSTRUCTION:
        return None
    text = context.reconstruction_metadata.get(_KEY)
    return Sources.from_json(text) if text else None
