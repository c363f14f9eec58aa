"""Figures as text for people, the formats every page shares; and text as Markdown for Dagit."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from my_dagster_project.foundation.plain_text import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NONE = "–"  # noqa: RUF001 - an en dash reads as "no figure"; a hyphen reads as a minus sign


def number(value: float, digits: int = 3) -> str:
    """A plain figure with `digits` decimals; a dash where there is none."""
    return NONE if math.isnan(value) else f"{value:,.{digits}f}"


def percent(value: float, *, sign: bool = False) -> str:
    """A fraction as a percentage with one decimal; a dash where there is none."""
    return NONE if math.isnan(value) else f"{value:{'+' if sign else ''}.1%}"


def dollars(value: float) -> str:
    """An amount with cents; a dash where there is none."""
    return NONE if math.isnan(value) else f"{'-' * (round(value, 2) < 0)}${abs(value):,.2f}"


def direction(share: float, low: float, high: float) -> str:
    """A share of right calls with its 95 % interval, such as `53.3% [40.9, 65.4]`."""
    return NONE if math.isnan(share) else f"{percent(share)} [{low * 100:.1f}, {high * 100:.1f}]"


def signed(value: float) -> str:
    """A fraction as a percentage with its sign."""
    return percent(value, sign=True)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table of plain texts."""
    return markdown_lines(
        [markdown_text(name) for name in head], ([*map(markdown_text, row)] for row in rows)
    )


def markdown_lines(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are Markdown already."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def markdown_text(text: str) -> str:
    """Any text as Markdown that shows exactly that text on one line: whatever somebody wrote marks nothing up."""
    line = plain(" ".join(text.splitlines()))
    return re.sub(r"[\\`*_<>|~&]|\](?=[(\[:])", r"\\\g<0>", line)
