"""Writes down, for plain Ludwig, exactly what the platform trains and predicts: `python -m benchmarks.recipes FOLDER`.

Per model a folder `red-AAPL` with recipe.json (complete configuration, seed, ...), rows.parquet (training rows), and for
predictions and report features.parquet and bars.parquet.
"""

import json
import sys
from pathlib import Path

from my_dagster_project.domain.targets import training_rows
from my_dagster_project.foundation.settings import load_settings
from my_dagster_project.models.kinds.ludwig.ludwig_input import ludwig_config
from my_dagster_project.models.training_input import SPLIT, TrainingSpec
from my_dagster_project.pipeline.partitions import replay_sessions
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.opening import open_assets
from my_dagster_project.storage.parquet import from_parquet
from my_dagster_project.storage.stored_bars import read_bars
from my_dagster_project.teams.deployment import current_platform
from my_dagster_project.teams.schema import TeamConfig


def write_recipes(folder: Path) -> None:
    """Write the recipe of every team and symbol from the project's stored bars and features."""
    settings = load_settings()
    platform = current_platform(settings)
    assets = open_assets(settings.store_url, settings.dvc_url)
    sessions = [session.isoformat() for session in replay_sessions(platform)]
    for team, config in platform.teams.items():
        for symbol in config.symbols:
            target = folder / f"{team}-{symbol}"
            target.mkdir(parents=True)
            _write(target, assets, team, config, symbol, sessions)


def _write(
    folder: Path, assets: AssetStore, team: str, config: TeamConfig, symbol: str, sessions: list[str]
) -> None:
    training = config.training
    features = from_parquet(assets.read_file((team, symbol, "features"), "features.parquet"))
    bars = read_bars(assets, symbol)
    rows = training_rows(
        features,
        bars,
        config.target,
        start=training.start,
        cutoff=training.cutoff,
        validation_fraction=training.validation_fraction,
    )
    spec = TrainingSpec(
        team=team,
        symbol=symbol,
        section=config.complete_section(),
        target=config.target,
        features=tuple(config.input_names),
        seed=training.seed,
        trained_through=training.cutoff,
    )
    recipe = {
        "team": team,
        "symbol": symbol,
        "target": config.target,
        "inputs": list(config.input_names),
        "config": ludwig_config(spec),
        "seed": training.seed,
        "trained_through": training.cutoff.isoformat(),
        "return_scale": float(rows.loc[rows[SPLIT] == 0, "next_return"].abs().mean()),
        "sessions": sessions,
    }
    (folder / "recipe.json").write_text(json.dumps(recipe), encoding="utf-8")
    columns = dict.fromkeys([*config.input_names, config.target, SPLIT])
    rows[list(columns)].to_parquet(folder / "rows.parquet")
    features.to_parquet(folder / "features.parquet")
    bars.to_parquet(folder / "bars.parquet")


if __name__ == "__main__":
    write_recipes(Path(sys.argv[1]))
