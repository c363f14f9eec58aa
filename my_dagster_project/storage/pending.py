"""Versions whose bytes are safe but whose pointer is not committed yet: what a crash between the two leaves to do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from uuid import uuid4

from my_dagster_project.foundation.errors import ObjectMissingError, StorageError
from my_dagster_project.storage.content import Content, each
from my_dagster_project.storage.object_store import ObjectStore

_ROOT = ".versions/pending"


@dataclass(frozen=True)
class Pending:
    """One write that waits for its commit.

    `replace` is AssetStore.write's; `created_at` is UTC; `record` is what the caller wants to find in the commit.
    """

    asset: tuple[str, ...]
    files: Mapping[str, Content]
    replace: bool
    record: Mapping[str, str]
    created_at: datetime
    key: str = ""


class PendingVersions:
    """The pending versions of one store, by owner (the first part of the asset's key)."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def note(self, pending: Pending) -> None:
        """Leave a record; keys sort by time, so that the last write of an asset is also the last applied."""
        body = {**asdict(pending), "created_at": pending.created_at.isoformat()}
        del body["key"]
        moment = pending.created_at.strftime("%Y%m%dT%H%M%S%fZ")
        self._store.put(f"{_ROOT}/{pending.asset[0]}/{moment}-{uuid4().hex}.json", json.dumps(body).encode())

    def owners(self) -> list[str]:
        """Give the sorted owners that have anything pending."""
        return sorted(
            {info.key.removeprefix(f"{_ROOT}/").split("/")[0] for info in self._store.list(f"{_ROOT}/")}
        )

    def of(self, owner: str) -> list[Pending]:
        """Give an owner's records, oldest first, leaving out those another process settled meanwhile.

        Listing twice matters: records are settled oldest first, so if a newer one vanished before the first listing
        saw it, the older ones are gone from the second. An old version can thus never overwrite a newer one.
        """
        found = [record for record in each(self._read, self._keys(owner)) if record]
        still = set(self._keys(owner))
        return [record for record in found if record.key in still]

    def settle(self, records: list[Pending]) -> None:
        """Delete committed records, oldest first and one by one (see `of`)."""
        for record in sorted(records, key=lambda record: record.key):
            self._store.delete(record.key)

    def _keys(self, owner: str) -> list[str]:
        return [info.key for info in self._store.list(f"{_ROOT}/{owner}/")]

    def _read(self, key: str) -> Pending | None:
        try:
            return replace(_parse(self._store.get(key)), key=key)
        except ObjectMissingError:
            return None
        except (ValueError, KeyError, TypeError):
            raise StorageError(
                f"{key} in {self._store.url} is damaged; delete it and materialize again."
            ) from None


def now() -> datetime:
    """Give the present moment, UTC."""
    return datetime.now(UTC)


def _parse(body: bytes) -> Pending:
    document = json.loads(body)
    return Pending(
        asset=tuple(document["asset"]),
        files={name: Content(**file) for name, file in document["files"].items()},
        replace=document["replace"],
        record=document["record"],
        created_at=datetime.fromisoformat(document["created_at"]),
    )
