"""Addresses: those that people set are checked where they are read, those made of paths are quoted.

A folder may be named `50%2Fyear?`: pasted into an address it led to another folder, or a database outside the project.
"""

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from tempfile import gettempdir
from urllib.parse import unquote, urlsplit

from my_dagster_project.foundation.errors import ConfigError

WEB = ("http", "https")
_WEBSITE = (WEB, "https://trading.example.org")
_S3 = (WEB, "http://localhost:9000")
_STORE = (("file", "s3"), "s3://bucket/prefix or file:///absolute/folder")
ADDRESSES: Mapping[str, tuple[tuple[str, ...], str]] = {
    "AWS_ENDPOINT_URL": _S3,
    "AWS_ENDPOINT_URL_S3": _S3,
    "MLFLOW_TRACKING_URI": (
        (*WEB, "sqlite", "postgresql"),
        "http://localhost:5000 or sqlite:////absolute/file.db",
    ),
    "TRADING_BROKER_URL": (WEB, "https://paper-api.alpaca.markets"),
    "TRADING_DAGIT_LINK": _WEBSITE,
    "TRADING_DAGIT_URL": (WEB, "http://127.0.0.1:3000"),
    "TRADING_DVC_URL": _STORE,
    "TRADING_EVIDENTLY_LINK": _WEBSITE,
    "TRADING_FRONT_URL": _WEBSITE,
    "TRADING_MLFLOW_ARTIFACTS": (
        ("file", "s3", "mlflow-artifacts"),
        "s3://bucket/prefix, file:///absolute/folder or mlflow-artifacts:/",
    ),
    "TRADING_MLFLOW_BUCKET": (("s3",), "s3://mlflow"),
    "TRADING_MLFLOW_LINK": _WEBSITE,
    "TRADING_PAPER_BROKER": (WEB, "http://broker:8030"),
    "TRADING_REDIS_URL": (("redis", "rediss"), "redis://127.0.0.1:6379/0"),
    "TRADING_S3_ENDPOINT": _S3,
    "TRADING_STORE_URL": _STORE,
}
"""The settings that are addresses: the schemes each may have, and one that is right. (`git_address`, `host_name` and
`folder` check the other places that people set.)"""

_SQLITE = "sqlite:///"
# What git takes besides an address with a scheme: a remote's name, a folder, user@host:path. Without the user a forgotten
# http:// (`host:8418/teams.git`) would be an attempt at ssh; a leading - would be an option.
_GIT = re.compile(r"\w[\w.-]*|\.{0,2}/.*|[\w.-]+@[\w.-]+:.+")
_HOST = re.compile(
    r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9])?|\[?[0-9a-fA-F]*:[0-9a-fA-F]*:[0-9a-fA-F:.]*\]?"
)
_PLAIN = re.compile(r"[\w./+=,@~ -]*")
# Where what a scheme needs is not a host.
_WITHOUT_HOST = ("sqlite", "mlflow-artifacts")


def address(environ: Mapping[str, str], name: str) -> str:
    """The address that one of ADDRESSES holds, '' when it is not set; raises ConfigError, in one line, when it is none."""
    schemes, like = ADDRESSES[name]
    text = environ.get(name) or ""
    if text and not is_address(text, schemes):
        raise _no_address(name, text, like)
    return text


def git_address(environ: Mapping[str, str], name: str = "TRADING_GIT_REMOTE") -> str:
    """The git remote that a variable names, '' when it is not set; raises ConfigError when git would not take it for one."""
    text = environ.get(name) or ""
    if text and not (is_address(text, (*WEB, "ssh", "git", "file")) or _GIT.fullmatch(text)):
        raise _no_address(name, text, "https://git.example.org/school/trading.git")
    return text


def host_name(environ: Mapping[str, str], name: str) -> str:
    """The host that a variable names, '' when it is not set; raises ConfigError when it says more than that."""
    text = environ.get(name) or ""
    if text and not _HOST.fullmatch(text):
        raise ConfigError(
            f"{name} is {text!r}; it is a host's name or address alone, like trading.example.org"
        )
    return text


def folder(environ: Mapping[str, str], name: str) -> Path | None:
    """The folder, absolute, that a variable names, None when it is not set; raises ConfigError when none can be there."""
    text = environ.get(name) or ""
    if not text:
        return None
    found = Path(text).absolute()
    there = next(path for path in (found, *found.parents) if os.path.lexists(path))
    if not there.is_dir():
        raise ConfigError(f"{name} is {text!r}; {there} is no folder")
    if there != found and not os.access(there, os.W_OK):
        raise ConfigError(f"{name} is {text!r}, which is not there; this user may make nothing in {there}")
    return found


def alias_of(folder: Path) -> Path:
    """The folder by a name that libraries can paste: itself, or a link to it that `make_alias` makes.

    Dagster pastes its home into SQLite addresses and into a pattern of files (in `a[1]` it found no dagster.yaml, and kept its
    own books elsewhere), MLflow makes a folder of what it is given quoted.
    """
    if _PLAIN.fullmatch(str(folder)):
        return folder
    return Path(gettempdir()) / f"trading-{os.getuid()}-{sha256(bytes(folder)).hexdigest()[:16]}"


def make_alias(folder: Path) -> None:
    """Make the link, where one is needed; raises ConfigError when something else has its name."""
    alias = alias_of(folder)
    if alias == folder:
        return
    with suppress(FileExistsError):
        alias.symlink_to(folder)
    if not alias.is_symlink() or alias.readlink() != folder or alias.lstat().st_uid != os.getuid():
        raise ConfigError(f"{alias} is in the way of a link to {folder}; remove it")


def sqlite_address(file: Path) -> str:
    """A database file as SQLAlchemy and MLflow take it."""
    return f"{_SQLITE}{file}"


def sqlite_file(uri: str) -> Path:
    """The database file of such an address."""
    return Path(unquote(uri.removeprefix(_SQLITE).partition("?")[0]))


def folder_of(url: str) -> Path | None:
    """The folder of a file:// address, None for another one."""
    parts = urlsplit(url)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def is_address(text: str, schemes: tuple[str, ...]) -> bool:
    """Whether a text is an address with one of these schemes, and with what the scheme needs."""
    try:
        parts = urlsplit(text)
        _ = parts.port  # Raises for one that is no number.
    except ValueError:
        return False
    if parts.scheme.partition("+")[0] not in schemes or any(map(str.isspace, text)):
        return False
    if parts.scheme == "file":
        # file://home/me is the folder /me of the host `home`.
        return not parts.netloc and parts.path.startswith("/")
    return bool(parts.hostname) or (parts.scheme in _WITHOUT_HOST and parts.path.startswith("/"))


def _no_address(name: str, text: str, like: str) -> ConfigError:
    # What is wrong with it may be where a password stands.
    shown = repr(text) if "@" not in text else "not one"
    return ConfigError(f"{name} is {shown}; it is an address like {like}")
