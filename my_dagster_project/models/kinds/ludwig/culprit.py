"""Which part of a Ludwig section is to blame that it cannot be trained: the smallest one without which it can.

Ludwig's errors name a Python class or a shape of a matrix, not the line of a team's file.
"""

import copy
import re
from collections.abc import Callable, Iterator
from typing import Any

from my_dagster_project.models.bounds import OutOfTimeError

type Loc = tuple[str | int, ...]

# The likelier first: each try is a small training.
_SECTIONS = ("trainer", "combiner", "output_features", "preprocessing", "defaults", "input_features")
_MOST_TRIES = 60
# What is not the team's, or what nothing stands without.
_KEPT = frozenset({("model_type",), ("preprocessing", "split")})
# Left out, Ludwig would time them.
_BATCHES = {"batch_size": 256, "eval_batch_size": 1024}


def culprit(section: dict[str, Any], works: Callable[[dict[str, Any]], bool], said: str = "") -> Loc:
    """The place of the part in a section that does not work; () where leaving out any single one does not help.

    What the error `said` names is tried first: `KeyError: 'foo'` is of the key whose value is foo.
    Where there are too many to try, or `works` raises OutOfTimeError, it is the larger part that is known by then.
    """
    tries = 0

    def helps(changed: dict[str, Any]) -> bool:
        nonlocal tries
        tries += 1
        if tries > _MOST_TRIES:
            raise OutOfTimeError
        return works(changed)

    found: Loc = ()
    try:
        while (deeper := _below(section, found, said, helps)) is not None:
            found = deeper
    except OutOfTimeError:
        pass
    return found


def _below(
    section: dict[str, Any], loc: Loc, said: str, helps: Callable[[dict[str, Any]], bool]
) -> Loc | None:
    candidates = sorted(
        _parts(section, loc), key=lambda part: not _is_named(part[-1], _at(section, part), said)
    )
    if len(candidates) == 1 and loc:  # without its only part it is gone itself, which helps, as is known
        return candidates[0]
    return next((part for part in candidates if helps(_without(section, part))), None)


def _parts(section: dict[str, Any], loc: Loc) -> Iterator[Loc]:
    value = _at(section, loc)
    keys: list[Any] = []
    if not loc:
        keys = [key for key in _SECTIONS if key in value]
    elif isinstance(value, dict):
        keys = sorted((key for key in value if key != "name"), key=_is_structural)
    elif isinstance(value, list):
        keys = [index for index, item in enumerate(value) if isinstance(item, dict)]
    for key in keys:
        part = (*loc, key)
        if part not in _KEPT and _without(section, part) != section:
            yield part


def _is_named(key: str | int, value: Any, said: str) -> bool:
    words = set(re.findall(r"\w+", said)) - {"type"}  # TypeError: unhashable type: 'dict'
    return str(key) in words or (isinstance(value, str) and value in words)


def _is_structural(key: str) -> bool:
    """Without these there is less of a model, in which much else does no harm any more: they are tried last."""
    return key == "type" or key.startswith("num_") or key.endswith(("size", "layers"))


def _without(section: dict[str, Any], loc: Loc) -> dict[str, Any]:
    """The section without a part, or with the plainest form of what it cannot be without."""
    changed = copy.deepcopy(section)
    parent, key = _at(changed, loc[:-1]), loc[-1]
    plain = _plain(parent[key], loc)
    if plain is not None:
        parent[key] = plain
    else:
        del parent[key]
    return changed


def _plain(value: Any, loc: Loc) -> Any:
    if loc == ("combiner",):
        return {"type": "concat"}
    if loc == ("trainer",):
        return dict(_BATCHES)
    if loc[:-1] == ("trainer",):
        return _BATCHES.get(str(loc[-1]))
    if loc == ("preprocessing",):
        return {"split": value.get("split")}
    if loc in (("input_features",), ("output_features",)):
        return [_plain_feature(feature) for feature in value]
    if loc[:-1] in (("input_features",), ("output_features",)):
        return _plain_feature(value)
    # Taken out of a list, the next one would be in its place.
    return {} if isinstance(loc[-1], int) else None


def _plain_feature(feature: dict[str, Any]) -> dict[str, Any]:
    return {key: feature[key] for key in ("name", "type") if key in feature}


def _at(section: Any, loc: Loc) -> Any:
    for part in loc:
        section = section[part]
    return section
