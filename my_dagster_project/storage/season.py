"""The state of a season, in the object store: a log of numbered states, each an object that is written once.

    .trading/season/000001.json    begun
    .trading/season/000002.json    session 2012-12-03 closed
    .trading/season/000003.json    paused

The newest one counts. A change is the object with the next number, and of two who change the same state one is told that the
other was first (`put_new`): the season only goes forward, whoever drives it, on a folder and on S3 alike. Who did what, and
when, stays on record.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, date, datetime
from uuid import uuid4

from my_dagster_project.foundation.calendar import TradingCalendar
from my_dagster_project.foundation.errors import SeasonError, SeasonMovedError, StorageError
from my_dagster_project.storage.object_store import ObjectStore

_STATES = ".trading/season/"


@dataclass(frozen=True)
class State:
    """A season after one change of it.

    `session` is the one at work: in a lapse the exchange's clock stands at its close. All before it, from `first` on, are
    closed. `last` is the last one that there are bars of, None where they go on.
    """

    name: str
    first: date
    session: date
    last: date | None = None
    session_every: float = 0.0
    """Seconds from one session to the next, in a lapse."""
    paused: bool = False
    until: date | None = None
    """The session whose close is to be a pause, if any."""
    ended: bool = False
    missed: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By closed session (ISO) what each team missed of it, in words."""
    terms: Mapping[str, str] = field(default_factory=dict)
    """What stays as it was when the season began (`teams/season_terms.py`)."""
    symbols: tuple[str, ...] = ()
    """What teams traded when it began: the house team that buys and holds has these to the end. None are all of today."""
    what: str = "begun"
    by: str = ""
    at: str = ""
    """When it became so (UTC, by the wall clock)."""
    number: int = 0
    id: str = ""

    @property
    def since(self) -> datetime:
        """The instant of `at`."""
        return datetime.strptime(self.at, "%Y-%m-%d %H:%M:%S UTC").replace(tzinfo=UTC)

    def missed_of(self, session: date) -> dict[str, str]:
        """By team what did not happen in time of a closed session, in words."""
        return dict(self.missed.get(str(session), {}))


