"""The one kind of console this project prints with: what it is given is text, never markup.

A key `"[/]"` in a team's file or a commit titled `[/b]` ended commands with a traceback, and `red.yaml:100:` was printed as
an emoji. So rich reads no markup here, styles come as `(text, style)`, and control characters, which move somebody's
cursor or reverse the line they stand in, are dropped whatever they came in.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import rich.console
from rich.segment import Segment
from rich.text import Text

from my_dagster_project.foundation.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import ConsoleOptions, RenderableType

type Part = str | tuple[str, str]
# C0 without tab and line feed, C1, and the marks that change the direction of writing.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class Console(rich.console.Console):
    """rich's console without markup, emoji codes and highlighting."""

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **options)

    def say(self, *parts: Part) -> None:
        """Print one text, put together from parts that are plain or have a style; lines are not cut or folded."""
        self.print(styled(*parts), soft_wrap=True)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """What rich makes of it, control characters left out."""
        for segment in super().render(renderable, options):
            text, style, control = segment
            yield (
                segment if control or not _CONTROLS.search(text) else Segment(_CONTROLS.sub("", text), style)
            )


def styled(*parts: Part) -> Text:
    """One text from parts that are plain or have a style, secrets masked."""
    pairs = [(part, "") if isinstance(part, str) else part for part in parts]
    return Text.assemble(*((redact(text), style) for text, style in pairs))
