"""A run keeps the configuration it was created with.

A run waits in the queue, or starts on another host, and loads the definitions anew there: from the branch they would be
those of a later commit. Dagster carries a string of ours along with every run's plan; it holds the texts in force.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from my_dagster_project.foundation.dagster_private import DefinitionsLoadContext, DefinitionsLoadType
from my_dagster_project.foundation.settings import Settings
from my_dagster_project.teams.deployment import on_its_clock
from my_dagster_project.teams.platform import Platform, load_platform
from my_dagster_project.teams.sources import Sources

_KEY = "trading/platform"


def pin(platform: Platform) -> None:
    """Let every run created from the definitions now being loaded carry the platform they are of.

    Said to the load context, as Dagster's own components do: `Definitions.with_reconstruction_metadata`, the public way
    and still a preview in 1.13, did not reach the run (found by a run that trained with the next commit's seed).
    """
    DefinitionsLoadContext.get().add_to_pending_reconstruction_metadata(_KEY, told_of(platform))


def told_of(platform: Platform) -> str:
    """What a platform is made of, as one string."""
    told = {"sources": platform.sources.to_json(), "read": platform.read, "problems": platform.problems}
    return json.dumps(told)


def platform_told(text: str, settings: Settings) -> Platform:
    """The platform that `told_of` told, on this deployment's clock."""
    told = json.loads(text)
    platform = load_platform(Sources.from_json(told["sources"]))
    return on_its_clock(replace(platform, read=told["read"], problems=told["problems"]), settings)


def pinned_text() -> str | None:
    """What told of the platform that this process was started for, None where it is free to read the newest."""
    context = DefinitionsLoadContext.get()
    if context.load_type != DefinitionsLoadType.RECONSTRUCTION:
        return None
    return context.reconstruction_metadata.get(_KEY)


def pinned_sources(metadata: Mapping[str, Any]) -> Sources | None:
    """The texts that a run's plan, as stored, carries along; None when it was made without any."""
    text = metadata.get(_KEY)
    return Sources.from_json(json.loads(getattr(text, "value", text))["sources"]) if text else None
