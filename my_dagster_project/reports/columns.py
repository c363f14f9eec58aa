"""Columns of tables, each declared once: a terminal, Markdown, a page and CSV all show what a table's list of columns holds.

A column says where its figures come from and how people read them. What differs between the media (a page draws an
interval, CSV has bare numbers) is decided by the kind of figure, never by the column: a new column needs one line.
"""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from my_dagster_project.reports.markdown import markdown_lines, markdown_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

type Mark = Literal["bold", "italic", "quiet", "ok", "warn", "red", "off", ""]
_MARKDOWN: dict[Mark, str] = {"bold": "**", "italic": "*"}


@dataclass(frozen=True)
class Column[Row]:
    """One column: `of` gives its figure, or a tuple of several that are read together, `words` makes one text of them.

    `figures` names them in CSV (by default the column's own name), `means` explains the term, `text` columns stand at the
    left, `key` columns say whose row it is: a table that is folded repeats them. The texts of a `long` column may be folded.
    `mark` sets a cell off from its row. Where there is no room for all of them, the `main` ones beside the key are shown.
    """

    name: str
    of: Callable[[Row], Any]
    words: Callable[..., str] = str
    means: str = ""
    figures: tuple[str, ...] = ()
    text: bool = False
    key: bool = False
    long: bool = False
    main: bool = False
    mark: Callable[[Row], Mark] = lambda _: ""

    def values(self, row: Row) -> tuple[Any, ...]:
        """The figures of a row, NaN or None where one does not exist."""
        found = self.of(row)
        return found if isinstance(found, tuple) else (found,)

    def cell(self, row: Row) -> str:
        """The figures of a row as people read them: plain text, marked up for no medium."""
        return self.words(*self.values(row))

    @property
    def figure_names(self) -> tuple[str, ...]:
        """The names of its figures in CSV."""
        return self.figures or (self.name.lower(),)


def markdown_table[Row](columns: Sequence[Column[Row]], rows: Iterable[Row]) -> str:
    """A Markdown table."""
    cells = ([_marked(column, row) for column in columns] for row in rows)
    return markdown_lines([markdown_text(column.name) for column in columns], cells)


def _marked[Row](column: Column[Row], row: Row) -> str:
    mark = _MARKDOWN.get(column.mark(row), "")
    return f"{mark}{markdown_text(column.cell(row))}{mark}"


def csv_table[Row](columns: Sequence[Column[Row]], rows: Iterable[Row]) -> str:
    """The bare figures as CSV with a head of their names: fractions and dollars unrounded, nothing where there is none.

    A text that a spreadsheet would take for a formula has an apostrophe before it, as people type it there.
    """
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow([name for column in columns for name in column.figure_names])
    for row in rows:
        lines.writerow([_bare(value) for column in columns for value in column.values(row)])
    return text.getvalue()


# What a spreadsheet takes for a formula where a cell begins with it: a team's text could ask another host with it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def _bare(value: Any) -> Any:
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    return "" if value is None or (isinstance(value, float) and math.isnan(value)) else value
