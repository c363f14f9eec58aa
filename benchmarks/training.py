"""Every refit of both teams through Dagster against the same refits from one plain script."""

from pathlib import Path

from benchmarks.figures import Figure, Findings
from benchmarks.measure import BenchmarkError, Sample, alternate, fastest, highest_mb, least_cpu
from benchmarks.plain import recipes
from benchmarks.workshop import Project, Workshop
from my_dagster_project.storage import names
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.opening import open_store

_WEIGHTS = "model_weights.safetensors"


def measure(workshop: Workshop) -> Findings:
    """The <team>_train jobs in one fresh process; BenchmarkError if the two sides did not train the same models."""
    last: dict[str, Path] = {}

    def ours() -> Sample:
        project = workshop.copy(workshop.prepared)
        last["ours"] = project.folder
        return project.python("through_dagster", "models", memory=True)

    def plain() -> Sample:
        last["plain"] = workshop.place()
        return workshop.prepared.python(
            "plain", "train", workshop.prepared.folder / "recipes", last["plain"], memory=True
        )

    a, b = alternate(workshop.rounds(2), ours, plain)
    count = same_models(Project(last["ours"]), last["plain"])
    return Findings(
        title=f"Training {count} refits: the teams' train jobs, in one process",
        plain="one script: ludwig.api.LudwigModel on the same rows, configurations and seeds, saved to a folder; "
        "no features, tracking, ONNX export, checks or storage. Start and imports are in both.",
        figures=(
            Figure("wall", "s", fastest(a).seconds, fastest(b).seconds),
            Figure("CPU time", "s", least_cpu(a), least_cpu(b), target_ratio=1.05),
            Figure("peak memory (PSS)", "MB", highest_mb(a), highest_mb(b)),
        ),
        notes=(f"All {count} refits have byte-identical weights on both sides.",),
    )


def same_models(project: Project, models: Path) -> int:
    """How many refits both sides trained; BenchmarkError when one differs in a byte of its weights."""
    settings = project.settings
    assets = AssetStore(open_store(settings.store_url), open_store(settings.dvc_url))
    count = 0
    for place, recipe in recipes(project.folder / "recipes"):
        model = names.model(recipe["team"], recipe["symbol"], recipe["window"])
        stored = assets.read_file(model, f"ludwig/{_WEIGHTS}")
        if stored != (models / place.name / _WEIGHTS).read_bytes():
            raise BenchmarkError(
                f"{place.name}: the plain script trained another model; the times say nothing"
            )
        count += 1
    return count
