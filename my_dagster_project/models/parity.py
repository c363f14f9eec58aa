"""Does the exported model say what Ludwig says? Compared on real rows and on the rows that go wrong first."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from my_dagster_project.foundation.errors import ModelError
from my_dagster_project.models.ludwig_files import load_ludwig, ludwig_scores
from my_dagster_project.models.ludwig_runtime import ludwig_session
from my_dagster_project.models.manifest import Input, Manifest, Parity, read_manifest
from my_dagster_project.models.prediction import onnx_scores

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from ludwig.api import LudwigModel

# In model output units. Honest exports differ by 1e-8; a predicted log return is about 1e-3.
TOLERANCE = 1e-5

UNSEEN = "a label that training never saw"


def parity(files: Mapping[str, bytes], rows: pd.DataFrame) -> Parity:
    """Compare the stored ONNX graph with the stored Ludwig model.

    Args:
        files: the model's stored files.
        rows: features of any sessions; probe rows are added to them, see `probe_rows`.

    Raises:
        ModelError: the model was not exported, a file is torn, or there are no rows.
    """
    manifest = read_manifest(files)
    if not manifest.exported:
        raise ModelError(f"{manifest.label} has no exported model to compare: {manifest.reason}.")
    with ludwig_session():
        return compare(files, manifest, load_ludwig(files, manifest.label), rows)


def compare(files: Mapping[str, bytes], manifest: Manifest, model: LudwigModel, rows: pd.DataFrame) -> Parity:
    """As `parity`, with the Ludwig model already in memory; call it inside a `ludwig_session`.

    The first row is also scored alone: tracing can bake the number of rows of its example into the graph.
    """
    import numpy as np

    if len(rows) == 0:
        raise ModelError(f"{manifest.label}: no rows to compare the exported model on.")
    probes = probe_rows(manifest.inputs, rows)
    expected = ludwig_scores(model, probes, manifest.label)
    together = onnx_scores(files, manifest, probes)
    alone = onnx_scores(files, manifest, probes.head(1))
    difference = np.abs(np.concatenate([together - expected, alone - expected[:1]])).max()
    # A NaN on one side only is as far apart as can be (and JSON knows neither NaN nor infinity).
    worst = float(difference) if np.isfinite(difference) else sys.float_info.max
    return Parity(max_abs_diff=worst, rows=len(probes))


def probe_rows(inputs: Sequence[Input], rows: pd.DataFrame) -> pd.DataFrame:
    """The rows, and for every input one copy of the last row with that value missing; for every category one
    more with a label that training never saw; and one with everything missing.
    """
    import pandas as pd

    base = rows[[entry.name for entry in inputs]].astype(object)
    last = base.tail(1)
    probes = [last.assign(**{entry.name: None}) for entry in inputs]
    probes += [last.assign(**{entry.name: UNSEEN}) for entry in inputs if entry.type == "category"]
    probes.append(last.assign(**dict.fromkeys(base.columns)))
    return pd.concat([base, *probes], ignore_index=True)
