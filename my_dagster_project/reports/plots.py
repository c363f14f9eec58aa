"""Small PNG pictures for Dagit and the report: no pyplot, no global state, under 20 kB each.

`Figure` is used directly because pyplot keeps every figure alive and is not safe in Dagster's threads.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from pandas import DataFrame

GREY, BLUE, ORANGE = "#9aa3ad", "#1f6feb", "#d9730d"
_PANEL_POINTS, _WIDEST_BAR = 250.0, 12.0
LINES = (BLUE, ORANGE, "#1a7f37", "#8250df", "#bf3989", GREY)


def price_plot(bars: DataFrame) -> bytes:
    """PNG of the adjusted close (dollars) of a bars frame."""
    figure, (axes,) = _figure(1)
    axes.plot(bars["session"].to_numpy(), bars["adj_close"].to_numpy(), color=BLUE, linewidth=0.9)
    axes.set_title("Adjusted close, dollars", fontsize=9, loc="left")
    return _png(figure)


def prediction_plot(scored: DataFrame) -> bytes:
    """PNG of a scored frame: what happened and what was predicted, by session and against each other, in percent.

    A team that gives only probabilities shows those instead, 50 % being no call. Rows without a figure leave a gap.
    """
    returns = bool(scored["predicted_return"].notna().any())
    predicted = 100 * (scored["predicted_return"] if returns else scored["probability_up"])
    actual = 100 * scored["actual_return"]
    figure, (over_time, against) = _figure(2)
    # One collection of lines: as many patches as sessions took a third of the picture's time.
    width = min(_WIDEST_BAR, _PANEL_POINTS / len(scored))
    over_time.vlines(scored["session"].to_numpy(), 0, actual.to_numpy(), colors=GREY, linewidth=width)
    name = "predicted return" if returns else "probability of up"
    line = over_time if returns else _right_axis(over_time)
    line.plot(scored["session"].to_numpy(), predicted.to_numpy(), color=BLUE, linewidth=1.3)
    over_time.set_title(f"Actual return (bars) and {name} (line), %", fontsize=9, loc="left")
    _scatter(against, predicted, actual, name, centre=0.0 if returns else 50.0)
    return _png(figure)


def _right_axis(axes: Any) -> Any:
    right = axes.twinx()
    right.tick_params(labelsize=7, length=2, colors=BLUE)
    right.spines["top"].set_visible(False)
    return right


def _scatter(axes: Any, predicted: Any, actual: Any, name: str, centre: float) -> None:
    axes.axhline(0, color=GREY, linewidth=0.6)
    axes.axvline(centre, color=GREY, linewidth=0.6)
    right = ((predicted - centre) * actual > 0).to_numpy()
    axes.scatter(predicted[right], actual[right], s=12, color=BLUE)
    axes.scatter(predicted[~right], actual[~right], s=12, color=ORANGE)
    axes.set_xlabel(f"{name}, %", fontsize=8)
    axes.set_title("Actual against it, % (orange: wrong)", fontsize=9, loc="left")


def equity_plot(curves: Mapping[str, Sequence[tuple[date, float]]]) -> bytes:
    """PNG of equity curves (thousands of dollars) by name; empty curves are left out."""
    figure, (axes,) = _figure(1)
    drawn = [(name, curve) for name, curve in curves.items() if curve]
    for place, (name, curve) in enumerate(drawn):
        sessions, equity = zip(*curve, strict=True)
        axes.plot(
            sessions,
            [value / 1000 for value in equity],
            label=name,
            color=LINES[place % len(LINES)],
            linewidth=1.2,
        )
    if drawn:
        axes.legend(fontsize=7, frameon=False)
    axes.set_title("Equity, thousand dollars", fontsize=9, loc="left")
    return _png(figure)


def _figure(panels: int) -> tuple[Any, list[Any]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.2 if panels == 1 else 9.0, 2.6), dpi=100)
    figure.subplots_adjust(left=0.09 if panels == 1 else 0.05, right=0.975, top=0.88, bottom=0.18, wspace=0.2)
    ratios = [1] if panels == 1 else [2, 1]
    axes = list(figure.subplots(1, panels, squeeze=False, width_ratios=ratios)[0])
    for one in axes:
        one.tick_params(labelsize=7, length=2)
        one.spines[["top", "right"]].set_visible(False)
        one.locator_params(axis="y", nbins=5)
    return figure, axes


def _png(figure: Any) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
    from PIL import Image

    first = figure.axes[0]
    # By default at least 5: for three to five years it then wants months, finds no step for 50 of them, and warns.
    locator = AutoDateLocator(minticks=3, maxticks=7)
    first.xaxis.set_major_locator(locator)
    first.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    first.xaxis.get_offset_text().set_fontsize(7)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    buffer = io.BytesIO()
    # 32 colours are plenty for two lines and their smoothing, and a third of the bytes.
    picture = Image.frombytes("RGBA", canvas.get_width_height(), bytes(canvas.buffer_rgba()))
    picture.convert("RGB").quantize(32).save(buffer, format="png", optimize=True)
    return buffer.getvalue()
