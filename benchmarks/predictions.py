"""Every session of the replay predicted for every team and symbol, by a fresh process."""

from pathlib import Path

from benchmarks.figures import Figure, Findings
from benchmarks.measure import BenchmarkError, Sample, alternate, fastest, highest_mb, least_cpu
from benchmarks.plain import recipes
from benchmarks.workshop import Project, Workshop
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.opening import open_store
from my_dagster_project.storage.parquet import from_parquet

# Largest difference between ONNX and Ludwig the platform stores a model with, in log return or probability.
_TOLERANCE = 1e-5


def measure(workshop: Workshop) -> Findings:
    """The <team>_daily jobs with the predictions selected; BenchmarkError if the two sides predict differently."""
    trained = workshop.trained
    folder = trained.project.folder / "recipes"
    last: dict[str, Project] = {}

    def ours() -> Sample:
        # A copy each time: a home that has predicted already would have fewer files to write.
        last["ours"] = workshop.copy(trained.project)
        return last["ours"].python("through_dagster", "predictions", memory=True)

    def plain() -> Sample:
        return trained.project.python("plain", "predict", folder, trained.plain_models, memory=True)

    a, b = alternate(workshop.rounds(3), ours, plain)
    count, apart = _compare(last["ours"], trained.plain_models)
    return Findings(
        title=f"Predicting {count} times, team by team, in one fresh process",
        plain="one script: LudwigModel.load and .predict per model, to one file each. Start and imports are in both.",
        figures=(
            Figure("wall", "s", fastest(a).seconds, fastest(b).seconds, target=10),
            Figure("CPU time", "s", least_cpu(a), least_cpu(b)),
            Figure("peak memory (PSS)", "MB", highest_mb(a), highest_mb(b)),
        ),
        notes=(f"Both sides' answers are at most {apart:.0e} apart (log return or probability).",),
    )


def _compare(project: Project, models: Path) -> tuple[int, float]:
    """How many predictions there are and the largest difference between the two sides."""
    import numpy as np
    import pandas as pd

    settings = project.settings
    assets = AssetStore(open_store(settings.store_url), open_store(settings.dvc_url))
    columns = ["predicted_return", "probability_up"]
    count, apart = 0, 0.0
    for place, recipe in recipes(project.folder / "recipes"):
        of_team = (recipe["team"], recipe["symbol"], "predictions")
        files = assets.read_files(of_team, [f"{session}.parquet" for session in recipe["sessions"]])
        ours = pd.concat(map(from_parquet, files.values()), ignore_index=True)
        plain = pd.read_parquet(models / place.name / "predictions.parquet")
        if list(ours["session"]) != list(plain["session"]):
            raise BenchmarkError(f"{place.name}: the two sides predicted different sessions")
        apart = max(apart, float(np.nanmax(np.abs(ours[columns].to_numpy() - plain[columns].to_numpy()))))
        count += len(ours)
    if apart > _TOLERANCE:
        raise BenchmarkError(f"the two sides' predictions are {apart:.1e} apart")
    return count, apart
