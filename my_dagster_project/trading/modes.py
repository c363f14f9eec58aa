"""Whether a team's orders are sent: `off`, `shadow` or `paper`, and who decides."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from my_dagster_project.teams.registry import TeamEntry
from my_dagster_project.teams.schema import TeamConfig
from my_dagster_project.teams.sections import Mode
from my_dagster_project.trading.transport import LIVE_HOST


@dataclass(frozen=True)
class Decided:
    """A team's mode, and where it comes from, for people."""

    mode: Mode
    because: str

    def __str__(self) -> str:
        return f"{self.mode} ({self.because})"


def mode_of(entry: TeamEntry, config: TeamConfig, *, broker_url: str | None) -> Decided:
    """Give how a team trades: as the registry says, else as the team says, else by the broker; None is the bundled one.

    Where real money is, a team's own `paper` is not enough: only the organiser's word in the registry sends orders there.

    With the bundled broker nothing can be lost, so its default is `paper`. With an account elsewhere it is `shadow`:
    a deployment that was just given keys shows what it would do, and sends nothing until somebody has said so.
    """
    if entry.mode is not None:
        return Decided(entry.mode, "the registry's word")
    own = config.trading.mode
    if own == "paper" and broker_url is not None and urlsplit(broker_url).hostname == LIVE_HOST:
        return Decided(
            "shadow", "the endpoint is for real money: the organiser sets mode: paper in the registry"
        )
    if own is not None:
        return Decided(own, "the team's own")
    if broker_url is None:
        return Decided("paper", "the default with the bundled broker")
    return Decided("shadow", "the default with an account outside; set mode: paper to send orders")
