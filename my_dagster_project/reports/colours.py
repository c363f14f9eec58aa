"""One colour for each team, everywhere: pages, reports, Dagit's pictures. A team that is called like a colour has it.

The others get one of a palette that people tell apart who see red and green alike (Okabe and Ito, 2008; Tol, 2021), by their name
alone: it stays whoever else competes. Two teams may share one; a chart then draws the second one dashed (`charts.py`).
"""

from collections.abc import Iterable
from hashlib import sha256

from my_dagster_project.domain.leaderboard import BUY_AND_HOLD, HOUSE_TEAMS

GREY = "#7d8894"
_OF_THE_HOUSE = dict.fromkeys(HOUSE_TEAMS, "#b0b8c1") | {BUY_AND_HOLD: GREY}
_NAMED = {
    "red": "#d1343c",
    "blue": "#1f6feb",
    "green": "#1a8f4e",
    "yellow": "#d9a400",
    "orange": "#e0730d",
    "purple": "#8250df",
    "violet": "#8250df",
    "pink": "#d64f9b",
    "brown": "#8a5a35",
    "cyan": "#1b9fb8",
    "teal": "#17807a",
    "black": "#3b444d",
    "white": "#c3cad1",
    "grey": GREY,
    "gray": GREY,
}
_PALETTE = (
    "#e69f00",
    "#56b4e9",
    "#009e73",
    "#cc79a7",
    "#a05a00",
    "#332288",
    "#88a61b",
    "#117a8b",
    "#aa4499",
    "#6f7bd0",
)


def team_colour(name: str) -> str:
    """The colour of a team or house team, `#rrggbb`; the same for a name wherever and whenever it is asked for."""
    known = {**_NAMED, **_OF_THE_HOUSE}.get(name.lower())
    return known or _PALETTE[int(sha256(name.encode()).hexdigest(), 16) % len(_PALETTE)]


def distinct_colours(names: Iterable[str]) -> dict[str, str]:
    """A colour for each of some names that are no teams (symbols), by their order; after ten they come again."""
    return {name: _PALETTE[place % len(_PALETTE)] for place, name in enumerate(names)}
