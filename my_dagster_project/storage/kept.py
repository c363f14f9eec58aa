"""Bytes that were read or written here before, by their MD5, in a folder of this host: what an S3 server need not send again.

A session's run reads what is stored of all sessions before it: of 4 symbols 650 requests, half of what the run took and
nearly all that the server did. What is found is what was asked for, for it is looked up by its content; a listing tells the MD5
of most objects as their ETag, and where it tells something else nothing is found.
"""

import random
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from my_dagster_project.storage.dvc_format import md5_of

_MOST_BYTES = 1_000_000
"""Of one content: sessions and manifests are far smaller, and a model is read once a run."""
_MOST_IN_ALL = 256_000_000
_LOOKED_AFTER = 1 / 500


class Kept:
    """Contents in a folder, or with None nowhere. Safe to share between threads and processes; the oldest are forgotten."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def get(self, md5: str) -> bytes | None:
        """The bytes of an MD5, None where they are not here."""
        if self._folder is None or not md5.isalnum():
            return None
        with suppress(OSError):
            data = (self._folder / md5[:2] / md5).read_bytes()
            return data if md5_of(data) == md5 else None
        return None

    def put(self, data: bytes) -> None:
        """Keep the bytes, where there is room for them."""
        if self._folder is None or len(data) > _MOST_BYTES:
            return
        md5 = md5_of(data)
        file = self._folder / md5[:2] / md5
        with suppress(OSError):  # A full disk is no reason to fail.
            if file.exists() and file.stat().st_size == len(data):
                return
            file.parent.mkdir(parents=True, exist_ok=True)
            new = file.with_suffix(f".{uuid4().hex}")
            new.write_bytes(data)
            new.replace(file)
            if random.random() < _LOOKED_AFTER:  # noqa: S311 - how often, no secret
                self._forget_oldest()

    def _forget_oldest(self) -> None:
        assert self._folder is not None  # noqa: S101 - something was put there
        files = [(file, file.stat()) for file in self._folder.glob("*/*")]
        room = _MOST_IN_ALL
        for file, about in sorted(files, key=lambda one: one[1].st_mtime, reverse=True):
            room -= about.st_size
            if room < 0:
                file.unlink(missing_ok=True)
