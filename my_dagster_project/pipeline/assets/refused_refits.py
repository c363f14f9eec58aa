"""Whether a refit was refused: then nothing was trained, and in a season the one before it stays in force."""

import dagster as dg

from my_dagster_project.pipeline.assets.keys import model_key, training_rows_key
from my_dagster_project.pipeline.assets.model_asset import KNOWS
from my_dagster_project.pipeline.assets.training_rows_asset import GATES
from my_dagster_project.pipeline.refit_windows import is_lived
from my_dagster_project.teams.platform import Platform


def earlier_stays(instance: dg.DagsterInstance, platform: Platform, team: str, symbol: str) -> bool:
    """Whether the refit before the newest predicts a symbol, because a check stopped that one when it was asked last.

    Only where sessions are lived: a replay waits until what was wrong is mended.
    """
    if not is_lived(platform):
        return False
    config = platform.teams[team]
    rows = [training_rows_key(team, one) for one in (config.symbols if config.pooled else [symbol])]
    asked = [(gate, key) for key in rows for gate in GATES]
    model = model_key(team, "" if config.pooled else symbol)
    return any(gate.refused(instance, key) for gate, key in [*asked, (KNOWS, model)])
