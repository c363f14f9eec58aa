"""Teams that came when others had begun: judged beside each of them on the sessions that both predicted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from my_dagster_project.domain.evaluation import Metrics, evaluate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pandas import DataFrame


@dataclass(frozen=True)
class Latecomer:
    """Its first scored session (ISO), and everybody's metrics from that one on, by team and symbol."""

    since: str
    common: Mapping[tuple[str, str], Metrics]


def latecomers(scored: Mapping[tuple[str, str], DataFrame]) -> dict[str, Latecomer]:
    """Those teams whose first scored session comes after the first of all, by name, who came earlier first."""
    begun = {(team, symbol): frame["session"].min() for (team, symbol), frame in scored.items() if len(frame)}
    first = {team: min(day for (owner, _), day in begun.items() if owner == team) for team, _ in begun}
    late = {team: day for team, day in first.items() if day > min(first.values())}
    return {
        team: Latecomer(
            day.date().isoformat(),
            {of: evaluate(frame[frame["session"] >= day]) for of, frame in scored.items()},
        )
        for team, day in sorted(late.items(), key=lambda one: (one[1], one[0]))
    }
