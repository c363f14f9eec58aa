"""The control of a team's own kind of model, once per configuration and remembered, like the trial of its section.

It costs a training, so it is asked where figures count: in a season, of live data and of a walk through the years; a replay of
an edit is a try. What a model brings along does not hang on the symbol: symbols that are configured alike are one.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from my_dagster_project.domain.own_controls import AnswersControl
from my_dagster_project.foundation.errors import ObjectMissingError
from my_dagster_project.models.own_control import shuffled_control
from my_dagster_project.pipeline.rehearsing import configuration_key

if TYPE_CHECKING:
    import pandas as pd

    from my_dagster_project.models.training_input import TrainingSpec
    from my_dagster_project.storage.assets import AssetStore
    from my_dagster_project.teams.schema import TeamConfig

_REMEMBERED = ".controls/"


def brought_along(
    config: TeamConfig, spec: TrainingSpec, rows: pd.DataFrame, assets: AssetStore
) -> str | None:
    """Why a model of this configuration is refused: it knows of returns that it was kept from learning; None where it does not.

    `config` is that of the symbol; of too few rows nothing is told, and nothing remembered. Raises ModelError where it cannot be
    trained.
    """
    key = f"{_REMEMBERED}{configuration_key(config)}.json"
    found = _remembered(assets, key)
    if found is None:
        found = shuffled_control(config.kind, spec, rows)
        if found is not None:
            assets.store.put(key, json.dumps(found.to_json()).encode())
    if found is None or not found.is_impossible:
        return None
    return (
        f"{spec.of}: trained on returns in another order, its model still goes with those that came: {found}. That it did not "
        "learn from its rows; what it brings along (pretrained weights, a file from outside) has seen these years. Nothing was "
        "stored, and in a season the earlier refit stays in force; take that part out of the team's file"
    )


def _remembered(assets: AssetStore, key: str) -> AnswersControl | None:
    try:
        return AnswersControl(**json.loads(assets.store.get(key)))
    except (ObjectMissingError, ValueError, TypeError):
        return None
