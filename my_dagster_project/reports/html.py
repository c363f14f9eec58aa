"""How every HTML page of ours is made: Jinja templates in a folder, everything escaped that is not marked as ours."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup


def templates(folder: Path) -> "Environment":
    """The templates of a folder; a name that is not given is an error, not an empty place."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined, auto_reload=False
    )


def ours(html: str) -> "Markup":
    """HTML that we or a library made, not to be escaped; never a text of a team."""
    from markupsafe import Markup

    return Markup(html)  # noqa: S704 - see above
