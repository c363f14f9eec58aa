"""Figures as JSON that every reader accepts: no NaN or infinity (null instead), sorted keys, so the same figures give the
same bytes and a version of a file changes only when a figure does.
"""

from __future__ import annotations

import json
import math
from typing import Any


def to_text(value: Any) -> str:
    """Indented JSON text of dicts, lists, tuples, strings and numbers (numpy's too), ending in a newline."""
    return json.dumps(_plain(value), indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):  # a numpy scalar or array
        return _plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, (str, int, bool, type(None))) else str(value)
