"""Who did what, for the organiser: a log to which is only ever added, an object for each act.

    .trading/audit/20261121T130501123456Z-<id>.json    who, through which door, what, and how it went

The doors are the command line, Dagit and pushes. That something was done does not depend on its being noted: a halt must hold
while the store is slow, so whoever cannot note an act says so and goes on.
"""

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache
from uuid import uuid4

from my_dagster_project.foundation.errors import StorageError
from my_dagster_project.foundation.redaction import redact
from my_dagster_project.storage.object_store import ObjectStore

COMMAND, DAGIT, PUSH, FRONT = "command", "Dagit", "push", "front page"
_ACTS = ".trading/audit/"
_LONGEST = 500
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Act:
    """What somebody did: the account or user@host, the door, the request, its outcome in words, when (UTC)."""

    who: str
    door: str
    what: str
    outcome: str = "done"
    at: str = ""


def note(store: ObjectStore, act: Act) -> None:
    """Add an act; raises StorageError. Texts are cut at 500 characters, and no secret is kept."""
    now = datetime.now(UTC)
    told = {name: redact(value)[:_LONGEST] for name, value in asdict(act).items()}
    body = json.dumps({**told, "at": f"{now:%Y-%m-%d %H:%M:%S} UTC"}, ensure_ascii=False).encode()
    store.put_new(f"{_ACTS}{now:%Y%m%dT%H%M%S%fZ}-{uuid4().hex}.json", body)


def note_beside(store: ObjectStore, act: Act) -> None:
    """Add an act while whoever did it goes on; one that could not be added stands in this process's log."""
    _aside().submit(_note_or_say, store, act)


def newest(store: ObjectStore, most: int) -> list[Act]:
    """Give the last acts, the newest first; raises StorageError."""
    keys = [info.key for info in store.list(_ACTS)]
    return [_read(store, key) for key in reversed(keys[-most:])] if most else []


def _note_or_say(store: ObjectStore, act: Act) -> None:
    try:
        note(store, act)
    except StorageError as error:
        _log.error("Not in the audit log (%s): %s", error, act)


@cache
def _aside() -> ThreadPoolExecutor:
    """One thread, so that acts keep their order; Python waits for it when the process ends."""
    return ThreadPoolExecutor(1, thread_name_prefix="audit")


def _read(store: ObjectStore, key: str) -> Act:
    try:
        return Act(**json.loads(store.get(key)))
    except (ValueError, TypeError) as error:
        return Act("?", "?", f"{key} is damaged ({type(error).__name__})", "?", "?")
