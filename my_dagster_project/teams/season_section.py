"""The registry's section `season`: whether a season is lived here, and by which clock."""

import re
from typing import Annotated

from pydantic import BeforeValidator, Field

from my_dagster_project.foundation.problems import show
from my_dagster_project.foundation.strict import Strict

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)")


def seconds(text: object) -> object:
    """The seconds of `30s`, `1.5m` or `2h`; raises ValueError for anything else but 0."""
    found = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if found is None and (text != 0 or isinstance(text, bool)):
        raise ValueError(f"{show(text)} is no duration: a number and s, m or h, like 30s")
    return float(found[1]) * _UNITS[found[2]] if found else 0.0


type Duration = Annotated[float, BeforeValidator(seconds), Field(ge=0, le=7 * 86_400)]


class Lapse(Strict):
    """How fast a recorded past goes by."""

    session_every: Duration
    """From one session to the next, at least: a session whose runs take longer takes longer. 0 waits for nothing."""


class Clock(Strict):
    """The exchange's clock: the time of day, or one that goes from session to session when the season's driver says so."""

    lapse: Lapse | None = None


def _clock(value: object) -> object:
    if value == "real":
        return Clock()
    if isinstance(value, dict) and value.get("lapse") is not None:
        return value
    raise ValueError("must be real, or {lapse: {session_every: 30s}}")


class Season(Strict):
    """A season that is lived. `real` is the time of day; a lapse shows the market's recorded past session by session."""

    clock: Annotated[Clock, BeforeValidator(_clock)]

    @property
    def lapse(self) -> Lapse | None:
        """How fast the past goes by; None where the clock is the real one."""
        return self.clock.lapse
