"""Keeps beside a trained model what people look at: its learning curves, the validation part, which inputs mattered."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import wraps
from typing import Any

from my_dagster_project.domain.examination import EXAMINATION
from my_dagster_project.models.examining import examine
from my_dagster_project.models.kinds.port import TrainedModel
from my_dagster_project.models.tracking import TrackedRun
from my_dagster_project.models.training_input import TrainingSpec

type Training = Callable[[Any, Any, TrainingSpec, Any, Any], tuple[TrainedModel, str]]


def examined(train: Training) -> Training:
    """A training whose model is looked at when it is done, by what its run in MLflow was told of its epochs.

    As a decorator it is no part of the recipe of models (`pipeline/counted_code.py`): what only people look at trains nothing
    anew, and models stored before there was one count as up to date.
    """

    @wraps(train)
    def trained_and_examined(
        context: Any, team: Any, spec: TrainingSpec, rows: Any, tracking: Any
    ) -> tuple[TrainedModel, str]:
        heard = _Heard(tracking)
        trained, run_id = train(context, team, spec, rows, heard)
        found = examine(trained, rows, heard.last.epochs, spec.seed)
        return replace(trained, files={**trained.files, EXAMINATION: found.to_json()}), run_id

    return trained_and_examined


class _Heard:
    """A tracking that remembers its last run, and so what that was told."""

    last: TrackedRun

    def __init__(self, tracking: Any) -> None:
        self._tracking = tracking

    @contextmanager
    def run(self, **told: Any) -> Iterator[TrackedRun]:
        with self._tracking.run(**told) as self.last:
            yield self.last
