"""How large a model a Ludwig section describes, counted from its settings: what takes the machine is refused before it is built.

An estimate, upwards: of each part the widest layer squared, times its layers. What a training really takes is bounded while
it runs (`models/bounds.py`).
"""

from collections.abc import Iterator
from typing import Any

from my_dagster_project.foundation.problems import Loc
from my_dagster_project.models.kinds.port import Part

_DEFAULT_WIDTH = 256
_NO_WIDTHS = ("batch_size", "vocab_size", "filter_size", "pool_size", "history_size", "sample_size")
_OTHER_WIDTHS = ("size", "d_model", "num_filters")
_LISTS = ("fc_layers", "conv_layers", "stacked_layers")
# Weights of one layer, in widths squared: attention has four matrices and its own two layers, a gated cell four.
_PER_LAYER = {"transformer": 6, "perceiver": 6, "tabnet": 8, "rnn": 4, "lstm": 4, "mamba": 6}


def parts(section: dict[str, Any]) -> list[Part]:
    """The parts of the combiner, of every input and of the output, that have layers of their own."""
    kept = {key: value for key, value in section.items() if key not in ("trainer", "preprocessing")}
    return list(_parts(kept, ()))


def _parts(value: Any, loc: Loc) -> Iterator[Part]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _parts(item, (*loc, index))
    elif isinstance(value, dict):
        if weights := _weights(value):
            yield Part(loc, weights)
        for key, item in value.items():
            if key not in ("preprocessing", "loss"):
                yield from _parts(item, (*loc, key))


def _weights(part: dict[str, Any]) -> int:
    widths = [value for key, value in part.items() if _is_size(value) and _is_width(key)]
    depths = [value for key, value in part.items() if _is_size(value) and _is_depth(key)]
    lists = [value for key in _LISTS if isinstance(value := part.get(key), list)]
    if not widths and not depths:
        return 0
    each = next((factor for name, factor in _PER_LAYER.items() if name in str(part.get("type", ""))), 1)
    # Layers of a list have their own widths; the part's own are counted with the part.
    layers = sum(depths) if depths else (0 if lists else 1)
    return each * layers * max(widths, default=_DEFAULT_WIDTH) ** 2


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_width(key: str) -> bool:
    return key in _OTHER_WIDTHS or (key.endswith("_size") and not key.endswith(_NO_WIDTHS))


def _is_depth(key: str) -> bool:
    return key.endswith("layers") or key in ("num_steps", "num_total_blocks", "num_blocks")
