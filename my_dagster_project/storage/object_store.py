"""One small interface over a folder (`file://`) and an S3 bucket (`s3://`): whole objects under readable keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from my_dagster_project.foundation.errors import StorageError

TEMPORARY_PREFIX = ".tmp-"


@dataclass(frozen=True, order=True)
class ObjectInfo:
    """One line of a listing: the key inside the store, the size in bytes, and of most objects on S3 the MD5 of its bytes."""

    key: str
    size: int
    md5: str = field(default="", compare=False)


class ObjectStore(Protocol):
    """Whole objects by key. Every method raises StorageError when the store cannot do its work."""

    @property
    def url(self) -> str:
        """The address people know the store by; never holds a secret."""

    def put(self, key: str, data: bytes) -> None:
        """Write the object whole or not at all, replacing what was there."""

    def put_new(self, key: str, data: bytes) -> bool:
        """Write the object whole unless there is one under the key; False when there is, and of several at once for all but one.

        `data` has to be the writer's own: found again after an answer that was lost on its way, it is taken for what this wrote.
        """

    def get(self, key: str) -> bytes:
        """Give the object's bytes; ObjectMissingError when there is none."""

    def size(self, key: str) -> int | None:
        """Give the object's size in bytes, None when there is no such object."""

    def exists(self, key: str) -> bool:
        """Say whether there is an object under the key."""

    def list(self, prefix: str) -> list[ObjectInfo]:
        """Give every object whose key starts with the prefix (a plain string prefix), sorted by key."""

    def delete(self, key: str) -> None:
        """Remove the object; one that is not there is no error."""

    def copy_to(self, key: str, other_store: ObjectStore, other_key: str) -> None:
        """Copy an object to another store, by the server itself where it can; ObjectMissingError as in get."""

    def unfinished(self, before: datetime, *, delete: bool = False) -> Sequence[ObjectInfo]:
        """What puts that were killed have left, last written before this moment (UTC), and with `delete` remove it.

        Never an object: its names are refused as keys, and no listing has them.
        """


def check_key(key: str) -> str:
    """Give the key back if it is a plain relative path; StorageError if it could leave the store's root."""
    for part in key.split("/"):
        if part in ("", ".", "..") or part.startswith(TEMPORARY_PREFIX) or not _is_plain(part):
            raise StorageError(
                f"{key!r} is not an object key: it must be a relative path like red/AAPL/model.onnx"
            )
    return key


def _is_plain(part: str) -> bool:
    return "\\" not in part and part.isprintable()
