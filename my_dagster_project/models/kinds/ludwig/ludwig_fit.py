"""One call of Ludwig's training, and what its errors mean."""

from __future__ import annotations

import logging
import re
import tempfile
import textwrap
from typing import TYPE_CHECKING, Any

from my_dagster_project.models.kinds.ludwig.ludwig_files import CPU_ONLY, load_ludwig

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd
    from ludwig.api import LudwigModel
    from ludwig.callbacks import Callback


def fit(
    config: dict[str, Any],
    rows: pd.DataFrame,
    *,
    seed: int,
    callbacks: Sequence[Callback],
    built: Callable[[LudwigModel], None],
    check: Callable[[], None],
    begins_with: Mapping[str, bytes] | None = None,
) -> LudwigModel:
    """Train a model on rows that hold nothing but its columns; `built` sees it before its first step.

    With `begins_with` it goes on from the weights of a stored model of the same configuration, which Ludwig keeps together with
    the scales and labels of the rows that one began with.

    Call it inside a `ludwig_session`. Raises whatever Ludwig raises, and what `check` raises, which is asked each time the
    network computes something; no file is left behind.
    """
    from ludwig.api import LudwigModel

    with tempfile.TemporaryDirectory(prefix="ludwig-train-") as folder:
        # With no cache_dir Ludwig takes a lock in /tmp that all trainings on the machine share.
        backend = {"type": "local", "cache_dir": folder}
        if begins_with is None:
            model = LudwigModel(config, backend=backend, gpus=CPU_ONLY, logging_level=logging.ERROR)
        else:
            model = load_ludwig(begins_with, "the refit before it", backend)
        built(model)
        model.train(
            dataset=rows.reset_index(drop=True),
            random_seed=seed,
            callbacks=[_asking(check), *callbacks],
            output_directory=folder,
            # Not skip_save_model: without it Ludwig returns the last weights, not the best ones.
            skip_save_training_description=True,
            skip_save_training_statistics=True,
            skip_save_progress=True,
            skip_save_log=True,
            skip_save_processed_input=True,
        )
        return model


def _asking(check: Callable[[], None]) -> Callback:
    """A Ludwig callback that asks before every pass through the network.

    Not after a batch: a step of L-BFGS has as many passes as its `max_iter` says, and with a thousand million of them no
    batch ever ended, with all bounds of time in place.
    """
    from ludwig.callbacks import Callback

    class Asking(Callback):
        def on_trainer_train_setup(self, trainer: Any, *_: Any, **__: Any) -> None:
            self._hook = trainer.model.register_forward_pre_hook(lambda *_: check())

        def on_trainer_train_teardown(self, *_: Any, **__: Any) -> None:
            self._hook.remove()

    return Asking()


def is_divergence(error: Exception) -> bool:
    """Whether the weights became NaN: a matter of the rate and the rows, not of the configuration's form."""
    return "NaN or Inf" in str(error) or "No checkpoint was saved" in str(error)


def is_out_of_memory(error: Exception) -> bool:
    """Whether the process may not have what the model needs."""
    return isinstance(error, MemoryError) or "allocate memory" in str(error)


def in_one_line(error: Exception, limit: int = 300) -> str:
    """Ludwig's own errors, from a readable line about the configuration to an AttributeError from its depths."""
    said = str(error)
    # Ludwig wraps pydantic's, which prints the whole configuration after the one sentence that matters.
    found = re.search(r"Value error, (.*?)(: \{.*)? \[type=", said, re.DOTALL)
    words = found[1] if found else f"{type(error).__name__}: {said}"
    return textwrap.shorten(words, limit, placeholder=" ...")
