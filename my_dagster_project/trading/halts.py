"""The kill switch: halts of one team or of all, in the object store, where every worker on every host sees them.

A halt is an object of its own, so nothing has to be read before one is written, and two people cannot undo each other:

    .trading/halts/red/20261121T130501123456Z-<id>.json       red is halted while this is there
    .trading/halts/_all/20261121T130602000000Z-<id>.json      everybody is
    .trading/lifted/red/<same name>                           what it was, who lifted it, when and why

That an object is there is what counts, not what is in it: a damaged one halts too, and so does a store that cannot be
read. Lifting takes away the halts that the person saw; one that somebody else makes meanwhile stays.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from my_dagster_project.foundation.errors import ObjectMissingError, TradingError
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.object_store import ObjectStore

EVERYBODY = "_all"  # No team can be called that.
_HALTS = ".trading/halts/"
_LIFTED = ".trading/lifted/"


@dataclass(frozen=True)
class Halt:
    """One halt of a team, or of `EVERYBODY`: who, when (UTC), why. `lifted_*` are empty while it is in force."""

    scope: str
    by: str
    at: str
    reason: str
    lifted_by: str = ""
    lifted_at: str = ""
    lifted_reason: str = ""
    key: str = ""

    def __str__(self) -> str:
        whom = "everybody's trading" if self.scope == EVERYBODY else f"trading of {self.scope}"
        return (
            f"{whom} is halted since {self.at or '?'} by {self.by or '?'}: {self.reason or 'no reason given'}"
        )


@dataclass(frozen=True)
class Halts:
    """All halts in force at one moment. `unreadable` says why they are not known, and then everybody is halted."""

    halts: tuple[Halt, ...] = ()
    unreadable: str = ""

    def of(self, team: str) -> list[Halt]:
        """Give the halts that concern a team, oldest first."""
        return [halt for halt in self.halts if halt.scope in (team, EVERYBODY)]

    def reason(self, team: str) -> str:
        """Say why a team may not trade; '' when it may."""
        if self.unreadable:
            return f"the kill switch cannot be read, so nobody trades: {self.unreadable}"
        return "; ".join(str(halt) for halt in self.of(team))


def read_halts(assets: AssetStore) -> Halts:
    """Give the halts in force; never raises, because a switch that cannot be read must not be taken for an open one."""
    try:
        found = [_read(assets.store, info.key) for info in assets.store.list(_HALTS)]
    except Exception as error:
        return Halts(unreadable=str(error) or type(error).__name__)
    return Halts(tuple(sorted((halt for halt in found if halt), key=lambda halt: (halt.at, halt.key))))


def halt(assets: AssetStore, scope: str, by: str, reason: str) -> Halt:
    """Halt a team (or `EVERYBODY`) from the next order on; raises StorageError when that could not be written."""
    now = datetime.now(UTC)
    key = f"{_HALTS}{scope}/{now:%Y%m%dT%H%M%S%fZ}-{uuid4().hex}.json"
    made = Halt(scope, by, _moment(now), reason, key=key)
    assets.store.put(key, _body(made))
    return made


def lift(assets: AssetStore, scope: str, by: str, reason: str) -> list[Halt]:
    """Lift the halts of exactly this scope that are in force now, and give them; each stays on record as lifted.

    Raises StorageError when the switch cannot be read or written: what is not lifted by then is still in force.
    """
    store = assets.store
    found = [_read(store, info.key) for info in store.list(f"{_HALTS}{scope}/")]
    lifted = []
    for one in filter(None, found):
        done = replace(one, lifted_by=by, lifted_at=_moment(datetime.now(UTC)), lifted_reason=reason)
        store.put(_LIFTED + one.key.removeprefix(_HALTS), _body(done))
        store.delete(one.key)
        lifted.append(done)
    return lifted


def past_halts(assets: AssetStore) -> list[Halt]:
    """Give every halt that was lifted, oldest first; raises StorageError."""
    found = [_read(assets.store, info.key) for info in assets.store.list(_LIFTED)]
    return sorted(filter(None, found), key=lambda one: one.at)


def check_scope(team: str | None, everybody: bool, teams: Iterable[str]) -> str:
    """Give the scope that a person named, a team of the registry or everybody; raises TradingError for neither or both."""
    known = sorted(teams)
    if everybody == (team is not None):
        raise TradingError(f"say whom: one of {', '.join(known)}, or --all")
    if team is not None and team not in known:
        raise TradingError(f"there is no team {team!r}; teams are {', '.join(known)}")
    return team or EVERYBODY


def _read(store: ObjectStore, key: str) -> Halt | None:
    """Give the halt under a key; None when it was lifted since the listing, one without words when it is damaged."""
    parts = key.split("/")
    # Whatever lies where it should not concerns everybody.
    scope = parts[2] if len(parts) == 4 else EVERYBODY
    try:
        told: dict[str, Any] = json.loads(store.get(key))
        words = {name: str(told.get(name, "")) for name in _WORDS}
    except ObjectMissingError:
        return None
    except (ValueError, AttributeError):
        words = {"by": "", "at": "", "reason": f"its record {key} is damaged"}
    return Halt(scope=scope, **words, key=key)


_WORDS = ("by", "at", "reason", "lifted_by", "lifted_at", "lifted_reason")


def _body(one: Halt) -> bytes:
    told = {name: value for name, value in asdict(one).items() if name != "key"}
    return json.dumps(told, indent=1, ensure_ascii=False).encode()


def _moment(when: datetime) -> str:
    return when.strftime("%Y-%m-%d %H:%M:%S UTC")
