"""What an asset's page in Dagit shows in place, as SVG: tables of text, a model's training, equity curves.

Dagit renders pictures of a description in place, and those of metadata behind a click. A description is as old as the code
location; so it names an address, and our web server (`deploy/dagit/pictures.py`) draws what the store has now, when somebody
looks: a run draws nothing of it, and Dagster's database does not grow.
"""

from __future__ import annotations

import io
import threading
from html import escape
from typing import TYPE_CHECKING, Any

from my_dagster_project.foundation.plain_text import plain
from my_dagster_project.reports.colours import team_colour

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from my_dagster_project.domain.examination import Examination

# By the noun of an asset: the names of its pictures, each with words for who sees none.
PICTURES = {
    "model": {"training": "learning curve, predicted against actual, importance of the inputs"},
    "predictions": {"newest": "the newest predictions", "returns": "predicted and actual returns by session"},
    "orders": {"newest": "what was ordered last, and why"},
    "leaderboard": {
        "teams": "the teams by their forecasts",
        "money": "the teams by their money",
        "equity": "equity of every team",
    },
}
ADDRESS = "/pictures"
GREY, DARK = "#9aa3ad", "#57606a"
# Dagit shows a description up to 672 by 250 pixels at a window of 1280; what is higher stands behind its "Show more".
_WIDTH, _LINE, _CHARACTER = 660, 17, 6.65
_LONGEST = 96
_INPUTS = 10
_ONE_AT_A_TIME = threading.Lock()  # matplotlib's text is not made for threads


def pictured(said: str, asset: Sequence[str]) -> str:
    """The description of an asset as Markdown: what is said of it, and below it its pictures."""
    address = "/".join((ADDRESS, *asset))
    shown = [f"![{words}]({address}/{name}.svg)" for name, words in PICTURES[asset[-1]].items()]
    return "\n\n".join([said, *shown])


