"""What a team's project in Evidently's own pages shows over time: a tab for each symbol with errors, and drift since training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, uuid5

from my_dagster_project.domain.targets import NEXT_DIRECTION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evidently.sdk.models import DashboardModel

type _Panel = tuple[str, str, str, dict[str, str], str]
"""Title, what it means, Evidently's metric, its labels, the part of the report that has it."""

_OF_RETURNS: tuple[_Panel, ...] = (
    ("Mean absolute error", "Of the predicted close, dollars.", "MAE", {"value_type": "mean"}, "predictions"),
    ("Mean error", "Dollars; above 0 it says too much.", "MeanError", {"value_type": "mean"}, "predictions"),
)
_OF_PROBABILITIES: tuple[_Panel, ...] = (
    ("Log loss", "Of the probability of up; 0.693 is a coin's.", "LogLoss", {}, "predictions"),
)
_OF_ALL: tuple[_Panel, ...] = (
    ("Right directions", "Share of right calls.", "MeanValue", {"column": "hit"}, "predictions"),
    (
        "Features that have moved",
        "Share of those more than a standard deviation from what the model in force has learned from.",
        "DriftedColumnsCount",
        {"value_type": "share"},
        "features",
    ),
    (
        "Returns, moved since training",
        "Wasserstein distance by the training rows' deviation.",
        "ValueDrift",
        {"column": "actual_return_percent"},
        "features",
    ),
    (
        "Errors, against those of “no change” on the training rows",
        "The same distance.",
        "ValueDrift",
        {"column": "error_percent"},
        "features",
    ),
)


def dashboard_of(symbols: Sequence[str], target: str) -> DashboardModel:
    """A tab for each symbol, a panel for each figure; the same symbols give the same ids.

    Not a line for each symbol in one panel: of several series of one metric Evidently's local workspace (0.7.23) finds the first alone.
    """
    from evidently.sdk.models import DashboardModel, DashboardTabModel

    told = (*(_OF_PROBABILITIES if target == NEXT_DIRECTION else _OF_RETURNS), *_OF_ALL)
    panels = {symbol: [_panel(symbol, *one) for one in told] for symbol in symbols}
    tabs = [
        DashboardTabModel(id=_id(symbol), title=symbol, panels=[one.id for one in of])
        for symbol, of in panels.items()
    ]
    return DashboardModel(tabs=tabs, panels=[one for of in panels.values() for one in of])


def _panel(symbol: str, title: str, means: str, metric: str, labels: dict[str, str], part: str) -> Any:
    from evidently.sdk.models import PanelMetric
    from evidently.sdk.panels import line_plot_panel

    line = PanelMetric(legend=symbol, tags=[symbol, part], metric=metric, metric_labels=labels)
    panel = line_plot_panel(f"{symbol}: {title}", [line], means, size="half")
    panel.id = _id(f"{symbol}/{title}")
    return panel


def _id(of: str) -> Any:
    return uuid5(NAMESPACE_URL, f"trading/dashboard/{of}")
