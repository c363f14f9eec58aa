"""Which files an asset consists of right now: the one thing readers believe.

A whole asset (a model) is ONE object, `whole.json`, holding every file's md5: replacing it is the atomic switch. A file
added later (a session's partition) is one entry object of its own, so two processes adding different sessions share
nothing and neither can lose the other's. Entries belong to the generation of `whole.json` they were added to: the next
whole leaves them behind in the same single switch.

    .manifests/red/AAPL/model/whole.json                        {"generation": "...", "files": {...}}
    .manifests/red/AAPL/predictions/added/first/2013-01-02.parquet.json    {"md5": "...", "size": 123}
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from uuid import uuid4

from my_dagster_project.foundation.errors import ObjectMissingError, StorageError
from my_dagster_project.storage.content import Content, each
from my_dagster_project.storage.kept import Kept
from my_dagster_project.storage.object_store import ObjectInfo, ObjectStore

_FIRST = "first"
_SUFFIX = ".json"
_ATTEMPTS = 5

Asset = tuple[str, ...]


@dataclass(frozen=True)
class _Whole:
    """The content of `whole.json`; an asset that was never written whole has none, and is the first generation."""

    generation: str = _FIRST
    files: Mapping[str, Content] = field(default_factory=dict)


class Manifests:
    """The manifests of all assets of one store."""

    def __init__(self, store: ObjectStore, kept: Kept) -> None:
        self._store, self._kept = store, kept

    def files(self, asset: Asset) -> dict[str, Content]:
        """Give the asset's files as they are at one moment, sorted by name; empty if there is no such asset."""
        for _ in range(_ATTEMPTS):
            whole, added = self._look(asset)
            # An entry can vanish under us only because a whole was written meanwhile: look again.
            with suppress(ObjectMissingError):
                contents = each(self._entry, added.values())
                return dict(sorted({**whole.files, **dict(zip(added, contents, strict=True))}.items()))
        raise _replaced_all_the_time(asset, self._store)

    def assets(self, owner: str) -> set[Asset]:
        """Give every asset of an owner that was ever written: one listing."""
        keys = [info.key for info in self._store.list(f"{_root((owner,))}/")]
        roots = {key.partition("/added/")[0].removesuffix("/whole.json") for key in keys}
        return {tuple(root.split("/")[1:]) for root in roots}

    def names(self, asset: Asset) -> list[str]:
        """Give the sorted names of the asset's files: one listing, and one small object if it was written whole."""
        whole, added = self._look(asset)
        return sorted({*whole.files, *added})

    def added(self, asset: Asset) -> list[str]:
        """Give the sorted names of the files that were added to the whole: one listing."""
        return sorted(self._look(asset)[1])

    def file(self, asset: Asset, name: str) -> Content | None:
        """Give one file's content without listing anything; None if the asset has no such file."""
        whole = self._whole(asset)
        key = _added_key(asset, whole.generation, name)
        try:
            return _content(key, self._store.get(key))
        except ObjectMissingError:
            return whole.files.get(name)

    def some(self, asset: Asset, names: Collection[str]) -> dict[str, Content]:
        """Give those of some files that the asset has, as they are at one moment."""
        for _ in range(_ATTEMPTS):
            whole, added = self._look(asset)
            wanted = [name for name in names if name in added]
            with suppress(ObjectMissingError):  # As above.
                contents = each(self._entry, [added[name] for name in wanted])
                return {
                    **{name: whole.files[name] for name in names if name in whole.files},
                    **dict(zip(wanted, contents, strict=True)),
                }
        raise _replaced_all_the_time(asset, self._store)

    def replace(self, asset: Asset, files: Mapping[str, Content]) -> None:
        """Make the asset exactly these files, in one atomic step."""
        body = {
            "generation": uuid4().hex,
            "files": {name: asdict(content) for name, content in files.items()},
        }
        self._store.put(_whole_key(asset), _json(body))

    def add(self, asset: Asset, files: Mapping[str, Content]) -> None:
        """Add or update single files, each in one atomic step."""
        generation = self._whole(asset).generation
        each(
            lambda name: self._store.put(_added_key(asset, generation, name), _json(asdict(files[name]))),
            files,
        )

    def sweep(self, asset: Asset) -> None:
        """Delete the entries that a newer whole has left behind."""
        live = _added_key(asset, self._whole(asset).generation, "").removesuffix(_SUFFIX)
        keys = [info.key for info in self._store.list(_added_root(asset))]
        each(self._store.delete, [key for key in keys if not key.startswith(live)])

    def _look(self, asset: Asset) -> tuple[_Whole, dict[str, ObjectInfo]]:
        """Give the whole and the entries of its generation, by the names of their files.

        Listing first makes it one moment: a whole switched in after the listing has no entries to miss yet.
        """
        there = {info.key: info for info in self._store.list(f"{_root(asset)}/")}
        listed = there.get(_whole_key(asset))
        whole = self._whole(asset, listed) if listed else _Whole()
        start = _added_key(asset, whole.generation, "").removesuffix(_SUFFIX)
        return whole, {
            key.removeprefix(start).removesuffix(_SUFFIX): info
            for key, info in there.items()
            if key.startswith(start)
        }

    def _entry(self, listed: ObjectInfo) -> Content:
        return _content(listed.key, self._body(listed))

    def _body(self, listed: ObjectInfo) -> bytes:
        """What was listed: kept, or as it is now."""
        body = self._kept.get(listed.md5)
        if body is None:
            body = self._store.get(listed.key)
            self._kept.put(body)
        return body

    def _whole(self, asset: Asset, listed: ObjectInfo | None = None) -> _Whole:
        key = _whole_key(asset)
        try:
            body = self._body(listed) if listed else self._store.get(key)
        except ObjectMissingError:
            return _Whole()
        with _readable(key):
            return _whole_of(body)


@lru_cache(
    maxsize=64
)  # A table's sessions are read one by one, and each asks this of the same hundreds of files.
def _whole_of(body: bytes) -> _Whole:
    document = json.loads(body)
    files = {name: Content(**file) for name, file in document["files"].items()}
    return _Whole(document["generation"], files)


def _replaced_all_the_time(asset: Asset, store: ObjectStore) -> StorageError:
    return StorageError(f"{'/'.join(asset)} in {store.url} is being replaced all the time; try again.")


def _root(asset: Asset) -> str:
    return "/".join((".manifests", *asset))


def _whole_key(asset: Asset) -> str:
    return f"{_root(asset)}/whole.json"


def _added_root(asset: Asset) -> str:
    return f"{_root(asset)}/added/"


def _added_key(asset: Asset, generation: str, name: str) -> str:
    return f"{_added_root(asset)}{generation}/{name}{_SUFFIX}"


def _json(document: object) -> bytes:
    return json.dumps(document, sort_keys=True).encode()


def _content(key: str, body: bytes) -> Content:
    with _readable(key):
        return Content(**json.loads(body))


@contextmanager
def _readable(key: str) -> Iterator[None]:
    try:
        yield
    except (ValueError, KeyError, TypeError, AttributeError):
        raise StorageError(f"The manifest {key} is damaged; materialize the asset again.") from None
