"""A table of declared columns in a terminal: whole on any width, folded where the terminal is narrower than the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from my_dagster_project.foundation.console import Console
    from my_dagster_project.reports.columns import Column, Mark

_STYLES: dict[Mark, str] = {
    "bold": "bold", "italic": "italic", "quiet": "dim",
    "ok": "green", "warn": "yellow", "red": "bold red", "off": "dim", "": "",
}  # fmt: skip
_LONG = 30  # characters that a column of long texts gets at least
_ROOMY = 100


def print_table[Row](
    console: Console, title: str, columns: Sequence[Column[Row]], rows: Iterable[Row]
) -> None:
    """Print it; columns that do not fit follow in further tables under the same rows, so that nothing is left out."""
    rows = list(rows)
    space = 1 if console.width > _ROOMY else 0
    widths = {column.name: _width(column, rows) + 1 + space for column in columns}
    for number, part in enumerate(_parts(columns, widths, console.width - 2)):
        fits = sum(widths[column.name] for column in part) <= console.width - 2
        # Of its own, not the table's: that one is folded to the width of a narrow table.
        console.print(Text(f"{title}, continued" if number else title, "bold"))
        console.print(_table(part, rows, space, fits=fits))


def _width[Row](column: Column[Row], rows: Sequence[Row]) -> int:
    width = max(cell_len(text) for text in (column.name, *(column.cell(row) for row in rows)))
    return min(width, _LONG) if column.long else width


def _parts[Row](columns: Sequence[Column[Row]], widths: dict[str, int], room: int) -> list[list[Column[Row]]]:
    """Columns by table: as many as fit beside the keys, at least one."""
    keys = [column for column in columns if column.key]
    left = room - sum(widths[column.name] for column in keys)
    parts: list[list[Column[Row]]] = [list(keys)]
    used = 0
    for column in columns:
        if column.key:
            continue
        if used + widths[column.name] > left and len(parts[-1]) > len(keys):
            parts.append(list(keys))
            used = 0
        parts[-1].append(column)
        used += widths[column.name]
    return parts


def _table[Row](columns: Sequence[Column[Row]], rows: Sequence[Row], space: int, *, fits: bool) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.padding = (0, space, 0, 0)
    for column in columns:
        table.add_column(
            Text(column.name),
            justify="left" if column.text else "right",
            overflow="fold",
            no_wrap=fits and not column.long,
        )
    for row in rows:
        table.add_row(*(Text(column.cell(row), _STYLES[column.mark(row)]) for column in columns))
    return table
