"""A rehearsal: Ludwig builds a section's model and trains it for a moment on a few rows, before anything is spent on it.

A table cannot know what Ludwig and torch make of every combination of settings; they know. About half a second where Ludwig
is imported already, a few where something is wrong: then parts of the section are left out until it works, to say which.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from my_dagster_project.domain.targets import Target
from my_dagster_project.models.bounds import Bounds, Clock, OutOfTimeError, bounded_memory
from my_dagster_project.models.kinds.ludwig.culprit import Loc, culprit
from my_dagster_project.models.kinds.ludwig.ludwig_fit import (
    fit,
    in_one_line,
    is_divergence,
    is_out_of_memory,
)
from my_dagster_project.models.kinds.ludwig.ludwig_runtime import ludwig_session
from my_dagster_project.models.kinds.port import Verdict
from my_dagster_project.models.training_input import SPLIT, TRAIN, VALIDATION

if TYPE_CHECKING:
    import pandas as pd
    from ludwig.api import LudwigModel

_EPOCHS, _STEPS = 2, 6
# Some batches of the section's own size, the last one not full.
_FEWEST_ROWS, _MOST_ROWS, _VALIDATION_ROWS = 60, 700, 40
_SEARCH_SECONDS = 60


def rehearse(section: dict[str, Any], target: Target, rows: pd.DataFrame, bounds: Bounds) -> Verdict:
    """Let Ludwig try a complete section (`TeamConfig.complete_section`) within these bounds.

    `rows` are any that its features have (`domain.targets.training_rows`), of whatever symbol: the last few are used.
    """
    with ludwig_session(), bounded_memory(bounds.memory):
        try:
            return _verdict(section, target, rows, bounds)
        except OutOfTimeError as error:
            return Verdict(reason=f"a trial of two epochs on few rows was ended: {error}", lasting=False)
        except MemoryError:
            return Verdict(
                reason=f"it needs more memory than the {bounds.memory / 1024**2:.0f} MB a training may take",
                lasting=False,
            )


def _verdict(section: dict[str, Any], target: Target, rows: pd.DataFrame, bounds: Bounds) -> Verdict:
    try:
        model = _attempt(section, target, rows, Clock(bounds))
    except (OutOfTimeError, MemoryError):
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise MemoryError from error
        clock = Clock(replace(bounds, seconds=min(bounds.seconds, _SEARCH_SECONDS)))
        part = culprit(section, lambda other: _works(other, target, rows, clock), str(error))
        return Verdict(reason=f"Ludwig cannot train it: {in_one_line(error)}", loc=part)
    ignored = unread(section, model.config)
    if ignored:
        return Verdict(reason="Ludwig ignores it; remove it", loc=ignored[0])
    return Verdict(weights=sum(weights.numel() for weights in model.model.parameters()), loc=("combiner",))


def _works(section: dict[str, Any], target: Target, rows: pd.DataFrame, clock: Clock) -> bool:
    try:
        _attempt(section, target, rows, clock)
    except OutOfTimeError:
        raise
    except Exception:
        return False
    return True


def _attempt(section: dict[str, Any], target: Target, rows: pd.DataFrame, clock: Clock) -> LudwigModel:
    """A model of the section after a few steps, which has also predicted; raises whatever Ludwig raises."""
    clock.check()
    config = _shortened(section)
    names = [feature["name"] for feature in config["input_features"]]
    few = _few(rows, config["trainer"].get("batch_size"))[[*names, target, SPLIT]]
    made: list[LudwigModel] = []
    try:
        fit(config, few, seed=0, callbacks=(), built=made.append, check=clock.check)
    except Exception as error:
        if not (made and is_divergence(error)):  # that is said of the training itself, on all its rows
            raise
    model = made[0]
    model.predict(dataset=few[names].reset_index(drop=True), batch_size=1024)
    return model


def _shortened(section: dict[str, Any]) -> dict[str, Any]:
    config = copy.deepcopy(section)
    trainer = config.setdefault("trainer", {})
    for key, most in (("epochs", _EPOCHS), ("train_steps", _STEPS)):
        if isinstance(trainer.get(key), int):
            trainer[key] = min(trainer[key], most)
    trainer.setdefault("epochs", _EPOCHS)
    return config


def _few(rows: pd.DataFrame, batch: object) -> pd.DataFrame:
    wanted = 5 * batch // 2 if isinstance(batch, int) else 0
    few = rows.tail(min(max(_FEWEST_ROWS, wanted), _MOST_ROWS) + _VALIDATION_ROWS)
    return few.assign(**{SPLIT: [*[TRAIN] * (len(few) - _VALIDATION_ROWS), *[VALIDATION] * _VALIDATION_ROWS]})


def unread(given: Any, complete: Any, loc: Loc = ()) -> list[Loc]:
    """The keys of a section that Ludwig's own complete form of it does not have: those it ignores without a word."""
    found: list[Loc] = []
    if isinstance(given, dict) and isinstance(complete, dict):
        for key, value in given.items():
            found += unread(value, complete[key], (*loc, key)) if key in complete else [(*loc, key)]
    elif isinstance(given, list) and isinstance(complete, list):
        for index, (item, other) in enumerate(zip(given, complete, strict=False)):
            found += unread(item, other, (*loc, index))
    return found
