"""A session's predictions as signals, believed only as far as their own file proves them.

A file says of whom it is: team, symbol, session, and which model made it (files from before that lack team and model, which is
then not asked). Whatever is wrong with one stops its own symbol, with the reason in the plan, and nobody else.
"""

import math
from dataclasses import dataclass
from datetime import date
from typing import Any

from my_dagster_project.domain.plan import Signal
from my_dagster_project.foundation.errors import ObjectMissingError
from my_dagster_project.storage import names
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.manifests import Asset
from my_dagster_project.storage.parquet import rows_of
from my_dagster_project.teams.schema import TeamConfig


@dataclass(frozen=True)
class Predicted:
    """What is predicted of a session: signals, and the raw close each symbol was predicted at, None without a prediction."""

    signals: tuple[Signal, ...]
    closes: dict[str, float | None]


def predicted(team: str, config: TeamConfig, session: date, assets: AssetStore) -> Predicted:
    """Give the session's predictions of a team's symbols; raises StorageError when the store cannot be asked."""
    signals: list[Signal] = []
    closes: dict[str, float | None] = dict.fromkeys(config.symbols)
    for symbol in config.symbols:
        asset = names.predictions(team, symbol)
        try:
            data = assets.read_file(asset, f"{session}.parquet")
        except ObjectMissingError:
            continue
        try:
            found = [_signal(row, team, symbol, config, assets) for row in _rows(data)]
            closes[symbol] = found[0][1]
            signals += [signal for signal, _ in found]
        except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
            what = f"the file of its prediction cannot be read ({type(error).__name__}: {error})"
            signals.append(Signal(team, session, symbol, math.nan, config.target, problem=what))
    return Predicted(tuple(signals), closes)


def _rows(data: bytes) -> list[dict[str, Any]]:
    rows = rows_of(data)
    if not rows:
        raise ValueError("it has no row")
    return rows


def _signal(
    row: dict[str, Any], team: str, symbol: str, config: TeamConfig, assets: AssetStore
) -> tuple[Signal, float]:
    window = config.training.window_of(row["session"].date())
    value = row["probability_up" if config.is_classification else "predicted_return"]
    return Signal(
        team=row.get("team", team),
        session=row["session"].date(),
        symbol=symbol,
        value=math.nan if value is None else float(value),
        target=config.target,
        trained_through=row["trained_through"].date(),
        problem=_problem(row, symbol, names.model(team, "" if config.pooled else symbol, window), assets),
        position=row.get("position"),
    ), float(row["close"])


def _problem(row: dict[str, Any], symbol: str, model: Asset, assets: AssetStore) -> str:
    """Say why a row may not be believed; '' when it may. Team and session are asked where signals are."""
    if (of := row.get("symbol", symbol)) != symbol:
        return f"its file holds a prediction of {of}"
    made_by = row.get("model")
    if made_by is None or made_by == assets.fingerprint(model) or assets.contents.size(made_by):
        return ""
    return f"its file says that model {made_by} made it, and there never was one here"
