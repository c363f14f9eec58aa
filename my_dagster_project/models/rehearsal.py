"""A rehearsal: Ludwig builds a section's model and trains it for a moment on made-up rows, before anything is spent on it.

A table cannot know what Ludwig and torch make of every combination of settings; they know. About half a second where Ludwig
is imported already, a few where something is wrong: then parts of the section are left out until it works, to say which.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from my_dagster_project.domain.targets import OUTPUT_TYPE, Target
from my_dagster_project.models.bounds import Bounds, Clock, OutOfTimeError, bounded_memory
from my_dagster_project.models.culprit import Loc, culprit
from my_dagster_project.models.ludwig_fit import fit, in_one_line, is_divergence, is_out_of_memory
from my_dagster_project.models.ludwig_runtime import ludwig_session
from my_dagster_project.models.training_input import SPLIT

if TYPE_CHECKING:
    import pandas as pd
    from ludwig.api import LudwigModel

_EPOCHS, _STEPS = 2, 6
# Some batches of the section's own size, the last one not full.
_FEWEST_ROWS, _MOST_ROWS, _VALIDATION_ROWS = 60, 700, 40
_CATEGORIES = 5
_SEARCH_SECONDS = 60


@dataclass(frozen=True)
class Verdict:
    """What Ludwig makes of a section.

    Attributes:
        weights: how many its model has; 0 where there is none.
        reason: why it cannot be trained as written, in Ludwig's own words; "" when it can.
        loc: the part of the section without which it can; () when no single part is to blame.
        lasting: whether it is the section alone that says so, not the time or memory of the moment.
    """

    weights: int = 0
    reason: str = ""
    loc: Loc = ()
    lasting: bool = True


def rehearse(section: dict[str, Any], target: Target, bounds: Bounds) -> Verdict:
    """Let Ludwig try a complete section (`TeamConfig.complete_ludwig`) within these bounds."""
    with ludwig_session(), bounded_memory(bounds.memory):
        try:
            return _verdict(section, target, bounds)
        except OutOfTimeError as error:
            return Verdict(reason=f"a trial of two epochs on few rows was ended: {error}", lasting=False)
        except MemoryError:
            return Verdict(
                reason=f"it needs more memory than the {bounds.memory / 1024**2:.0f} MB a training may take",
                lasting=False,
            )


def _verdict(section: dict[str, Any], target: Target, bounds: Bounds) -> Verdict:
    try:
        model = _attempt(section, target, Clock(bounds))
    except (OutOfTimeError, MemoryError):
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise MemoryError from error
        clock = Clock(replace(bounds, seconds=min(bounds.seconds, _SEARCH_SECONDS)))
        part = culprit(section, lambda other: _works(other, target, clock))
        return Verdict(reason=f"Ludwig cannot train it: {in_one_line(error)}", loc=part)
    ignored = unread(section, model.config)
    if ignored:
        return Verdict(reason="Ludwig ignores it; remove it", loc=ignored[0])
    return Verdict(weights=sum(weights.numel() for weights in model.model.parameters()))


def _works(section: dict[str, Any], target: Target, clock: Clock) -> bool:
    try:
        _attempt(section, target, clock)
    except OutOfTimeError:
        raise
    except Exception:
        return False
    return True


def _attempt(section: dict[str, Any], target: Target, clock: Clock) -> LudwigModel:
    """A model of the section after a few steps, which has also predicted; raises whatever Ludwig raises."""
    from ludwig.callbacks import Callback

    class Timed(Callback):
        def on_batch_end(self, *_: Any, **__: Any) -> None:
            clock.check()

    clock.check()
    config = _shortened(section)
    rows = _made_up(config, target)
    made: list[LudwigModel] = []
    try:
        fit(config, rows, seed=0, callback=Timed(), built=made.append)
    except Exception as error:
        if not (made and is_divergence(error)):  # made-up rows are not the team's: on those it may do well
            raise
    model = made[0]
    model.predict(dataset=rows[[feature["name"] for feature in config["input_features"]]], batch_size=1024)
    return model


def _shortened(section: dict[str, Any]) -> dict[str, Any]:
    config = copy.deepcopy(section)
    trainer = config.setdefault("trainer", {})
    for key, most in (("epochs", _EPOCHS), ("train_steps", _STEPS)):
        if isinstance(trainer.get(key), int):
            trainer[key] = min(trainer[key], most)
    trainer.setdefault("epochs", _EPOCHS)
    return config


def _made_up(config: dict[str, Any], target: Target) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    batch = config["trainer"].get("batch_size")
    count = min(max(_FEWEST_ROWS, 5 * batch // 2 if isinstance(batch, int) else 0), _MOST_ROWS)
    drawn = np.random.default_rng(0)
    total = count + _VALIDATION_ROWS
    columns: dict[str, Any] = {
        feature["name"]: (
            drawn.integers(_CATEGORIES, size=total).astype(str)
            if feature["type"] == "category"
            else drawn.normal(scale=0.01, size=total)
        )
        for feature in config["input_features"]
    }
    binary = OUTPUT_TYPE[target] == "binary"
    columns[target] = np.arange(total) % 2 if binary else drawn.normal(scale=0.01, size=total)
    columns[SPLIT] = (np.arange(total) >= count).astype(int)
    return pd.DataFrame(columns)


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
