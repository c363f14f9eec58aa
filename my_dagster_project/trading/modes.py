"""Whether a team's orders are sent: `off`, `shadow` or `paper`, and who decides."""

from dataclasses import dataclass

from my_dagster_project.teams.registry import TeamEntry
from my_dagster_project.teams.schema import TeamConfig
from my_dagster_project.teams.sections import Mode


@dataclass(frozen=True)
class Decided:
    """A team's mode, and where it comes from, for people."""

    mode: Mode
    because: str

    def __str__(self) -> str:
        return f"{self.mode} ({self.because})"


def mode_of(entry: TeamEntry, config: TeamConfig, *, bundled_broker: bool) -> Decided:
    """Give how a team trades: as the registry says, else as the team says, else by the broker.

    With the bundled broker nothing can be lost, so its default is `paper`. With an account elsewhere it is `shadow`:
    a deployment that was just given keys shows what it would do, and sends nothing until somebody has said so.
    """
    if entry.mode is not None:
        return Decided(entry.mode, "the registry's word")
    if config.trading.mode is not None:
        return Decided(config.trading.mode, "the team's own")
    if bundled_broker:
        return Decided("paper", "the default with the bundled broker")
    return Decided("shadow", "the default with an account outside; set mode: paper to send orders")
