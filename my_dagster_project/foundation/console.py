"""The one kind of console this project prints with: what it is given is text, never markup.

A key `"[/]"` in a team's file or a commit titled `[/b]` ended commands with a traceback, and `red.yaml:100:` was printed as
an emoji. So rich reads no markup here, styles come as `(text, style)`, and control characters, which move somebody's
cursor or reverse the line they stand in, are dropped whatever they came in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import rich.console
from rich.segment import Segment
from rich.text import Text

from my_dagster_project.foundation.plain_text import plain
from my_dagster_project.foundation.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import ConsoleOptions, RenderableType

type Part = str | tuple[str, str]


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
            yield segment if control else Segment(plain(text), style)


def styled(*parts: Part) -> Text:
    """One text from parts that are plain or have a style, secrets masked."""
    pairs = [(part, "") if isinstance(part, str) else part for part in parts]
    return Text.assemble(*((redact(text), style) for text, style in pairs))
