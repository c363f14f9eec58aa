"""What Evidently measures for us, and the tests it judges.

Chosen on purpose and not taken from the presets: all four presets make 176 metrics and 182 tests per report, most of them
noise (price levels always drift; MAPE of a return is a division by almost nothing). Two snapshots come out, because the
scored sessions have no counterpart in the training rows while the features have.
"""

from __future__ import annotations

import math
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from my_dagster_project.domain.targets import NEXT_DIRECTION, NEXT_RETURN
from my_dagster_project.reports import report_tests as known
from my_dagster_project.reports.report_tests import ReportTest, bound, outcomes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime

    from pandas import DataFrame

    from my_dagster_project.domain.evaluation import Metrics

ENOUGH_ROWS = 40
TOLERANCE = 1.05
COIN_LOG_LOSS = math.log(2)
# A full standard deviation, by the Wasserstein distance divided by the reference's deviation. Measured on 60 sessions
# against all that their last refit had learned from, over 10 years of 4 symbols: features are autocorrelated, so the K-S test
# calls nearly every honest window of RSI and volatility drifted, and so does Evidently's own limit of 0.1. At 1.0 it is 1 %
# for returns, 12 % for RSI and 17 % for volatility; against the 250 rows before it was 1, 20 and 33 %.
DRIFT_LIMIT = 1.0
CATEGORY_DRIFT_LIMIT = 0.3  # Jensen-Shannon distance: 0 the same shares, 0.83 nothing in common
DRIFTED_SHARE = 0.5


def quality(scored: DataFrame, target: str, metrics: Metrics, when: datetime) -> tuple[Any, list[ReportTest]]:
    """The snapshot of the scored sessions, and its tests. Needs at least two rows."""
    from evidently.metrics import MeanValue, MissingValueCount, RowCount
    from evidently.tests import eq, gte

    frame = _quality_frame(scored, target)
    prediction = "probability_up" if target == NEXT_DIRECTION else "predicted_close"
    rows, missing = len(frame), int(frame[prediction].isna().sum())
    texts = {
        known.ENOUGH_SESSIONS.name: f"{rows} scored sessions; {ENOUGH_ROWS} or more say something.",
        known.PREDICTIONS_COMPLETE.name: f"{missing} of {rows} scored sessions have no prediction.",
    }
    counts = [
        RowCount(tests=[bound(known.ENOUGH_SESSIONS, gte(ENOUGH_ROWS))]),
        MissingValueCount(column=prediction, tests=[bound(known.PREDICTIONS_COMPLETE, eq(0))]),
    ]
    items: list[Any] = []
    calls: list[Any] = []
    if metrics.direction_n:
        floor = 0.5 - 1.96 * 0.5 / math.sqrt(metrics.direction_n)
        texts[known.DIRECTION.name] = (
            f"{metrics.direction:.1%} of {metrics.direction_n} calls were right; surely worse than a coin below {floor:.1%}."
        )
        calls = [MeanValue(column="hit", tests=[bound(known.DIRECTION, gte(floor))])]
    if missing < rows:
        direction = target == NEXT_DIRECTION
        items = _direction_items(frame, metrics, texts) if direction else _price_items(metrics, texts)
    # The counts come first: Evidently's regression drops rows without a prediction from the very frame it was given, so
    # a count of missing values behind it is always 0.
    snapshot = _run([*counts, *items, *calls], frame, None, target, when)
    return snapshot, outcomes(snapshot, texts)


def _quality_frame(scored: DataFrame, target: str) -> DataFrame:
    frame = scored[["actual_close", "predicted_close", "hit"]].astype(float).assign(session=scored["session"])
    frame["actual_return_percent"] = 100 * scored["actual_return"]
    if target == NEXT_DIRECTION:
        frame["up"] = (scored["actual_return"] > 0).astype(int)
        return frame.drop(columns="predicted_close").assign(
            probability_up=scored["probability_up"].astype(float)
        )
    return frame.assign(predicted_return_percent=100 * scored["predicted_return"], error=scored["error"])


def _price_items(metrics: Metrics, texts: dict[str, str]) -> list[Any]:
    """Errors in dollars. No scatter of prices: it lies on the diagonal however bad the model is."""
    from evidently.presets import RegressionQuality, ValueStats
    from evidently.tests import lte

    # Evidently's own DummyMAE is the model's MAE under another name (0.7.23), so the baseline is ours.
    limit = metrics.naive_mae * TOLERANCE
    texts[known.BEATS_NAIVE.name] = (
        f"MAE ${metrics.mae:.2f}, no change ${metrics.naive_mae:.2f}: {metrics.mase:.3f} times it (limit {TOLERANCE})."
    )
    return [
        RegressionQuality(
            error_plot=True, error_distr=True, mae_tests=[bound(known.BEATS_NAIVE, lte(limit))]
        ),
        ValueStats(column="actual_return_percent"),
        ValueStats(column="predicted_return_percent"),
    ]


