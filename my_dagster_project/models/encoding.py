"""Features as the two arrays an exported model takes. No Ludwig, no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from my_dagster_project.foundation.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    import numpy as np
    import pandas as pd

    from my_dagster_project.models.manifest import Input, Manifest

    type Rows = pd.DataFrame | PlainRows

NUMBERS = "numbers"
CODES = "codes"


@dataclass(frozen=True)
class PlainRows:
    """Features of some rows as plain lists by column, None for missing: a frame of one row costs a millisecond.

    Whatever encodes asks the same of it as of a frame: a column, whether there is one, and how many rows there are.
    """

    columns: Mapping[str, list[Any]]
    count: int

    def __getitem__(self, name: str) -> list[Any]:
        return self.columns[name]

    def __contains__(self, name: str) -> bool:
        return name in self.columns

    def __len__(self) -> int:
        return self.count

    def frame(self) -> pd.DataFrame:
        """The same as a frame."""
        import pandas as pd

        return pd.DataFrame(self.columns, index=range(self.count))


def check_features(manifest: Manifest, features: Rows) -> None:
    """Raise ModelError unless every input column is there and no number is infinite.

    Missing values are fine (they are filled as in training); an infinite one is a bug in a feature, and
    Ludwig would quietly answer NaN.
    """
    missing = [entry.name for entry in manifest.inputs if entry.name not in features]
    if missing:
        raise ModelError(
            f"{manifest.label}: the model needs the feature columns {missing}, which are not in the frame; "
            f"compute the features again, or train the model on the ones there are."
        )
    for entry in manifest.inputs:
        if entry.type == "number":
            _refuse_infinite(manifest, features, entry.name)


def _refuse_infinite(manifest: Manifest, features: Rows, name: str) -> None:
    import numpy as np

    infinite = np.isinf(_as_number(manifest, features, name))
    if infinite.any():
        where = _rows_named(features, infinite)
        raise ModelError(f"{manifest.label}: feature {name} is infinite at {where}; mend the feature.")


def _rows_named(features: Rows, mask: np.ndarray) -> str:
    """The first marked rows: by session if the frame has one, else by index label."""
    rows = (features.frame() if isinstance(features, PlainRows) else features).loc[mask]
    if "session" in rows.columns:
        names = [f"{session:%Y-%m-%d}" for session in rows["session"].head(3)]
    else:
        names = [f"row {label}" for label in rows.index[:3]]
    return ", ".join(names) + (f" and {len(rows) - 3} more" if len(rows) > 3 else "")


def encode(manifest: Manifest, features: Rows) -> dict[str, np.ndarray]:
    """The arrays of an exported model.

    Returns:
        `numbers`: float32 (rows, number inputs), missing values left NaN, for the graph fills them itself;
        `codes`: int64 (rows, category and binary inputs), labels as the codes of training.
    """
    import numpy as np

    numbers = [_as_number(manifest, features, name) for name in names_of(manifest.inputs, "number")]
    codes = [_as_codes(features, entry) for entry in manifest.inputs if entry.type in ("category", "binary")]
    rows = len(features)
    return {
        NUMBERS: np.column_stack(numbers).astype("float32") if numbers else np.zeros((rows, 0), "float32"),
        CODES: np.column_stack(codes).astype("int64") if codes else np.zeros((rows, 0), "int64"),
    }


def names_of(inputs: Sequence[Input], *types: str) -> list[str]:
    """Names of the inputs of the given Ludwig types, in the model's order."""
    return [entry.name for entry in inputs if entry.type in types]


def _as_number(manifest: Manifest, features: Rows, name: str) -> np.ndarray:
    import numpy as np

    column = features[name]
    try:
        if isinstance(column, list):
            return np.array([np.nan if value is None else value for value in column], "float64")
        return column.to_numpy("float64", na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise ModelError(f"{manifest.label}: feature {name} holds what is no number ({error}).") from error


def _as_codes(features: Rows, entry: Input) -> np.ndarray:
    import numpy as np

    column = features[entry.name]
    values = column if isinstance(column, list) else column.astype(object).where(column.notna(), None)
    filled = [entry.fill if value is None else value for value in values]
    if entry.type == "binary":
        return np.array([value != 0 for value in filled], "int64")
    categories = entry.categories or {}
    return np.array([categories.get(str(value).strip(), entry.unknown) for value in filled], "int64")
