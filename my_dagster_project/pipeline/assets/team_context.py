"""What all of a team's asset factories share."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from hashlib import sha256
from typing import Any

from my_dagster_project.domain.windows import last_close_before
from my_dagster_project.pipeline.assets.stamp import stamped
from my_dagster_project.pipeline.chain import Place
from my_dagster_project.teams.platform import Platform
from my_dagster_project.teams.registry import TeamEntry
from my_dagster_project.teams.schema import TeamConfig


@dataclass(frozen=True)
class TeamContext:
    """One team as the factories see it: its file, its entry in the registry, and the competition around it."""

    name: str
    config: TeamConfig
    platform: Platform

    @property
    def refits(self) -> bool:
        """Whether its models are trained anew as time passes, so that they have windows."""
        return self.config.training.refits

    def closes(self, window: str) -> date:
        """The last session whose close the training of a window (ISO, '' for the only one) may see."""
        if not window:
            return self.config.training.cutoff
        return last_close_before(self.platform.calendar, date.fromisoformat(window))

    @property
    def entry(self) -> TeamEntry:
        """The team's entry in the registry."""
        return self.platform.registry.teams[self.name]

    @cached_property
    def config_sha(self) -> str:
        """SHA-256 (hex, 12 digits) of the team's whole configuration."""
        return sha256(self.config.canonical_json().encode()).hexdigest()[:12]

    def stamped(
        self, noun: str, *kinds: str, symbol: str = "", configuration: Sequence[object] = ()
    ) -> dict[str, Any]:
        """The keyword arguments of `dg.asset` that follow from the stage's row, and which configuration it is of."""
        place, about = Place(self.name, symbol), {"config_sha": self.config_sha}
        return stamped(self.platform, noun, place, *kinds, configuration=configuration, metadata=about)
