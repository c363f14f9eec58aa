"""What a team predicted as of each day, and what came: from what is stored, never computed anew."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from my_dagster_project.domain.evaluation import Metrics, evaluate, score
from my_dagster_project.foundation.errors import ObjectMissingError
from my_dagster_project.storage import names
from my_dagster_project.storage.parquet import from_session_files
from my_dagster_project.storage.stored_bars import read_bars

if TYPE_CHECKING:
    import pandas as pd

    from my_dagster_project.serving.catalogue import Place
    from my_dagster_project.storage.assets import AssetStore

MOST = 1000
"""Sessions of one answer: four years."""


def past_predictions(
    assets: AssetStore,
    place: Place,
    first: date | None = None,
    last: date | None = None,
    most: int = MOST,
) -> list[dict[str, Any]]:
    """A row per stored prediction of `first` to `last`, by session, the newest `most` of them.

    `session`, `target_session`, `predicted_return` (log return), `probability_up`, `model` (md5), `trained_through`; and where
    the target session has closed `actual_return` and `hit`, None before.
    """
    predictions = _stored(assets, place, first, last, most)
    if predictions is None:
        return []
    came = score(predictions, read_bars(assets, place.symbol)).set_index("session")
    return [_row(one, came) for one in predictions.to_dict("records")]


def figures(assets: AssetStore, place: Place) -> Metrics:
    """How good the place's predictions were, of all that are stored; NaN throughout where none has been scored."""
    predictions = _stored(assets, place)
    return Metrics() if predictions is None else evaluate(score(predictions, read_bars(assets, place.symbol)))


def _stored(
    assets: AssetStore,
    place: Place,
    first: date | None = None,
    last: date | None = None,
    most: int = MOST,
) -> pd.DataFrame | None:
    asset = names.predictions(*place)
    low, high = (first or date.min).isoformat(), (last or date.max).isoformat()
    wanted = [name for name in assets.names(asset) if low <= name.partition(".")[0] <= high][-most:]
    if not wanted:
        return None
    try:
        return from_session_files(assets.read_files(asset, wanted))
    except ObjectMissingError:  # They were made anew at this moment.
        return None


def _row(one: dict[str, Any], came: pd.DataFrame) -> dict[str, Any]:
    known = came.loc[one["session"]] if one["session"] in came.index else {}
    return {
        "session": one["session"].date(),
        "target_session": one["target_session"].date(),
        "predicted_return": _number(one["predicted_return"]),
        "probability_up": _number(one["probability_up"]),
        "model": one.get("model"),
        "trained_through": one["trained_through"].date(),
        "actual_return": _number(known.get("actual_return")),
        "hit": None if _number(known.get("hit")) is None else bool(known["hit"]),
    }


def _number(value: Any) -> float | None:
    """JSON knows no NaN."""
    return None if value is None or value != value else float(value)
