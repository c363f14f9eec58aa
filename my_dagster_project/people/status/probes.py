"""The shortest questions that show whether a service is alive. Each gives what it found in words, or raises TradingError.

Texts of ours only: the libraries' own quote addresses with passwords in them.
"""

import json
import shutil
import socket
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from my_dagster_project.foundation.errors import TradingError

SECONDS = 2.0
_PORTS = {"http": 80, "https": 443, "redis": 6379, "rediss": 6379, "postgresql": 5432}
# PostgreSQL's SSLRequest: eight bytes that every server answers with one, before any password.
_SSL_REQUEST = (8).to_bytes(4, "big") + (80877103).to_bytes(4, "big")


class ProbeError(TradingError):
    """A service does not answer as it should."""


def tcp(url: str) -> str:
    """Whether something listens at the host and port of an address."""
    _connect(*host_and_port(url)).close()
    return "listens"


def http(url: str, accept: tuple[int, ...] = (200,)) -> str:
    """The body of a GET; an answer with another status than these is a ProbeError."""
    request = urllib.request.Request(url, headers={"User-Agent": "trading-status"})  # noqa: S310 - our own setting
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
            status, body = answer.status, answer.read(10_000).decode(errors="replace")
    except urllib.error.HTTPError as error:
        status, body = error.code, ""
    except (OSError, ValueError) as error:
        raise ProbeError(f"{where(url)} {_reason(error)}") from None
    if status not in accept:
        raise ProbeError(f"{where(url)} answers with HTTP {status}")
    return body


def postgres(url: str) -> str:
    """Whether a PostgreSQL server speaks at the address, without logging in."""
    folder = _socket_folder(url)
    connection = _connect_to_file(folder, url) if folder else _connect(*host_and_port(url))
    with closing(connection):
        try:
            connection.sendall(_SSL_REQUEST)
            said = connection.recv(1)
        except OSError as error:
            raise ProbeError(f"{where(url)} {_reason(error)}") from None
    if said not in (b"S", b"N"):
        raise ProbeError(f"{where(url)} does not speak as PostgreSQL does")
    return "answers"


def sqlite(path: Path) -> str:
    """Whether a SQLite file can be read."""
    import sqlite3

    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=SECONDS)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error as error:
        raise ProbeError(f"{path} cannot be read: {error}") from None
    return "can be read"


def free_space(path: Path) -> tuple[int, int]:
    """Free and total bytes of the disk that holds a folder, or the nearest one above that exists."""
    while not path.exists():
        path = path.parent
    usage = shutil.disk_usage(path)
    return usage.free, usage.total


def dagit_version(body: str) -> str:
    """The version in the web server's /server_info; raises ProbeError when another program answered."""
    try:
        return str(json.loads(body)["dagster_webserver_version"])
    except (ValueError, KeyError, TypeError):
        raise ProbeError("what answers there is not Dagit") from None


def host_and_port(url: str) -> tuple[str, int]:
    """Host and port of an address, the scheme's own port where it names none."""
    parts = urlsplit(url)
    return parts.hostname or "localhost", parts.port or _PORTS.get(parts.scheme.partition("+")[0], 443)


def where(url: str) -> str:
    """Host and port of an address in words; never its user or password."""
    host, port = host_and_port(url)
    return _socket_folder(url) or f"{host}:{port}"


def _socket_folder(url: str) -> str:
    """The folder of a PostgreSQL server's socket file, where an address names one (`?host=/run/postgresql`)."""
    host = parse_qs(urlsplit(url).query).get("host", [""])[0]
    return host if host.startswith("/") else ""


def _connect_to_file(folder: str, url: str) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(SECONDS)
    try:
        connection.connect(f"{folder}/.s.PGSQL.{host_and_port(url)[1]}")
    except OSError as error:
        connection.close()
        raise ProbeError(f"{folder} {_reason(error)}") from None
    return connection


def _connect(host: str, port: int) -> socket.socket:
    try:
        connection = socket.create_connection((host, port), SECONDS)
    except OSError as error:
        raise ProbeError(f"{host}:{port} {_reason(error)}") from None
    connection.settimeout(SECONDS)
    return connection


def _reason(error: Exception) -> str:
    cause = getattr(error, "reason", error)
    if isinstance(cause, TimeoutError):
        return f"does not answer within {SECONDS:.0f} s"
    if isinstance(cause, ConnectionRefusedError):
        return "refuses connections: nothing runs there"
    if isinstance(cause, socket.gaierror):
        return "is not known to the name service"
    return f"cannot be reached ({type(cause).__name__})"
