"""The plain alternative, a script as one would write it without a platform: `python -m benchmarks.plain WHAT RECIPES ...`.

train RECIPES MODELS             train every refit with Ludwig and save it
predict RECIPES MODELS           load every model with Ludwig, predict the replay's sessions, write predictions.parquet
chain RECIPES MODELS             train, predict, and the Evidently report of each symbol, as one script
"""

import json
import logging
import sys
import tempfile
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any


def recipes(folder: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every recipe with its folder, team by team, symbol by symbol, refit by refit."""
    for path in sorted(folder.glob("*/recipe.json")):
        yield path.parent, json.loads(path.read_text(encoding="utf-8"))


def train(folder: Path, models: Path) -> None:
    """Train and save every model; skips of files nobody needs are as on the platform, so that no side writes more."""
    import pandas as pd
    from ludwig.api import LudwigModel

    for place, recipe in recipes(folder):
        with tempfile.TemporaryDirectory() as temporary:
            backend = {"type": "local", "cache_dir": temporary}
            model = LudwigModel(recipe["config"], backend=backend, gpus="-1", logging_level=logging.ERROR)
            model.train(
                dataset=pd.read_parquet(place / "rows.parquet"),
                random_seed=recipe["seed"],
                output_directory=temporary,
                skip_save_training_description=True,
                skip_save_training_statistics=True,
                skip_save_progress=True,
                skip_save_log=True,
                skip_save_processed_input=True,
            )
        model.save(str(models / place.name))


def predict(folder: Path, models: Path) -> None:
    """Load each model and predict all sessions in one call, in the platform's columns."""
    import pandas as pd
    from ludwig.api import LudwigModel

    for place, recipe in recipes(folder):
        model = LudwigModel.load(
            str(models / place.name), backend="local", gpus="-1", logging_level=logging.ERROR
        )
        rows = _rows(place, recipe)
        answer, _ = model.predict(dataset=rows[recipe["inputs"]])
        if recipe["target"] == "next_return":
            table = rows[["session"]].assign(
                predicted_return=answer["next_return_predictions"].astype("float64"),
                probability_up=float("nan"),
            )
        else:
            up = answer["next_direction_probabilities_True"].astype("float64")
            table = rows[["session"]].assign(
                predicted_return=(2 * up - 1) * recipe["return_scale"], probability_up=up
            )
        pd.DataFrame(table).to_parquet(models / place.name / "predictions.parquet")


def report(folder: Path, models: Path) -> None:
    """Score and report each symbol; the platform's own page, so that both sides ask Evidently for the same."""
    import pandas as pd

    from my_dagster_project.domain.evaluation import score
    from my_dagster_project.reports.evidently_report import build_report

    for (team, symbol), refits in groupby(recipes(folder), lambda one: (one[1]["team"], one[1]["symbol"])):
        places = list(refits)
        place, recipe = places[-1]
        table = pd.concat([_table(models, *one) for one in places], ignore_index=True)
        asked = pd.concat([_rows(*one) for one in places], ignore_index=True)
        scored = score(table, pd.read_parquet(place / "bars.parquet"))
        learnt_from = pd.read_parquet(place / "rows.parquet")[recipe["inputs"]]
        names = {"target": recipe["target"], "team": team, "symbol": symbol}
        made = build_report(scored, asked[["session", *recipe["inputs"]]], learnt_from, **names)
        for name, data in made.files.items():
            (models / place.name / name).write_bytes(data)


def _table(models: Path, place: Path, recipe: dict[str, Any]) -> Any:
    """A refit's predictions in the platform's columns."""
    from datetime import date

    import pandas as pd

    from my_dagster_project.domain.predictions import prediction_table
    from my_dagster_project.foundation.calendar import load_calendar

    answers = pd.read_parquet(models / place.name / "predictions.parquet")
    bars, through = pd.read_parquet(place / "bars.parquet"), date.fromisoformat(recipe["trained_through"])
    calendar = load_calendar("XNYS")
    return prediction_table(_rows(place, recipe), answers, bars, calendar, recipe["symbol"], through)


def _rows(place: Path, recipe: dict[str, Any]) -> Any:
    import pandas as pd

    features = pd.read_parquet(place / "features.parquet")
    return features[features["session"].isin(pd.to_datetime(recipe["sessions"]))].reset_index(drop=True)


def main(what: str, folder: Path, models: Path) -> None:
    """Do one of the three."""
    steps = {"train": (train,), "predict": (predict,), "chain": (train, predict, report)}
    for step in steps[what]:
        step(folder, models)


if __name__ == "__main__":
    main(sys.argv[1], *map(Path, sys.argv[2:]))
