"""Objects as files under one folder: the embedded default, no server at all."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, NoReturn
from uuid import uuid4

from my_dagster_project.foundation.errors import ObjectMissingError, StorageError
from my_dagster_project.storage.object_store import TEMPORARY_PREFIX, ObjectInfo, ObjectStore, check_key


class FileStore:
    """An ObjectStore in a folder.

    A put is a temporary file beside the target and one rename, so a reader sees the old object or the new one.
    With fsync=True it also survives a power cut; off by default because on a laptop it costs milliseconds per file.
    """

    def __init__(self, root: Path, *, fsync: bool = False) -> None:
        self._root = root
        self._fsync = fsync

    def __repr__(self) -> str:
        return f"FileStore({self.url!r})"

    @cached_property  # Asked for with every object that is missing, which is how most manifests answer.
    def url(self) -> str:
        """The folder as a file:// address."""
        return self._root.as_uri()

    def put(self, key: str, data: bytes) -> None:
        """Write the object whole or not at all; a full disk is a StorageError and leaves nothing behind."""
        with self._whole(key, data) as temporary:
            temporary.replace(self._path(key))

    def put_new(self, key: str, data: bytes) -> bool:
        """Write the object unless there is one: a second name for a whole file, which the first one to give it gets."""
        with self._whole(key, data) as temporary:
            try:
                self._path(key).hardlink_to(temporary)
            except FileExistsError:
                return False
            return True

    def get(self, key: str) -> bytes:
        """Give the object's bytes; ObjectMissingError when there is none."""
        try:
            # No Path for each: parsing it takes longer than reading a manifest.
            with open(f"{self._root}/{check_key(key)}", "rb") as stream:  # noqa: PTH123
                return stream.read()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise ObjectMissingError(f"There is no object {key!r} in {self.url}") from None
        except OSError as error:
            self._refuse("read", key, error)

    def size(self, key: str) -> int | None:
        """Give the object's size in bytes, None when there is no such object."""
        try:
            status = self._path(key).stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            self._refuse("look for", key, error)
        return status.st_size if stat.S_ISREG(status.st_mode) else None

    def exists(self, key: str) -> bool:
        """Say whether there is an object under the key."""
        return self.size(key) is not None

    def list(self, prefix: str) -> list[ObjectInfo]:
        """Give every object whose key starts with the prefix, sorted by key."""
        folder = prefix.rpartition("/")[0]
        start = self._path(folder) if folder else self._root
        objects = (entry for entry in _files(start) if not entry.name.startswith(TEMPORARY_PREFIX))
        return sorted(info for entry in objects for info in self._info(entry) if info.key.startswith(prefix))

    def delete(self, key: str) -> None:
        """Remove the object; one that is not there is no error. Empty folders stay: a put may be about to use them."""
        try:
            self._path(key).unlink(missing_ok=True)
        except NotADirectoryError:
            return
        except OSError as error:
            self._refuse("delete", key, error)

    def copy_to(self, key: str, other_store: ObjectStore, other_key: str) -> None:
        """Copy an object to another store. Never a hard link: an edited copy would damage the original."""
        other_store.put(other_key, self.get(key))

    def unfinished(self, before: datetime, *, delete: bool = False) -> Sequence[ObjectInfo]:
        """The temporary files of writers that were killed; who is at work has a younger one."""
        found: list[ObjectInfo] = []
        for entry in _files(self._root):
            try:
                if entry.name.startswith(TEMPORARY_PREFIX) and entry.stat().st_mtime < before.timestamp():
                    found += self._info(entry)
                    if delete:
                        Path(entry.path).unlink()
            except FileNotFoundError:
                continue  # its writer has finished meanwhile
            except OSError as error:
                self._refuse("delete", entry.name, error)
        return sorted(found)

    def _path(self, key: str) -> Path:
        return self._root / check_key(key)

    @contextmanager
    def _whole(self, key: str, data: bytes) -> Iterator[Path]:
        """A temporary file with these bytes beside the object; it is gone afterwards. Turns errors of the disk into ours."""
        temporary = self._path(key).with_name(f"{TEMPORARY_PREFIX}{uuid4().hex}")
        try:
            self._write(temporary, data)
            yield temporary
        except OSError as error:
            self._refuse("write", key, error)
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)

    def _write(self, path: Path, data: bytes) -> None:
        with self._new(path) as stream:
            stream.write(data)
            if self._fsync:
                stream.flush()
                os.fsync(stream.fileno())

    def _new(self, path: Path) -> BinaryIO:
        try:
            return path.open("xb")
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            return path.open("xb")

    def _info(self, entry: os.DirEntry[str]) -> Iterator[ObjectInfo]:
        try:
            yield ObjectInfo(Path(entry.path).relative_to(self._root).as_posix(), entry.stat().st_size)
        except FileNotFoundError:
            return  # deleted since the folder was read

    def _refuse(self, action: str, key: str, error: OSError) -> NoReturn:
        reason = error.strerror or str(error)
        if error.errno == errno.ENOSPC:
            reason = "the disk is full; free some space and run again"
        raise StorageError(f"Could not {action} {key!r} in {self.url}: {reason}") from error


def _files(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Every file under a folder, those without a name of their own yet among them."""
    try:
        entries = list(os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _files(folder / entry.name)
        else:
            yield entry
