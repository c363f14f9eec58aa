"""What is wrong with a file, as lines for people: `configs/red.yaml:12: trading.buy_abov: unknown key (...)`."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from my_dagster_project.foundation.errors import ConfigError

Loc = tuple[str | int, ...]

# A file with more problems than this has one cause; the rest of the list only hides it.
MAX_LINES_SHOWN = 40
MAX_VALUE_SHOWN = 40
# How many are looked for in one part of a file: to find the nearest name for each of 15 000 wrong keys took 20 s.
MOST_PROBLEMS = 200


class Place(NamedTuple):
    """A line (1-based) of a file."""

    file: str
    line: int


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, at one place of the file's data (`loc` as in pydantic: keys and list positions)."""

    loc: Loc
    message: str

    def below(self, parent: Loc) -> "Problem":
        """The same problem seen from further up the file."""
        return Problem(parent + self.loc, self.message)

    @property
    def text(self) -> str:
        """The place and the message on one line; a problem of the whole file has no place."""
        place = render_loc(self.loc)
        return f"{place}: {self.message}" if place else self.message


def render_loc(loc: Loc) -> str:
    """`("ludwig", "input_features", 3, "name")` as `ludwig.input_features[3].name`."""
    text = ""
    for part in loc:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{shorten(part)}" if text else shorten(part)
    return text


def shorten(text: str) -> str:
    """The text on one line and short enough to read in a message."""
    flat = "".join(char if char.isprintable() else "?" for char in text)
    return flat if len(flat) <= MAX_VALUE_SHOWN else flat[: MAX_VALUE_SHOWN - 3] + "..."


def show(value: object) -> str:
    """A value as the file spells it: `true`, `"5"`, `null`, `a list`; never more than a few words."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{shorten(value)}"'
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    return shorten(str(value))


def nearest(word: str, valid: Iterable[str]) -> str | None:
    """The valid name a person most likely meant, or None when nothing is close."""
    names = {name.lower(): name for name in valid}
    found = difflib.get_close_matches(word.lower()[:64], list(names), n=1, cutoff=0.6)
    return names[found[0]] if found else None


def suggestion(word: str, valid: Iterable[str]) -> str:
    """` (did you mean X?)`, or the valid names when none is close, ready to append to a message."""
    names = list(valid)
    best = nearest(word, names)
    if best is not None:
        return f" (did you mean {best}?)"
    if not names:
        return ""
    listed = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    return f" (valid: {listed})"


def config_error(filename: str, found: Sequence[tuple[Place, str]]) -> ConfigError:
    """A ConfigError with one `file:line: text` per problem, sorted by line; equal lines appear once.

    Problems of `filename` come before those of the defaults below it.
    """
    unique = sorted(set(found), key=lambda one: (one[0].file != filename, *one[0], one[1]))
    lines = [f"{place.file}:{place.line}: {text}" for place, text in unique[:MAX_LINES_SHOWN]]
    if len(unique) > MAX_LINES_SHOWN:
        lines.append(f"{filename}: and more problems like these")
    return ConfigError("\n".join(lines))
