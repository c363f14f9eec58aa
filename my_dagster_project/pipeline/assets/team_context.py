"""What all of a team's asset factories share."""

from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

import dagster as dg

from my_dagster_project.teams.platform import Platform
from my_dagster_project.teams.registry import TeamEntry
from my_dagster_project.teams.schema import TeamConfig


@dataclass(frozen=True)
class TeamContext:
    """One team as the factories see it: its file, its entry in the registry, and the competition around it."""

    name: str
    config: TeamConfig
    platform: Platform
    partitions: dg.PartitionsDefinition

    @property
    def entry(self) -> TeamEntry:
        """The team's entry in the registry."""
        return self.platform.registry.teams[self.name]

    @cached_property
    def config_sha(self) -> str:
        """SHA-256 (hex, 12 digits) of the team's whole configuration."""
        return sha256(self.config.canonical_json().encode()).hexdigest()[:12]

    def attributes(self, *kinds: str) -> dict[str, Any]:
        """The keyword arguments every asset of the team has: group, owners, tags, kinds, which configuration it is of."""
        return {
            "group_name": self.name.replace("-", "_"),
            "owners": list(self.entry.owners),
            "tags": {"team": self.name},
            "kinds": set(kinds),
            "metadata": {"config_sha": self.config_sha},
        }


def version_of(*parts: object) -> str:
    """A code version: twelve digits of the SHA-256 of whatever an asset's result depends on besides its inputs."""
    return sha256("\n".join(str(part) for part in parts).encode()).hexdigest()[:12]
