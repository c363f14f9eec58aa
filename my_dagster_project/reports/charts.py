"""Charts as plain data: what a page draws with plotly.js, and the same figures as a table where nothing is drawn."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from my_dagster_project.reports.markdown import NONE

type Kind = Literal["line", "bar", "dots"]
_DASHES = ("solid", "dash", "dot", "dashdot")


@dataclass(frozen=True)
class Series:
    """One line, row of bars or cloud of dots: `x` are ISO dates or numbers, `y` figures, NaN or None where there is none."""

    name: str
    x: Sequence[str | float]
    y: Sequence[float | None]
    colour: str
    kind: Kind = "line"


@dataclass(frozen=True)
class Chart:
    """Some series over one axis. `id` is its own on the page; `prefix` and `suffix` stand around its figures (`$`, ` %`)."""

    id: str
    title: str
    series: Sequence[Series]
    prefix: str = ""
    suffix: str = ""
    digits: int = 2
    x_title: str = ""

    def figure(self) -> dict[str, Any]:
        """Data and layout as plotly.js takes them; how it looks (fonts, grid, dark or light) is the page's."""
        figure = f"{self.prefix}%{{y:,.{self.digits}f}}{self.suffix}"
        axis = {"tickprefix": self.prefix, "ticksuffix": self.suffix}
        return {
            "data": [
                {**trace, "hovertemplate": figure} for trace in map(self._trace, self.series, self._dashes())
            ],
            "layout": {"yaxis": axis, "xaxis": {"title": {"text": self.x_title}} if self.x_title else {}},
        }

    def rows(self) -> list[tuple[str, list[str]]]:
        """A row for each `x`, the last one first: its name, and the figure of each series, a dash where there is none."""
        known = [dict(zip(one.x, one.y, strict=True)) for one in self.series]
        places = sorted({x for one in known for x in one}, reverse=True)
        return [(str(x), [self._word(one.get(x)) for one in known]) for x in places]

    def _word(self, value: float | None) -> str:
        return NONE if _missing(value) else f"{self.prefix}{value:,.{self.digits}f}{self.suffix}"

    def _dashes(self) -> list[str]:
        """Of those that share a colour the first is drawn solid, the others in dashes of their own."""
        colours = [one.colour for one in self.series]
        return [_DASHES[colours[:place].count(colour) % len(_DASHES)] for place, colour in enumerate(colours)]

    def _trace(self, one: Series, dash: str) -> dict[str, Any]:
        trace: dict[str, Any] = {
            "name": one.name,
            "x": list(one.x),
            "y": [None if _missing(value) else value for value in one.y],
        }
        if one.kind == "bar":
            return {**trace, "type": "bar", "marker": {"color": one.colour}}
        if one.kind == "dots":
            return {**trace, "type": "scatter", "mode": "markers", "marker": {"color": one.colour, "size": 7}}
        line = {"color": one.colour, "width": 2, "dash": dash}
        # A curve of one session is a point.
        mode = "lines+markers" if len(one.x) < 2 else "lines"
        return {**trace, "type": "scatter", "mode": mode, "line": line}


def _missing(value: float | None) -> bool:
    return value is None or math.isnan(value)
