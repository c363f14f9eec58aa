"""What was found out lately, kept while there is room: everything here is found by what it was made of, so nothing of it gets old."""

import threading
from collections import OrderedDict
from collections.abc import Callable


class Recent[Key, Found]:
    """So many answers by key, the newest. Safe to share between threads; two that ask for the same at once both find it out."""

    def __init__(self, most: int = 256) -> None:
        self._most, self._lock = most, threading.Lock()
        self._known: OrderedDict[Key, Found] = OrderedDict()

    def get(self, key: Key, make: Callable[[], Found]) -> Found:
        """The answer to a key; what `make` raises is raised, and nothing is kept."""
        with self._lock:
            if key in self._known:
                return self._known[key]
        found = make()
        with self._lock:
            self._known[key] = found
            while len(self._known) > self._most:
                self._known.popitem(last=False)
        return found
