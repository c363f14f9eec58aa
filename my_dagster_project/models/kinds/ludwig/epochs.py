"""What Ludwig reports after each epoch, as plain numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from my_dagster_project.models.bounds import Clock, OutOfTimeError
from my_dagster_project.models.kinds.port import OnEpoch

if TYPE_CHECKING:
    from my_dagster_project.foundation.errors import ModelError
    from my_dagster_project.models.training_input import TrainingSpec

# Of each kind of output what its curves are worth looking at for, in MLflow.
SHOWN = {"loss", "mean_absolute_error", "accuracy"}


class EpochReports:
    """Collects the metrics of one training, passes them on, and stops a training that has diverged.

    Ludwig's own MLflow callback logs from a background thread into a stray run (MLflow 3 keeps the active run
    per thread), and after a NaN Ludwig quietly keeps the weights of an earlier epoch.
    """

    def __init__(self, spec: TrainingSpec, on_epoch: OnEpoch) -> None:
        self._spec = spec
        self._on_epoch = on_epoch
        self._clock = Clock(spec.bounds)
        self._reports: list[dict[str, float]] = []
        self._kept = 0

    @property
    def epochs(self) -> int:
        """Epochs trained so far."""
        return len(self._reports)

    def best(self) -> dict[str, float]:
        """Metrics of the epoch whose weights Ludwig kept."""
        return self._reports[self._kept] if self._reports else {}

    def callback(self) -> Any:
        """A Ludwig callback that feeds this object."""
        from ludwig.callbacks import Callback

        reports = self

        class Reporting(Callback):
            def on_trainer_train_setup(self, trainer: Any, *_: Any, **__: Any) -> None:
                keep_asked_metrics(trainer)

            def on_epoch_end(self, trainer: Any, progress_tracker: Any, save_path: str) -> None:
                reports.add(progress_tracker.epoch, read_metrics(progress_tracker))

            def on_save_best_checkpoint(self, trainer: Any, progress_tracker: Any, save_path: str) -> None:
                reports.keep()

            def on_trainer_train_teardown(
                self, trainer: Any, progress_tracker: Any, save_path: str, is_coordinator: bool
            ) -> None:
                reports.check_weights(trainer.model)

        return Reporting()

    def check_time(self) -> None:
        """Raise ModelError once the training has taken the time it may take."""
        try:
            self._clock.check()
        except OutOfTimeError as error:
            raise self._spec.error(
                f"training was ended in epoch {self.epochs + 1}: {error}; fewer epochs or a smaller network take less."
            ) from None

    def keep(self) -> None:
        """Note that the weights of the epoch about to be reported are the best so far."""
        self._kept = len(self._reports)

    def add(self, epoch: int, metrics: dict[str, float]) -> None:
        """Take one epoch's metrics.

        Raises:
            ModelError: a loss is NaN or infinite.
        """
        self._reports.append(metrics)
        bad = [
            name for name in ("train_loss", "validation_loss") if not math.isfinite(metrics.get(name, 0.0))
        ]
        if bad:
            raise self._diverged(f"{bad[0]} became {metrics[bad[0]]} in epoch {epoch}")
        self._on_epoch(epoch, metrics)

    def check_weights(self, network: Any) -> None:
        """Raise ModelError if the network holds a NaN: the loss of such an epoch is never reported."""
        import torch

        if not all(bool(torch.isfinite(weights).all()) for weights in network.parameters()):
            raise self._diverged(f"the weights became NaN after epoch {self.epochs}")

    def _diverged(self, what: str) -> ModelError:
        return self._spec.error(
            f"training diverged, {what}; lower ludwig.trainer.learning_rate and normalise every number feature "
            f"and the target (normalization: zscore)."
        )


def keep_asked_metrics(trainer: Any) -> None:
    """Leave a trainer the metrics that it decides by and that people look at: of eight it updates after each batch, which
    was a seventh of a training. What it learns is the same to the bit.
    """
    config = trainer.config
    decides = {trainer.validation_metric, config.increase_batch_size_eval_metric}
    decides.add(getattr(config.learning_rate_scheduler, "reduce_eval_metric", "loss"))
    for output in trainer.model.output_features.values():
        kept = {name: metric for name, metric in output._metric_functions.items() if name in decides | SHOWN}
        output._metric_functions, output.metric_names = kept, sorted(kept)


def read_metrics(progress_tracker: Any) -> dict[str, float]:
    """The newest value of each metric: `train_loss`, `validation_loss`, `validation_mean_absolute_error`, ...

    There is one output, so its name is left out; `loss` is the output's own, without regularisation.
    """
    metrics: dict[str, float] = {}
    for part in ("train", "validation"):
        for output, by_name in getattr(progress_tracker, f"{part}_metrics").items():
            if output == "combined":
                continue
            for name, values in by_name.items():
                if values:
                    metrics[f"{part}_{name}"] = float(values[-1].value)
    return metrics
