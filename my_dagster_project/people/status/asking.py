"""Asks many things at once and waits for none of them longer than agreed: a page about dead services must not die of one."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

# A question that hangs keeps its thread. After this long it is given up for lost and may be asked anew, so that a front
# that is up for months holds a handful of such threads at most.
_LOST_SECONDS = 60.0


@dataclass
class _Asked:
    since: float
    done: threading.Event
    answer: Any = None
    error: BaseException | None = None


class SilentError(Exception):
    """There was no answer in time; it may still come."""


class Asking:
    """Questions by name. One that is still open is waited for again, never asked twice at the same time."""

    def __init__(self) -> None:
        self._open: dict[str, _Asked] = {}
        self._lock = threading.Lock()

    def start(self, questions: Mapping[str, Callable[[], Any]]) -> None:
        """Begin to ask, each in a thread of its own."""
        for name, question in questions.items():
            with self._lock:
                asked = self._open.get(name)
                if asked and not asked.done.is_set() and time.monotonic() - asked.since < _LOST_SECONDS:
                    continue
                asked = self._open[name] = _Asked(time.monotonic(), threading.Event())
            threading.Thread(target=_ask, args=(asked, question), name=f"ask-{name}", daemon=True).start()

    def answer(self, name: str, until: float) -> Any:
        """The answer to a question that was started; raises its error, or SilentError at the monotonic time `until`."""
        return _answered(self._open[name], until - time.monotonic())


def ask_once(question: Callable[[], Any], seconds: float) -> Any:
    """The answer to one question, or its error; SilentError after so many seconds."""
    asked = _Asked(time.monotonic(), threading.Event())
    threading.Thread(target=_ask, args=(asked, question), name="ask-once", daemon=True).start()
    return _answered(asked, seconds)


def _answered(asked: _Asked, seconds: float) -> Any:
    if not asked.done.wait(max(0.0, seconds)):
        raise SilentError
    if asked.error is not None:
        raise asked.error
    return asked.answer


def _ask(asked: _Asked, question: Callable[[], Any]) -> None:
    try:
        asked.answer = question()
    except BaseException as error:
        asked.error = error
    finally:
        asked.done.set()
