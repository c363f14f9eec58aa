"""A stored model opened once for many requests; its answers are those of the predictions asset, byte for byte."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from my_dagster_project.models.encoding import PlainRows, check_features
from my_dagster_project.models.manifest import Manifest, read_manifest
from my_dagster_project.models.onnx_scores import opened, row_by_row
from my_dagster_project.models.prediction import answers_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np

    from my_dagster_project.models.encoding import Rows

    type Scores = Callable[[Rows], np.ndarray]
    type Elsewhere = Callable[[Mapping[str, bytes], Manifest, Rows], np.ndarray]

ONNXRUNTIME = "onnxruntime"


@dataclass(frozen=True)
class Stored:
    """Which version of which model stands in the store: `window` is its refit's ('' of one that is never refitted)."""

    asset: tuple[str, ...]
    window: str
    md5: str


@dataclass(frozen=True)
class OpenedModel:
    """A model that answers. `size` is that of its files in bytes."""

    stored: Stored
    manifest: Manifest
    size: int
    scores: Scores

    @property
    def engine(self) -> str:
        """What computes its answers."""
        return ONNXRUNTIME if self.manifest.exported else self.manifest.kind

    def answers(self, rows: Rows) -> dict[str, np.ndarray]:
        """What it says about each row, by the columns of `models.prediction.Prediction.frame`; raises ModelError as `predict` does."""
        check_features(self.manifest, rows)
        return answers_of(self.manifest, self.scores(rows))


def open_model(files: Mapping[str, bytes], stored: Stored, elsewhere: Elsewhere) -> OpenedModel:
    """Open a stored model and, where it answers here, ask it once; raises ModelError for one that is torn or does not answer.

    What could not be exported is asked in another process (`elsewhere`), and not before somebody wants to know.
    """
    manifest = read_manifest(files)
    size = sum(map(len, files.values()))
    if not manifest.exported:
        return OpenedModel(stored, manifest, size, partial(elsewhere, files, manifest))
    model = OpenedModel(stored, manifest, size, partial(row_by_row, opened(files, manifest), manifest))
    # A row whose every value is missing, which a model fills as in training.
    model.answers(PlainRows({entry.name: [None] for entry in manifest.inputs}, 1))
    return model
