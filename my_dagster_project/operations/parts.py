"""What a backup is made of: folders, object stores, git repositories. Each knows how to give itself and take itself back."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Protocol

from my_dagster_project.foundation.errors import ObjectMissingError
from my_dagster_project.operations.archive import BackupError, Writer
from my_dagster_project.storage.content import each
from my_dagster_project.storage.object_store import TEMPORARY_PREFIX, ObjectStore

_SQLITE = b"SQLite format 3\x00"
# Belong to an open SQLite file, whose copy by SQLite's own backup needs none.
_BESIDE_SQLITE = ("-wal", "-shm", "-journal")
# Objects read side by side before they are written; a model has 20 MB.
_AHEAD = 64


class Part(Protocol):
    """One part under its name."""

    @property
    def name(self) -> str:
        """The first part of its members' names."""

    def save(self, archive: Writer) -> None:
        """Add everything to the archive, while others may go on working."""

    def occupied(self) -> str:
        """Say what is there already and would be lost by a restore; '' when nothing is."""

    def clear(self, keep: set[str]) -> None:
        """Remove everything but these keys, so that what is there is exactly the backup."""

    def put(self, key: str, content: IO[bytes], *, force: bool) -> None:
        """Bring one member back; without `force` nothing that is there may be lost."""


@dataclass(frozen=True)
class Folder:
    """Every file below a folder; SQLite files as one consistent state each, whoever is writing."""

    name: str
    path: Path
    without: frozenset[Path] = frozenset()
    """Files that are none of it, such as the backup that is just being written."""

    def save(self, archive: Writer) -> None:
        """Add the files; one that vanishes meanwhile (a lock, a temporary file) is left out."""
        for file in self._files():
            try:
                if _is_sqlite(file):
                    with TemporaryDirectory() as folder, _snapshot(file, Path(folder)).open("rb") as content:
                        archive.add(self._name(file), content)
                else:
                    with file.open("rb") as content:
                        archive.add(self._name(file), content)
            except FileNotFoundError:
                continue

    def occupied(self) -> str:
        """Name the first file that is there."""
        first = next(self._files(), None)
        return f"{first} is there" if first else ""

    def clear(self, keep: set[str]) -> None:
        """Remove the other files; what belongs to a SQLite file that was replaced goes in any case."""
        for folder, _, names in os.walk(self.path):
            for name in names:
                file = Path(folder, name)
                if file not in self.without and file.relative_to(self.path).as_posix() not in keep:
                    file.unlink(missing_ok=True)

    def put(self, key: str, content: IO[bytes], *, force: bool) -> None:
        """Write the file beside its place and move it there."""
        target = self.path / key
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f"{TEMPORARY_PREFIX}{target.name}")
        with temporary.open("wb") as out:
            shutil.copyfileobj(content, out)
        temporary.replace(target)

    def _name(self, file: Path) -> str:
        return f"{self.name}/{file.relative_to(self.path).as_posix()}"

    def _files(self) -> Iterator[Path]:
        for folder, folders, names in os.walk(self.path):
            folders.sort()
            for name in sorted(names):
                file = Path(folder, name)
                skipped = name.startswith(TEMPORARY_PREFIX) or name.endswith(_BESIDE_SQLITE)
                if not skipped and file.is_file() and not file.is_symlink() and file not in self.without:
                    yield file


@dataclass(frozen=True)
class Objects:
    """Every object of a store: a bucket's prefix on any S3 server, or a folder."""

    name: str
    store: ObjectStore = field(repr=False)

    def save(self, archive: Writer) -> None:
        """Add the objects; one that is collected meanwhile is left out."""
        keys = [one.key for one in self.store.list("")]
        for start in range(0, len(keys), _AHEAD):
            some = keys[start : start + _AHEAD]
            for key, content in zip(some, each(self._read, some), strict=True):
                if content is not None:
                    archive.add(f"{self.name}/{key}", content)

    def occupied(self) -> str:
        """Count the objects that are there."""
        there = len(self.store.list(""))
        return f"{self.store.url} holds {there} objects" if there else ""

    def clear(self, keep: set[str]) -> None:
        """Delete the other objects."""
        for one in self.store.list(""):
            if one.key not in keep:
                self.store.delete(one.key)

    def put(self, key: str, content: IO[bytes], *, force: bool) -> None:
        """Write the object in one go."""
        self.store.put(key, content.read())

    def _read(self, key: str) -> bytes | None:
        try:
            return self.store.get(key)
        except ObjectMissingError:
            return None


def named_folder(text: str) -> Folder:
    """`broker=/var/lib/broker` as a folder; raises BackupError for anything else."""
    name, path = split_name(text)
    return Folder(name, Path(path))


def split_name(text: str) -> tuple[str, str]:
    """`name=address` in two."""
    name, _, address = text.partition("=")
    if not name.isidentifier() or not address:
        raise BackupError(f"{text!r}: write name=address, like broker=/var/lib/broker")
    return name, address


def _is_sqlite(file: Path) -> bool:
    with file.open("rb") as content:
        return content.read(len(_SQLITE)) == _SQLITE


def _snapshot(file: Path, folder: Path) -> Path:
    copy = folder / "snapshot.sqlite"
    # Read only: opening it for writing would make -wal and -shm files of our uid beside somebody's database.
    with (
        closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, timeout=30)) as source,
        closing(sqlite3.connect(copy)) as target,
    ):
        source.backup(target)
    return copy
