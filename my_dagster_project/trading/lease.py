"""The lease of an account: who trades has it from planning to recording, and nobody else trades meanwhile.

The queue lets one run of a team in at a time, but `trading run` goes past the queue, and a run that somebody starts beside
it does too. So whoever shares Dagster's history shares the leases: where it is in PostgreSQL, a lease is an advisory lock
of a connection of its own; else a lock on a file beside the bundled broker's accounts. Both go with their process, also by
kill -9. A host that vanishes keeps a lease for 30 s (PostgreSQL's keepalives); a process that lost its connection finds out
before its next order.
"""

import fcntl
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from my_dagster_project.foundation.errors import PassingError

if TYPE_CHECKING:
    import dagster as dg
    from sqlalchemy import Connection

WAIT_SECONDS = 900.0
"""As long as this a session waits for its account: longer than `trading run` takes for a replay of a team."""
_POLL_SECONDS = 0.2
_FAMILY = 0x7AAD
"""The first half of an advisory lock's number: the leases, among whatever else may be locked in that database."""
_KEEPALIVE = {"tcp_keepalives_idle": 10, "tcp_keepalives_interval": 5, "tcp_keepalives_count": 4}


class LeaseError(PassingError):
    """The account is not ours to trade: somebody else has it, or nobody can tell. Nothing was sent since."""


class Held(Protocol):
    """A lease that was got."""

    def require(self) -> None:
        """Raise LeaseError when it was lost meanwhile; asked before each order."""

    def release(self) -> None:
        """Give it back; twice is fine."""


class Leases(Protocol):
    """Where the leases of a deployment are."""

    def take(self, account: str, holder: str) -> Held | None:
        """Get an account's lease at once, None when somebody has it; raises LeaseError when that cannot be told."""

    def holder(self, account: str) -> str:
        """Say who has it, as they called themselves; '' when nobody does."""


def leases_of(instance: "dg.DagsterInstance", folder: Path) -> Leases:
    """The leases of the deployment that has this Dagster instance; `folder` is where file locks go, if there are any."""
    url = getattr(instance.run_storage, "postgres_url", None)
    return PostgresLeases(url) if url else FileLeases(folder)


# A process that has a lease may take it again in the same thread: `trading run` has it over all sessions, each op over its own.
_mine: dict[tuple[int, int, str], Held] = {}


@contextmanager
def lease(
    leases: Leases,
    account: str,
    who: str,
    say: Callable[[str], None] = lambda text: None,
    wait: float | None = None,
) -> Iterator[Held]:
    """Have the account to oneself for the length of a with block; waits at most `wait` seconds (WAIT_SECONDS) for whoever has it.

    `who` is what others are told meanwhile, `say` hears whom this waits for. Raises LeaseError.
    """
    me = (os.getpid(), threading.get_ident(), account)
    if me in _mine:
        yield _mine[me]
        return
    held = _awaited(
        leases,
        account,
        f"{who}, process {me[0]} on {socket.gethostname()}",
        say,
        WAIT_SECONDS if wait is None else wait,
    )
    _mine[me] = held
    try:
        yield held
    finally:
        # Not by `me`: an op that was given up is closed wherever Python happens to be.
        del _mine[me]
        held.release()


def _awaited(leases: Leases, account: str, holder: str, say: Callable[[str], None], wait: float) -> Held:
    until, said = time.monotonic() + wait, ""
    while (held := leases.take(account, holder)) is None:
        # A holder that is just ending has no name any more, and was named already.
        other = leases.holder(account) or said or "somebody who just began"
        if time.monotonic() >= until:
            raise LeaseError(
                f"account {account} is being traded by {other}; waited {wait:.0f} s. Nothing was sent: run it again when "
                "that is over"
            )
        if other != said:
            said = other
            say(f"waits for account {account}, which is being traded by {other}")
        time.sleep(_POLL_SECONDS)
    return held


@dataclass(frozen=True)
class FileLeases:
    """Leases of processes of one host: a locked file for each account, with its holder's name in it."""

    folder: Path

    def take(self, account: str, holder: str) -> Held | None:
        """See Leases."""
        self.folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path(account), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, holder.encode(), 0)
        return _LockedFile(descriptor)

    def holder(self, account: str) -> str:
        """See Leases."""
        with suppress(FileNotFoundError):
            return self._path(account).read_text(encoding="utf-8")
        return ""

    def _path(self, account: str) -> Path:
        return self.folder / f"{account}.lease"


@dataclass
class _LockedFile:
    descriptor: int | None

    def require(self) -> None:
        """Nothing takes a lock away from a living process."""

    def release(self) -> None:
        if self.descriptor is not None:
            # The name first: a reader finds no holder rather than a former one.
            os.ftruncate(self.descriptor, 0)
            os.close(self.descriptor)
            self.descriptor = None


@dataclass(frozen=True)
class PostgresLeases:
    """Leases of processes on any host: advisory locks in Dagster's own database, each on a connection of its own."""

    url: str

    def take(self, account: str, holder: str) -> Held | None:
        """See Leases."""
        with _explained(account):
            connection = self._connect(holder)
            try:
                for name, value in _KEEPALIVE.items():
                    connection.exec_driver_sql(f"SET {name} = {value}")
                if _one(connection, "SELECT pg_try_advisory_lock(%s, %s)", _FAMILY, _number(account)):
                    return _LockedRow(account, connection)
            except BaseException:
                connection.close()
                raise
            connection.close()
            return None

    def holder(self, account: str) -> str:
        """See Leases."""
        with _explained(account), self._connect("who has a lease") as connection:
            return str(_one(connection, _HOLDER, _FAMILY, _number(account)) or "")

    def _connect(self, name: str) -> "Connection":
        from sqlalchemy import NullPool, create_engine

        # PostgreSQL keeps 63 bytes of a name.
        terms = {"application_name": name[:63], "connect_timeout": 10, "keepalives_idle": 10}
        engine = create_engine(self.url, isolation_level="AUTOCOMMIT", poolclass=NullPool, connect_args=terms)
        return engine.connect()


_HOLDER = (
    "SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' AND granted"
    " AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    " AND classid = %s AND objid = %s AND objsubid = 2"
)


@dataclass
class _LockedRow:
    account: str
    connection: "Connection"

    def require(self) -> None:
        """A connection that is gone took its lock along."""
        with _explained(self.account):
            _one(self.connection, "SELECT 1")

    def release(self) -> None:
        # Closed for good, not given back to a pool: the lock ends with its connection.
        with suppress(Exception):
            self.connection.close()


def _one(connection: "Connection", statement: str, *values: object) -> object:
    return connection.exec_driver_sql(statement, values).scalar()


def _number(account: str) -> int:
    """The second half of an advisory lock's number: 31 bits of a name. Two names of one number would only wait."""
    return int.from_bytes(sha256(account.encode()).digest()[:4], "big") >> 1


@contextmanager
def _explained(account: str) -> Iterator[None]:
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except SQLAlchemyError as error:
        # Not its text, which may name what the connection was made with.
        raise LeaseError(
            f"account {account}: PostgreSQL, where its lease is, cannot be asked ({type(error).__name__}), so nothing more "
            "is sent; run it again, nothing is sent twice"
        ) from None
