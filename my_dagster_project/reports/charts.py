"""Charts as plain data: what a page draws with plotly.js, and the same figures as a table where nothing is drawn."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any, Literal

from my_dagster_project.reports.colours import GREY
from my_dagster_project.reports.markdown import NONE

type Kind = Literal["line", "bar", "dots", "intervals"]
_DASHES = ("solid", "dash", "dot", "dashdot")


@dataclass(frozen=True)
class Series:
    """One line, row of bars or cloud of dots: `x` are ISO dates, names or numbers, `y` figures, NaN or None where there is none.

    `low` and `high` are the ends of intervals around them, `labels` what is said of each instead of its figure.
    """

    name: str
    x: Sequence[str | float]
    y: Sequence[float | None]
    colour: str
    kind: Kind = "line"
    low: Sequence[float] = ()
    high: Sequence[float] = ()
    labels: Sequence[str] = ()

    def figures(self) -> Iterator[tuple[str | float, float | None, tuple[float, ...], str]]:
        """Each place with its figure, the ends of its interval (none where it has none) and its label."""
        ends = zip(self.low, self.high, strict=True) if self.low else repeat(())
        yield from zip(self.x, self.y, ends, self.labels or repeat("", len(self.x)), strict=False)


@dataclass(frozen=True)
class Chart:
    """Some series over one axis. `id` is its own on the page; `prefix` and `suffix` stand around its figures (`$`, ` %`).

    `at` draws a dotted line at the figure to compare with, `stacked` bars lie upon each other, and `across` lays the axis of the figures
    below and those of the names at the left, for names that are many or long. `named` takes what looks like dates for names. `height` is in pixels.
    """

    id: str
    title: str
    series: Sequence[Series]
    prefix: str = ""
    suffix: str = ""
    digits: int = 2
    x_title: str = ""
    at: float | None = None
    stacked: bool = False
    across: bool = False
    named: bool = False
    height: int = 360

    def figure(self) -> dict[str, Any]:
        """Data and layout as plotly.js takes them; how it looks (fonts, grid, dark or light) is the page's."""
        axis = {"tickprefix": self.prefix, "ticksuffix": self.suffix}
        named = {"title": {"text": self.x_title}} if self.x_title else {}
        figures, names = ("xaxis", "yaxis") if self.across else ("yaxis", "xaxis")
        layout: dict[str, Any] = {figures: axis, names: named, "height": self.height}
        if self.named:
            layout[names] = {**named, "type": "category"}
        if self.across:
            layout |= {names: {"autorange": "reversed", "type": "category"}, "hovermode": "closest"}
        if self.stacked:
            layout["barmode"] = "relative"
        if self.at is not None:
            layout["shapes"] = [self._line_at(self.at)]
        return {"data": [*map(self._trace, self.series, self._dashes())], "layout": layout}

    def _line_at(self, figure: float) -> dict[str, Any]:
        along, to = ("y", "x") if self.across else ("x", "y")
        ends = {f"{along}0": 0, f"{along}1": 1, f"{to}0": figure, f"{to}1": figure}
        return {
            "type": "line", f"{along}ref": "paper", **ends, "line": {"dash": "dot", "width": 1, "color": GREY}
        }  # fmt: skip

    def rows(self) -> list[tuple[str, list[str]]]:
        """A row for each `x`, the last one first: its name, and the figure of each series, a dash where there is none."""
        known = [
            {x: self._word(y, ends, label) for x, y, ends, label in one.figures()} for one in self.series
        ]
        places = dict.fromkeys(x for one in known for x in one)
        ordered = list(places) if self.across else sorted(places, reverse=True)
        return [(str(x), [one.get(x, NONE) for one in known]) for x in ordered]

    def _word(self, value: float | None, ends: tuple[float, ...], label: str) -> str:
        if label:
            return label
        if value is None or math.isnan(value):
            return NONE
        between = f" [{', '.join(f'{end:,.{self.digits}f}' for end in ends)}]" if ends else ""
        return f"{self.prefix}{value:,.{self.digits}f}{self.suffix}{between}"

    def _dashes(self) -> list[str]:
        """Of those that share a colour the first is drawn solid, the others in dashes of their own."""
        colours = [one.colour for one in self.series]
        return [_DASHES[colours[:place].count(colour) % len(_DASHES)] for place, colour in enumerate(colours)]

    def _trace(self, one: Series, dash: str) -> dict[str, Any]:
        y = [None if _missing(value) else value for value in one.y]
        trace: dict[str, Any] = {"name": one.name, "x": list(one.x), "y": y, **self._told(one)}
        if self.across:
            trace |= {"x": y, "y": list(one.x), "orientation": "h"}
        if one.kind == "bar":
            return {**trace, "type": "bar", "marker": {"color": one.colour}}
        if one.kind == "dots":
            return {**trace, "type": "scatter", "mode": "markers", "marker": {"color": one.colour, "size": 7}}
        if one.kind == "intervals":
            return {**trace, "type": "scatter", "mode": "markers", **self._intervals(one)}
        line = {"color": one.colour, "width": 2, "dash": dash}
        # A curve of one session is a point.
        mode = "lines+markers" if len(one.x) < 2 else "lines"
        return {**trace, "type": "scatter", "mode": mode, "line": line}

    def _told(self, one: Series) -> dict[str, Any]:
        """What stands at the pointer: a label where there is one, else the figure."""
        if one.labels:
            return {"text": list(one.labels), "hovertemplate": "%{text}"}
        axis = "x" if self.across else "y"
        return {"hovertemplate": f"{self.prefix}%{{{axis}:,.{self.digits}f}}{self.suffix}"}

    def _intervals(self, one: Series) -> dict[str, Any]:
        known = [(value, *ends) for _, value, ends, _ in one.figures() if value is not None and ends]
        around = {
            "type": "data", "symmetric": False, "color": one.colour, "width": 5,
            "array": [high - value for value, _, high in known],
            "arrayminus": [value - low for value, low, _ in known],
        }  # fmt: skip
        of = "error_x" if self.across else "error_y"
        return {"marker": {"color": one.colour, "size": 8}, of: around}


def _missing(value: float | None) -> bool:
    return value is None or math.isnan(value)
