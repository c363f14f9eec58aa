"""Teams that came when others had begun: judged beside each of them on the sessions that both predicted."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pandas import DataFrame, Timestamp


def latecomers(scored: Mapping[tuple[str, str], DataFrame]) -> dict[str, Timestamp]:
    """Those teams whose first scored session comes after the first of all, with that session, who came earlier first."""
    begun = {(team, symbol): frame["session"].min() for (team, symbol), frame in scored.items() if len(frame)}
    first = {team: min(day for (owner, _), day in begun.items() if owner == team) for team, _ in begun}
    late = {team: day for team, day in first.items() if day > min(first.values())}
    return dict(sorted(late.items(), key=lambda one: (one[1], one[0])))
