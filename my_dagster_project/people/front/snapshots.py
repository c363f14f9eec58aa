"""What the pages show, found out at most every few seconds, in a thread of its own: no visitor waits for a dead service."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from my_dagster_project.domain.leaderboard import Curves, Leaderboard
from my_dagster_project.people.front.season_clock import SeasonClock
from my_dagster_project.people.status.page import StatusPage

KEEP_SECONDS = 10.0
WAIT_SECONDS = 2.8
OLD_SECONDS = 30.0
"""What is older is waited for longer, or shown with its age: on a busy machine 12:23's page was shown at 12:38 as if new."""
_OLD_WAIT_SECONDS = 8.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Taken:
    """Something that was found out at one moment, by the monotonic clock."""

    taken: float = field(default_factory=time.monotonic)

    @property
    def age(self) -> str:
        """How old it is, for people; '' while it is younger than OLD_SECONDS."""
        seconds = time.monotonic() - self.taken
        return (
            ""
            if seconds < OLD_SECONDS
            else f"{seconds / 60:.0f} min"
            if seconds >= 120
            else f"{seconds:.0f} s"
        )


@dataclass(frozen=True)
class Snapshot(Taken):
    """The status page, the table (None with the reason in `why`) and the teams' equity curves, as of one moment.

    `page` is None when not even the registry can be read; `broken` says why.
    """

    page: StatusPage | None
    board: Leaderboard | None
    why: str
    curves: Curves = field(default_factory=dict)
    broken: str = ""
    season: SeasonClock | None = None


class Snapshots[One: Taken]:
    """The newest snapshot. One that is younger than KEEP_SECONDS is shown as it is; an older one is being replaced."""

    def __init__(self, make: Callable[[], One]) -> None:
        self._make = make
        self._changed = threading.Condition()
        self._newest: One | None = None
        self._made_at = -KEEP_SECONDS
        self._making = False

    def get(self, wait: float = WAIT_SECONDS) -> One | None:
        """The newest snapshot; waits so many seconds for one that is not old. None when there never was one."""
        began = time.monotonic()
        with self._changed:
            old = self._newest is not None and bool(self._newest.age)
            until = began + (max(wait, _OLD_WAIT_SECONDS) if old else wait)
            while not self._is_young():
                if not self._making:
                    self._making = True
                    threading.Thread(target=self._renew, name="snapshot", daemon=True).start()
                left = until - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    break
            return self._newest

    def forget(self) -> None:
        """Let the next visitor wait for a new one: something was changed."""
        with self._changed:
            self._made_at = -KEEP_SECONDS

    def _is_young(self) -> bool:
        return self._newest is not None and time.monotonic() - self._made_at < KEEP_SECONDS

    def _renew(self) -> None:
        made = None
        try:
            made = self._make()
        except Exception:
            _log.exception("The status could not be found out.")
        with self._changed:
            if made is not None:
                self._newest, self._made_at = made, time.monotonic()
            self._making = False
            self._changed.notify_all()