def table_picture(head: Sequence[str], rows: Sequence[Sequence[str]], note: str = "") -> bytes:
    """A table as plain text, columns aligned; what does not fit in a line is folded under its last column."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    starts = [sum(widths[:place]) + 2 * place for place in range(len(widths))]
    lines = [(DARK, starts, head)]
    for row in rows:
        for number, part in enumerate(_folded(row[-1], max(20, _LONGEST - starts[-1]))):
            lines.append(("#1f2328", starts, [*(row[:-1] if number == 0 else [""] * len(starts[1:])), part]))
    lines += [(DARK, [0], [part]) for part in _folded(note, _LONGEST)] if note else []
    return _text(lines)


def _folded(text: str, room: int) -> list[str]:
    from textwrap import wrap

    return wrap(plain(text), room) or [""]


def _text(lines: Sequence[tuple[str, Sequence[int], Sequence[str]]]) -> bytes:
    """Cells at their columns; SVG knows no table. Whatever somebody wrote marks nothing up."""
    cells = [
        f'<text x="{2 + start * _CHARACTER:.0f}" y="{number * _LINE + 14}" fill="{colour}">{escape(plain(cell))}</text>'
        for number, (colour, starts, row) in enumerate(lines)
        for start, cell in zip(starts, row, strict=True)
    ]
    size = f'width="{_WIDTH}" height="{len(lines) * _LINE + 6}"'
    style = 'font-family="ui-monospace,Menlo,Consolas,DejaVu Sans Mono,monospace" font-size="11" xml:space="preserve"'
    ground = '<rect width="100%" height="100%" fill="#fff"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>{ground}{"".join(cells)}</svg>'.encode()


def training_picture(seen: Examination, team: str) -> bytes:
    """Learning curve, answers against what came, and which inputs mattered, side by side."""
    with _ONE_AT_A_TIME:
        figure, (curve, against, inputs) = _figure([1.0, 1.0, 1.0], 2.15)
        _curve(curve, seen, team_colour(team))
        _against(against, seen, team_colour(team))
        _inputs(inputs, seen, team_colour(team))
        return _svg(figure)


def _curve(axes: Any, seen: Examination, colour: str) -> None:
    axes.set_title("Loss by epoch", fontsize=8, loc="left")
    for name, drawn in (("train_loss", GREY), ("validation_loss", colour)):
        values = seen.epochs.get(name, [])
        axes.plot(
            range(1, len(values) + 1),
            values,
            color=drawn,
            linewidth=1.3,
            marker="." if len(values) == 1 else "",
            label=name.removesuffix("_loss"),
        )
    if seen.kept:
        axes.axvline(seen.kept, color=DARK, linewidth=0.8, linestyle=":", label=f"kept: epoch {seen.kept}")
    if seen.epochs:
        axes.legend(fontsize=6.5, frameon=False)


def _against(axes: Any, seen: Examination, colour: str) -> None:
    """In percent; beside the line of "no change" the one on which every answer would be right."""
    from matplotlib.ticker import MaxNLocator

    name = {"return": "predicted return", "probability": "probability of up"}.get(seen.answer, seen.answer)
    naive = 0.5 if seen.answer == "probability" else 0.0
    axes.set_title("Actual return, %, on validation", fontsize=8, loc="left")
    axes.set_xlabel(f"{name}, %", fontsize=7)
    axes.axhline(0, color=GREY, linewidth=0.6)
    axes.axvline(100 * naive, color=DARK, linewidth=0.9, linestyle="--", label="naive")
    predicted, actual = ([100 * value for value in values] for values in (seen.predicted, seen.actual))
    axes.scatter(predicted, actual, s=5, color=colour, linewidths=0)
    if seen.answer == "return" and predicted:
        ends = (min(predicted), max(predicted))
        axes.plot(ends, ends, color=DARK, linewidth=0.7, label="right")
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.legend(fontsize=6.5, frameon=False, loc="upper left")


def _inputs(axes: Any, seen: Examination, colour: str) -> None:
    axes.set_title("Larger error without it, %", fontsize=8, loc="left")
    shown = seen.importance[:_INPUTS][::-1]
    axes.barh([one.input[:14] for one in shown], [100 * one.share for one in shown], color=colour)
    axes.axvline(0, color=GREY, linewidth=0.6)
    if seen.error is not None and seen.naive_error is not None:
        unit, scale = ("", 1) if seen.answer == "probability" else (" %", 100)
        axes.set_xlabel(
            f"mean error {scale * seen.error:.3f}{unit}, naive {scale * seen.naive_error:.3f}{unit}",
            fontsize=7,
        )


def equity_picture(curves: Mapping[str, Sequence[tuple[str, float]]]) -> bytes:
    """Equity of each team in thousands of dollars, in its own colour."""
    from datetime import date

    with _ONE_AT_A_TIME:
        figure, (axes,) = _figure([1.0], 1.1)
        for name, curve in curves.items():
            sessions = [date.fromisoformat(day) for day, _ in curve]
            axes.plot(
                sessions,
                [value / 1000 for _, value in curve],
                color=team_colour(name),
                linewidth=1.3,
                label=name,
            )
        axes.set_title("Equity, thousand dollars", fontsize=8, loc="left")
        _by_date(axes)
        if curves:
            axes.legend(fontsize=7, frameon=False, ncols=8, loc="upper left", bbox_to_anchor=(0.3, 1.25))
        return _svg(figure)


def returns_picture(
    sessions: Sequence[Any], predicted: Sequence[float], actual: Sequence[float], team: str
) -> bytes:
    """Actual returns as bars and the predicted ones as a line, in percent, by session."""
    with _ONE_AT_A_TIME:
        figure, (axes,) = _figure([1.0], 1.1)
        axes.bar(sessions, [100 * value for value in actual], color=GREY, width=0.9, label="actual")
        axes.plot(
            sessions,
            [100 * value for value in predicted],
            color=team_colour(team),
            linewidth=1.4,
            label="predicted",
        )
        axes.set_title("Return of the next session, %", fontsize=8, loc="left")
        _by_date(axes)
        axes.legend(fontsize=7, frameon=False, ncols=2, loc="upper left", bbox_to_anchor=(0.4, 1.25))
        return _svg(figure)


def _by_date(axes: Any) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=3, maxticks=7)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    axes.xaxis.get_offset_text().set_fontsize(7)


def _figure(ratios: Sequence[float], height: float) -> tuple[Any, list[Any]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH / 96, height), layout="constrained", facecolor="white")
    axes = list(figure.subplots(1, len(ratios), squeeze=False, width_ratios=list(ratios))[0])
    for one in axes:
        one.tick_params(labelsize=6.5, length=2)
        one.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _svg(figure: Any) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()
