"""Who is surely better than whom: tiers by repeated model confidence sets, and by intervals over the own buy-and-hold.

The model confidence set of daily losses holds the best forecast with 95 % (Hansen, Lunde and Nason, Econometrica 79 (2011), range
statistic, from `arch`); who is not in it is surely worse than some that are. It is tier 1, the set of the others tier 2, and so on.
Of few sessions the set is large: that nobody can be told apart then is a finding, and ties are ties.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from my_dagster_project.domain.scores.blocks import DRAWS, LEAST_SESSIONS, Figure, block_length

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pandas import DataFrame

_SIZE = 0.05


def forecast_tiers(losses: DataFrame) -> dict[str, int]:
    """The tier of each column of losses by session, 1 the best; none of fewer than 20 sessions. Nothing may be missing.

    Equal columns are one; the order of columns and rows' labels do not matter.
    """
    if len(losses) < LEAST_SESSIONS:
        return {}
    same: dict[bytes, list[str]] = {}
    for team in losses:
        same.setdefault(losses[team].to_numpy(float).tobytes(), []).append(team)
    left, found, tier = sorted(same), dict[str, int](), 0
    while left:
        tier += 1
        best = _confidence_set(losses[[same[one][0] for one in left]])
        inside = [one for one in left if same[one][0] in best]
        found |= {team: tier for one in inside for team in same[one]}
        left = [one for one in left if one not in inside]
    return found


def _confidence_set(losses: DataFrame) -> list[str]:
    """The columns among which the best one is, with 95 %."""
    from arch.bootstrap import MCS

    if losses.shape[1] == 1:
        return list(losses)
    block = math.ceil(block_length(losses.mean(axis=1)))
    told = MCS(losses.reset_index(drop=True), _SIZE, reps=DRAWS, block_size=block, seed=0)
    told.compute()
    return list(told.included)


def money_tiers(excess: Mapping[str, Figure]) -> dict[str, int]:
    """Tiers by the interval of the return over the own buy-and-hold: above it, perhaps luck, below it; none without an interval."""
    sides = {team: _side(one) for team, one in excess.items() if not math.isnan(one.low)}
    present = sorted(set(sides.values()), reverse=True)
    return {team: present.index(side) + 1 for team, side in sides.items()}


def _side(excess: Figure) -> int:
    return (excess.low > 0) - (excess.high < 0)
