"""How far from its own session a value looks: what it needs of the past, and whether it knows the future."""

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Reach:
    """A value of session t depends on the bars of sessions t - past to t + future, and on no others.

    A negative `future` says how old the newest bar is that it looks at.
    """

    past: int
    future: int = 0

    def __add__(self, other: Self) -> "Reach":
        """What is worked out from values that themselves reach that far."""
        return Reach(self.past + other.past, self.future + other.future)

    @property
    def look_ahead(self) -> str | None:
        """In words, how far it looks beyond its own session; None when it does not."""
        if self.future <= 0:
            return None
        return f"looks {self.future} session{'s' if self.future > 1 else ''} into the future"


def lagged(sessions: int) -> Reach:
    """The reach of waiting so many sessions."""
    return Reach(sessions, -sessions)
