"""How a team's newest model of a symbol learned: what is kept with it of its training."""

from contextlib import suppress
from dataclasses import dataclass

from my_dagster_project.domain.examination import EXAMINATION, Examination, read_examination
from my_dagster_project.foundation.errors import ObjectMissingError
from my_dagster_project.models.input_statistics import STATISTICS, InputStatistics, input_statistics
from my_dagster_project.reports.charts import Chart, Series
from my_dagster_project.reports.colours import GREY, team_colour
from my_dagster_project.reports.columns import Column
from my_dagster_project.reports.markdown import NONE
from my_dagster_project.storage import names
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.teams.platform import Platform

_MOST_VALUES = 6


@dataclass(frozen=True)
class ModelTraining:
    """Of the newest refit (`window` ISO, '' of a team that never refits): its curves, and its inputs as it saw them."""

    symbol: str
    window: str
    seen: Examination
    inputs: tuple[InputStatistics, ...] = ()


def model_trainings(platform: Platform, assets: AssetStore, team: str) -> dict[str, ModelTraining]:
    """By symbol the newest model's training ('' of a model of all symbols); one that was kept without has none."""
    config = platform.teams[team]
    stored = assets.of(team)
    found = {}
    for symbol in [""] if config.pooled else config.symbols:
        model = names.model(team, symbol)
        windows = sorted(
            names.without_window(one)[1] for one in stored if names.without_window(one)[0] == model
        )
        for window in windows[-1:]:
            with suppress(ObjectMissingError):
                found[symbol] = _training(assets, team, symbol, window)
    return found


def _training(assets: AssetStore, team: str, symbol: str, window: str) -> ModelTraining:
    model = names.model(team, symbol, window)
    seen = read_examination(assets.read_file(model, EXAMINATION))
    kept = assets.content(model, STATISTICS) is not None
    inputs = input_statistics(assets.read_file(model, STATISTICS)) if kept else ()
    return ModelTraining(symbol, window, seen, inputs)


def learning_chart(team: str, training: ModelTraining) -> Chart | None:
    """Loss by epoch on both parts of the rows, and which epoch was kept; None of a kind that has no epochs."""
    curves = {part: training.seen.epochs.get(f"{part}_loss", []) for part in ("train", "validation")}
    if not any(curves.values()):
        return None
    colours = {"train": GREY, "validation": team_colour(team)}
    series = [
        Series(part, range(1, len(losses) + 1), losses, colours[part])
        for part, losses in curves.items()
        if losses
    ]
    kept, losses = training.seen.kept, curves["validation"]
    if 0 < kept <= len(losses):
        series.append(Series(f"kept: epoch {kept}", [kept], [losses[kept - 1]], team_colour(team), "dots"))
    of = f"{training.symbol}: " if training.symbol else ""
    since = f" of the refit of {training.window}" if training.window else ""
    title = f"{of}loss by epoch{since}"
    return Chart(f"learning-{training.symbol}", title, series, digits=5, x_title="epoch", height=240)


def _mean(value: float | None, deviation: float | None) -> str:
    return NONE if value is None or deviation is None else f"{value:,.4g} ± {deviation:,.4g}"


def _counts(counts: tuple[tuple[str, int], ...]) -> str:
    told = ", ".join(f"{value}: {number}" for value, number in counts[:_MOST_VALUES])
    more = len(counts) - _MOST_VALUES
    return f"{told}, and {more} more" if more > 0 else told or NONE


INPUT_COLUMNS: tuple[Column[InputStatistics], ...] = (
    Column("input", lambda row: row.name, text=True, key=True),
    Column(
        "mean ± deviation",
        lambda row: (row.mean, row.deviation),
        _mean,
        "Of its training rows; predictions are scaled by them.",
    ),
    Column(
        "values",
        lambda row: row.counts,
        lambda *counts: _counts(counts),
        "How often each was there.",
        text=True,
    ),
)
