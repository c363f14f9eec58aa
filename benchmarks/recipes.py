"""Writes down, for plain Ludwig, exactly what the platform trains and predicts: `python -m benchmarks.recipes FOLDER`.

Per refit a folder `red-AAPL-2012-12-01` (`red-AAPL` of a team that never refits) with recipe.json (complete configuration,
seed, sessions it predicts, ...), rows.parquet (training rows), and for predictions and report features.parquet and bars.parquet.
"""

import json
import sys
from itertools import groupby
from pathlib import Path

from my_dagster_project.foundation.settings import load_settings
from my_dagster_project.models.kinds.ludwig.ludwig_input import ludwig_config
from my_dagster_project.models.training_input import SPLIT
from my_dagster_project.pipeline.assets.model_asset import training_spec
from my_dagster_project.pipeline.assets.team_context import TeamContext
from my_dagster_project.pipeline.partitions import replay_sessions
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.names import of_window
from my_dagster_project.storage.opening import open_assets
from my_dagster_project.storage.parquet import from_parquet
from my_dagster_project.storage.stored_bars import read_bars
from my_dagster_project.teams.deployment import current_platform


def write_recipes(folder: Path) -> None:
    """Write the recipe of every refit that the replay predicts by, from the project's stored bars, features and rows."""
    settings = load_settings()
    platform = current_platform(settings)
    assets = open_assets(settings.store_url, settings.dvc_url)
    for name, config in platform.teams.items():
        team = TeamContext(name, config, platform)
        for window, held in groupby(replay_sessions(platform), config.training.window_of):
            sessions = [session.isoformat() for session in held]
            for symbol in config.symbols:
                _write(folder, assets, team, symbol, window, sessions)


def _write(
    folder: Path, assets: AssetStore, team: TeamContext, symbol: str, window: str, sessions: list[str]
) -> None:
    spec = training_spec(team, symbol, window)
    stored = of_window((team.name, symbol, "training_rows"), window)
    rows = from_parquet(assets.read_file(stored, "training_rows.parquet"))
    recipe = {
        "team": spec.team,
        "symbol": symbol,
        "window": window,
        "target": spec.target,
        "inputs": list(spec.features),
        "config": ludwig_config(spec),
        "seed": spec.seed,
        "trained_through": spec.trained_through.isoformat(),
        "return_scale": float(rows.loc[rows[SPLIT] == 0, "next_return"].abs().mean()),
        "sessions": sessions,
    }
    place = folder / spec.of.replace(" ", "-")
    place.mkdir(parents=True)
    (place / "recipe.json").write_text(json.dumps(recipe), encoding="utf-8")
    columns = dict.fromkeys([*spec.features, spec.target, SPLIT])
    rows[list(columns)].to_parquet(place / "rows.parquet")
    features = from_parquet(assets.read_file((team.name, symbol, "features"), "features.parquet"))
    features.to_parquet(place / "features.parquet")
    read_bars(assets, symbol).to_parquet(place / "bars.parquet")


if __name__ == "__main__":
    write_recipes(Path(sys.argv[1]))
