"""The feature row of a symbol's newest session, from the bars that are stored: by the code that makes the rows of a training."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from my_dagster_project.domain.features import compute_features
from my_dagster_project.domain.predictions import model_from_the_future
from my_dagster_project.foundation.errors import ModelError, ObjectMissingError
from my_dagster_project.serving.recent import Recent
from my_dagster_project.storage.stored_bars import bars_content, read_bars

if TYPE_CHECKING:
    import pandas as pd

    from my_dagster_project.serving.catalogue import Catalogue, Place
    from my_dagster_project.serving.opened_model import OpenedModel
    from my_dagster_project.teams.schema import TeamConfig


class NewestRows:
    """The newest row of each place, computed once for the same bars and features."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._known = Recent[tuple[str, str, str], "pd.DataFrame"]()

    def row(self, place: Place, model: OpenedModel) -> pd.DataFrame:
        """One row: `session` and the team's features after its close.

        Raises ObjectMissingError without bars, ModelError where a feature cannot be computed, where the team's file no longer
        has what its model reads, and where the model has seen that session's close.
        """
        row = self._features(place)
        lacking = [entry.name for entry in model.manifest.inputs if entry.name not in row]
        if lacking:
            raise ModelError(
                f"{model.manifest.label}: the model reads {', '.join(lacking)}, which the team's file no longer computes; "
                "its next training mends that"
            )
        if problem := model_from_the_future(model.manifest.trained_through, [session_of(row)]):
            raise ModelError(f"{model.manifest.label}: {problem}")
        return row.reset_index(drop=True)

    def _features(self, place: Place) -> pd.DataFrame:
        config = self._catalogue.require(place).teams[place.team].for_symbol(place.symbol)
        md5 = bars_content(self._catalogue.assets, place.symbol)
        if md5 is None:
            raise ObjectMissingError(f"There are no bars of {place.symbol} yet.")
        key = (place.symbol, md5, config.features_fingerprint())
        return self._known.get(key, lambda: self._computed(place, config))

    def _computed(self, place: Place, config: TeamConfig) -> pd.DataFrame:
        bars = read_bars(self._catalogue.assets, place.symbol)
        return compute_features(bars, config.feature_list, place.symbol).tail(1)


def session_of(row: pd.DataFrame) -> date:
    """The session after whose close the row is known."""
    found: date = row["session"].iloc[-1].date()
    return found
