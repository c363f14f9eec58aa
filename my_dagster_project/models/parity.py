"""Does an exported model say what the library says that trained it? Compared on real rows and on those that go wrong first."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from my_dagster_project.foundation.errors import ModelError
from my_dagster_project.models.manifest import Input, Manifest, Parity
from my_dagster_project.models.onnx_scores import onnx_scores

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    import pandas as pd

# In model output units. Honest exports differ by 1e-8; a predicted log return is about 1e-3.
TOLERANCE = 1e-5
# How many of a training's last rows are compared: enough to see a wrong graph, and 30 ms.
PARITY_ROWS = 250

UNSEEN = "a label that training never saw"


def compare(
    files: Mapping[str, bytes],
    manifest: Manifest,
    own_scores: Callable[[pd.DataFrame], np.ndarray],
    rows: pd.DataFrame,
) -> Parity:
    """Compare the exported ONNX graph among a model's files with what the library that trained it answers (`own_scores`).

    `rows` are features of any sessions; probe rows are added to them, see `probe_rows`. Raises ModelError if there are none.
    """
    import numpy as np

    if len(rows) == 0:
        raise ModelError(f"{manifest.label}: no rows to compare the exported model on.")
    probes = probe_rows(manifest.inputs, rows)
    difference = np.abs(onnx_scores(files, manifest, probes) - own_scores(probes)).max()
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
