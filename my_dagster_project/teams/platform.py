"""All teams at once: the registry, every valid team file, and what is wrong with the others."""

from dataclasses import dataclass, field
from pathlib import Path

from my_dagster_project.domain.calendar import TradingCalendar, load_calendar
from my_dagster_project.errors import ConfigError
from my_dagster_project.teams.loading import load_registry, load_team
from my_dagster_project.teams.registry import Registry
from my_dagster_project.teams.schema import TeamConfig


@dataclass(frozen=True)
class Platform:
    """What is deployed. A team with a bad file is in `problems` and nowhere else: it never takes the others down."""

    registry: Registry
    teams: dict[str, TeamConfig]
    problems: dict[str, str] = field(default_factory=dict)

    @property
    def calendar(self) -> TradingCalendar:
        """The exchange calendar all sessions are of."""
        return load_calendar(self.registry.calendar)

    @property
    def symbols(self) -> list[str]:
        """Every symbol some team trades, sorted: bars are fetched once for all."""
        return sorted({symbol for team in self.teams.values() for symbol in team.symbols})


def load_platform(configs: Path) -> Platform:
    """The platform of a folder with teams.yaml and one file per team; raises ConfigError only for the registry itself."""
    registry = load_registry(configs / "teams.yaml")
    teams, problems = {}, {}
    for name in registry.teams:
        try:
            teams[name] = load_team(configs / f"{name}.yaml", f"configs/{name}.yaml", registry)
        except ConfigError as error:
            problems[name] = str(error)
    return Platform(registry, teams, problems)