def _direction_items(frame: DataFrame, metrics: Metrics, texts: dict[str, str]) -> list[Any]:
    from evidently.metrics import LogLoss
    from evidently.presets import ClassificationQuality, ValueStats
    from evidently.tests import lte

    stats = [ValueStats(column="actual_return_percent"), ValueStats(column="probability_up")]
    if frame["up"].nunique() < 2:  # every session went the same way: ROC and log loss do not exist
        return stats
    texts[known.BEATS_COIN.name] = (
        f"Log loss {metrics.log_loss:.3f}, a fair coin {COIN_LOG_LOSS:.3f} (limit {TOLERANCE} times it)."
    )
    limit = COIN_LOG_LOSS * TOLERANCE
    return [
        ClassificationQuality(conf_matrix=True),
        LogLoss(tests=[bound(known.BEATS_COIN, lte(limit))]),
        *stats,
    ]


def drift(
    current: DataFrame,
    reference: DataFrame,
    when: datetime,
    outcomes_of: tuple[DataFrame, DataFrame] | None = None,
) -> tuple[Any, list[ReportTest]]:
    """The snapshot of features on the scored sessions against training rows, and its tests; beside them `outcomes_of` both, such as returns.

    A column without a single value on one side takes no part in the drift (Evidently stops on one), but counts as
    missing; a column that only one side has takes no part at all.
    """
    from evidently.metrics import DatasetMissingValueCount, DriftedColumnsCount, ValueDrift
    from evidently.tests import eq, lte

    shared = [
        name for name in current.columns if name in reference
    ]  # Evidently stops on a column of one side
    current, reference = current[shared], reference[shared]
    usable = [name for name in shared if _has_values(current, reference, name)]
    numeric = [name for name in usable if _is_number(current, name)]
    missing = current.isna().sum()
    gaps = ", ".join(f"{name} {count}" for name, count in missing.items() if count) or "none"
    texts = {
        known.FEATURES_COMPLETE.name: f"Missing feature values on {len(current)} scored sessions: {gaps}."
    }
    items = [DatasetMissingValueCount(tests=[bound(known.FEATURES_COMPLETE, eq(0))])]
    if usable:
        share = DriftedColumnsCount(
            columns=usable,
            num_method="wasserstein",
            num_threshold=DRIFT_LIMIT,
            cat_method="jensenshannon",
            cat_threshold=CATEGORY_DRIFT_LIMIT,
            drift_share=DRIFTED_SHARE,
            share_tests=[bound(known.DRIFT, lte(DRIFTED_SHARE))],
        )
        items += [share, *(_column_drift(ValueDrift, name, name in numeric) for name in usable)]
    if outcomes_of:
        current, reference = (
            frame.assign(**one) for frame, one in zip((current, reference), outcomes_of, strict=True)
        )
        items += [_column_drift(ValueDrift, str(name), numeric=True) for name in outcomes_of[0]]
    snapshot = _run(items, current, reference, None, when)
    texts[known.DRIFT.name] = _drift_text(snapshot, usable)
    return snapshot, outcomes(snapshot, texts)


def _column_drift(kind: Any, name: str, numeric: bool) -> Any:
    if numeric:
        return kind(column=name, method="wasserstein", threshold=DRIFT_LIMIT)
    return kind(column=name, method="jensenshannon", threshold=CATEGORY_DRIFT_LIMIT)


def _drift_text(snapshot: Any, columns: Collection[str]) -> str:
    moved = []
    for metric in snapshot.dict()["metrics"]:
        config = metric["config"]
        if config.get("column") in columns and metric["value"] >= config["threshold"]:
            moved.append(f"{config['column']} {metric['value']:.2f}")
    which = f": {', '.join(moved)}" if moved else ""
    return f"{len(moved)} of {len(columns)} features moved by more than {DRIFT_LIMIT:g} standard deviation{which}."


def _has_values(current: DataFrame, reference: DataFrame, name: str) -> bool:
    return bool(current[name].notna().any() and reference[name].notna().any())


def _is_number(frame: DataFrame, name: str) -> bool:
    return frame[name].dtype.kind in "fiu"


def _run(
    items: list[Any], current: DataFrame, reference: DataFrame | None, target: str | None, when: datetime
) -> Any:
    from evidently import BinaryClassification, DataDefinition, Dataset, Regression, Report

    numeric = [name for name in current.columns if _is_number(current, name) and name != "up"]
    definition = DataDefinition(
        timestamp="session" if target else None,
        numerical_columns=numeric,
        categorical_columns=[name for name in current.columns if name not in (*numeric, "session")],
        regression=[Regression(target="actual_close", prediction="predicted_close")]
        if target == NEXT_RETURN
        else None,
        classification=[BinaryClassification(target="up", prediction_probas="probability_up", pos_label=1)]
        if target == NEXT_DIRECTION
        else None,
    )
    with _frugal():
        given = Dataset.from_pandas(current, definition)
        before = None if reference is None else Dataset.from_pandas(reference, definition)
        return Report(items, include_tests=False).run(given, before, timestamp=when)


@contextmanager
def _frugal() -> Iterator[None]:
    """Evidently without its noise and without plotly's default template.

    It divides by zero on constant columns and says so through numpy; the result is what we judge. Plotly copies its
    7 kB template into each of some 40 figures: a third of the time and of the page's data went there.
    """
    import numpy as np
    import plotly.io

    template = plotly.io.templates.default
    plotly.io.templates.default = None
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            yield
    finally:
        plotly.io.templates.default = template