class SeasonBook:
    """The season of one store: there is one or none."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def read(self) -> State | None:
        """Give the season as it is now, None when none was begun; raises StorageError."""
        number = self._newest()
        return self._parse(_key(number)) if number else None

    def _newest(self) -> int:
        """The number of the newest state, 0 without one. Asked for hundreds of times a session: looked for from the last one on."""
        number = _SEEN.get(self._store.url, 0)
        if not (number and self._store.exists(_key(number))):
            keys = [info.key for info in self._store.list(_STATES)]
            number = int(keys[-1].removeprefix(_STATES).removesuffix(".json")) if keys else 0
        while number and self._store.exists(_key(number + 1)):
            number += 1
        _SEEN[self._store.url] = number
        return number

    def log(self) -> list[State]:
        """Give all that happened, the oldest first; raises StorageError."""
        return [self._parse(info.key) for info in self._store.list(_STATES)]

    def begin(self, state: State, by: str) -> State:
        """Begin the season; raises SeasonMovedError when there is one in this store."""
        if self.read() is not None:
            raise SeasonMovedError(_moved(self.require(), "a season was begun in this store"))
        return self._write(replace(state, number=0), by, "begun")

    def require(self) -> State:
        """Give the season as it is now; raises SeasonError when none was begun."""
        state = self.read()
        if state is None:
            raise SeasonError("no season was begun here; `trading season start` begins one")
        return state

    def change(self, old: State, new: State, by: str) -> State:
        """Go from the state that was read to another one; raises SeasonMovedError when it is not the newest any more.

        SeasonError for a step backwards: no session is open twice, what was missed stays so, what has ended stays ended, and
        what it was begun with stays.
        """
        back = new.session < old.session or (old.ended and not new.ended)
        if back or not _keeps(old.missed, new.missed) or (new.terms, new.symbols) != (old.terms, old.symbols):
            raise SeasonError(
                f"season {old.name}: it only goes forward, and stands at session {old.session}"
                + (" and has ended" if old.ended else "")
            )
        return self._write(replace(new, number=old.number), by, new.what)

    def set(self, by: str, what: str, **values: object) -> State:
        """Change some values (`paused`, `session_every`, `ended`), whatever else is changed at the same moment."""
        return self._again(lambda old: replace(old, what=what, **values), by)  # type: ignore[arg-type]

    def go_on(self, by: str) -> State:
        """Go on after a pause, until somebody says another one."""
        return self.set(by, "resumed", paused=False, until=None)

    def only(self, calendar: TradingCalendar, count: int, by: str) -> State:
        """Go on for so many sessions, the one at work included, and pause when the last of them is closed."""
        sessions = f"{count} session{'s' * (count > 1)}"

        def limited(old: State) -> State:
            until = calendar.offset(old.session, count - 1)
            return replace(old, paused=False, until=until, what=f"resumed for {sessions}")

        return self._again(limited, by)

    def close(
        self, calendar: TradingCalendar, session: date, by: str, missed: Mapping[str, str] | None = None
    ) -> State:
        """Close the session at work and go on to the next one; closing the last one ends the season.

        `missed` says by team what did not happen in time. Raises SeasonMovedError when it is not the one at work (any more), and
        SeasonError before the exchange has closed it.
        """
        if calendar.close_at(session) > datetime.now(UTC):
            raise SeasonError(f"session {session} has not closed at the exchange yet")

        def closed(old: State) -> State:
            if session != old.session or old.ended:
                raise SeasonMovedError(_moved(old, f"session {session} is not the one at work"))
            ended = old.last is not None and session >= old.last
            told = {**old.missed, str(session): dict(missed)} if missed else old.missed
            following = session if ended else calendar.next_session(session)
            paused, until = (True, None) if session == old.until else (old.paused, old.until)
            what = f"session {session} closed"
            return replace(
                old, session=following, ended=ended, missed=told, what=what, paused=paused, until=until
            )

        return self._again(closed, by)

    def _again(self, change: Callable[[State], State], by: str) -> State:
        """A change that holds whatever somebody else changes meanwhile, unless `change` says that it does not."""
        while True:
            old = self.require()
            try:
                return self.change(old, change(old), by)
            except SeasonMovedError:
                if self.require().number == old.number:
                    raise

    def _write(self, state: State, by: str, what: str) -> State:
        at = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"
        new = replace(state, number=state.number + 1, by=by, at=at, what=what, id=uuid4().hex)
        body = json.dumps(asdict(new), indent=1, default=str, ensure_ascii=False).encode()
        if not self._store.put_new(_key(new.number), body):
            raise SeasonMovedError(_moved(self.require(), f"it was not changed ({what})"))
        return new

    def _parse(self, key: str) -> State:
        try:
            told = json.loads(self._store.get(key))
            days = {name: date.fromisoformat(told[name]) for name in ("first", "session")}
            days |= {name: told.get(name) and date.fromisoformat(told[name]) for name in ("last", "until")}
            fixed = {"symbols": tuple(told.get("symbols", ()))}
            return State(**{name: told[name] for name in _NAMES if name in told} | days | fixed)
        except (ValueError, KeyError, TypeError) as error:
            raise StorageError(
                f"{key} in {self._store.url}, the state of the season, is damaged ({type(error).__name__}); it is written"
                " once and never changed: bring it back from a backup"
            ) from error


# By store, the newest number that this process has seen; they follow each other without a gap.
_SEEN: dict[str, int] = {}


def _key(number: int) -> str:
    return f"{_STATES}{number:06}.json"


_NAMES = frozenset(one.name for one in fields(State))


def _keeps(old: Mapping[str, Mapping[str, str]], new: Mapping[str, Mapping[str, str]]) -> bool:
    return all(new.get(session) == teams for session, teams in old.items())


def _moved(state: State, what: str) -> str:
    where = "has ended" if state.ended else f"is at session {state.session}"
    return (
        f"season {state.name}: {what}. {state.by or 'Somebody'} was first ({state.what}, {state.at}), and the season {where};"
        " one driver is enough"
    )
