"""Content-addressed bytes in the DVC remote's own layout: written once, never changed, shared by every version."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from my_dagster_project.foundation.errors import StorageError, VersioningError
from my_dagster_project.storage.dvc_format import md5_of, object_key
from my_dagster_project.storage.object_store import ObjectStore

_THREADS = 8


@dataclass(frozen=True)
class Content:
    """Which bytes: their hex md5 and how many there are."""

    md5: str
    size: int


def content_of(data: bytes) -> Content:
    """Give the content these bytes are."""
    return Content(md5_of(data), len(data))


class ContentStore:
    """The DVC remote seen as md5 -> bytes."""

    def __init__(self, remote: ObjectStore) -> None:
        self.remote = remote

    def put(self, md5: str, data: bytes) -> None:
        """Store bytes under their md5 unless they are there already, whole."""
        key = object_key(md5)
        # The size is asked, not mere existence: a power cut can leave an empty file where fsync is off.
        if self.remote.size(key) != len(data):
            self.remote.put(key, data)

    def get(self, md5: str, most: int | None = None) -> bytes:
        """Give the bytes of an md5 (`.dir` allowed), verified; StorageError when they are missing or damaged.

        VersioningError when they are more than `most`: a pointer of a team may name whatever somebody pushed there.
        """
        if most is not None and (size := self.size(md5)) > most:
            raise VersioningError(
                f"{object_key(md5)} in {self.remote.url} is {size:,} bytes, too large for what it should be."
            )
        data = self.remote.get(object_key(md5))
        if md5_of(data) != md5.removesuffix(".dir"):
            raise StorageError(
                f"{object_key(md5)} in {self.remote.url} is damaged; delete it and materialize again."
            )
        return data

    def size(self, md5: str) -> int:
        """Give how many bytes an md5 has, 0 if it is not there."""
        return self.remote.size(object_key(md5)) or 0

    def copy_out(self, content: Content, store: ObjectStore, key: str) -> None:
        """Give the content a readable name in a store."""
        self.remote.copy_to(object_key(content.md5), store, key)


def each[Item, Result](function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Apply an I/O function to every item, some at a time, keeping the order; the first error is raised."""
    work = list(items)
    if len(work) < 2:
        return [function(item) for item in work]
    with ThreadPoolExecutor(min(_THREADS, len(work))) as threads:
        return list(threads.map(function, work))
