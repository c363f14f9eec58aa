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
_SQLITE = "sqlite:///"
_PLAIN = re.compile(r"[\w./+=,@~ -]*")
# Where what a scheme needs is not a host.
_WITHOUT_HOST = ("file", "sqlite", "mlflow-artifacts")


def address(environ: Mapping[str, str], name: str, schemes: tuple[str, ...], like: str) -> str:
    """The address a variable holds, '' when it is not set; raises ConfigError, in one line, when it is none."""
    text = environ.get(name) or ""
    if text and not _is_address(text, schemes):
        # What is wrong with it may be where a password stands.
        shown = repr(text) if "@" not in text else "not one"
        raise ConfigError(f"{name} is {shown}; it is an address like {like}")
    return text


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


def _is_address(text: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(text)
        _ = parts.port  # Raises for one that is no number.
    except ValueError:
        return False
    if parts.scheme.partition("+")[0] not in schemes or any(map(str.isspace, text)):
        return False
    return bool(parts.hostname) or (parts.scheme in _WITHOUT_HOST and parts.path.startswith("/"))
