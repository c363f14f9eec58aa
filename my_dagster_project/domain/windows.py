"""When a team's models are trained anew: windows of the calendar, each the time for which one refit is valid.

A window is named by its first day. Its refit learns from closes up to the last session before that day, and predicts after the
closes of the window's own sessions; so a prediction never meets a model that saw its session, in a replay as in a season.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Literal, get_args

from my_dagster_project.foundation.calendar import TradingCalendar

type Refit = Literal["never", "weekly", "monthly", "quarterly"]
NEVER: Refit = "never"
REFITS: tuple[Refit, ...] = get_args(Refit.__value__)

CRONS: dict[Refit, str] = {"weekly": "0 0 * * 6", "monthly": "0 0 1 * *", "quarterly": "0 0 1 */3 *"}
"""When windows begin, as a cron line at the exchange; weeks on Saturday, when the week's last session has closed everywhere."""
_SATURDAY = 5


def window_of(refit: Refit, day: date) -> date:
    """The first day of the window that holds a day; raises ValueError for `never`, which has none."""
    if refit == "weekly":
        return day - timedelta(days=(day.weekday() - _SATURDAY) % 7)
    if refit == "monthly":
        return day.replace(day=1)
    if refit == "quarterly":
        return day.replace(month=day.month - (day.month - 1) % 3, day=1)
    raise ValueError(f"{refit} has no windows")


def windows_of(refit: Refit, days: Iterable[date]) -> list[date]:
    """The windows that hold these days, each once, the earliest first."""
    return sorted({window_of(refit, day) for day in days})


def window_after(refit: Refit, window: date) -> date:
    """The window that begins when this one ends."""
    day = window
    while window_of(refit, day) == window:
        day += timedelta(days=7)
    return window_of(refit, day)


def last_close_before(calendar: TradingCalendar, window: date) -> date:
    """The last session whose close the refit of a window may see: the newest one before its first day."""
    return calendar.previous_session(window)
