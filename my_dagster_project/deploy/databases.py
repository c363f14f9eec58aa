"""One PostgreSQL server, one database and role per service: neither can read the other's."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from my_dagster_project.foundation.errors import PassingError, TradingError

if TYPE_CHECKING:
    from psycopg2.extensions import cursor


class DatabaseError(TradingError):
    """PostgreSQL refused."""


class DatabaseUnreachableError(DatabaseError, PassingError):
    """PostgreSQL does not answer (yet)."""


@dataclass(frozen=True)
class Superuser:
    """Who may make databases, and where; a folder as `host` is a Unix socket."""

    host: str
    name: str
    password: str = field(repr=False)


def prepare_databases(superuser: Superuser, passwords: Mapping[str, str]) -> str:
    """Make a database and the role that owns it for every name, and give the role its password; says which are new."""
    import psycopg2

    made = []
    try:
        connection = psycopg2.connect(
            host=superuser.host,
            user=superuser.name,
            password=superuser.password,
            dbname="postgres",
            connect_timeout=5,
        )
    except psycopg2.OperationalError as error:
        raise DatabaseUnreachableError(f"PostgreSQL at {superuser.host}: {str(error).strip()}") from None
    try:
        connection.autocommit = True  # CREATE DATABASE refuses to run in a transaction
        with connection.cursor() as asks:
            for name, password in passwords.items():
                made += [name] if _prepare(asks, name, password) else []
    except psycopg2.Error as error:
        # The statement is in the error's context, and with it the password: only the server's own words go on.
        raise DatabaseError(f"PostgreSQL at {superuser.host}: {error.diag.message_primary}") from None
    finally:
        connection.close()
    return f"made {', '.join(made)}" if made else f"{', '.join(passwords)} are there"


def _prepare(asks: "cursor", name: str, password: str) -> bool:
    from psycopg2 import sql

    known = sql.Identifier(name)
    asks.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,))
    word = sql.SQL("ALTER" if asks.fetchone() else "CREATE")
    asks.execute(sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(word, known, sql.Literal(password)))
    asks.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
    if asks.fetchone():
        return False
    asks.execute(sql.SQL("CREATE DATABASE {0} OWNER {0}").format(known))
    # By default every role may connect to every database.
    asks.execute(sql.SQL("REVOKE CONNECT ON DATABASE {} FROM PUBLIC").format(known))
    return True
