"""A backup file: a plain tar of everything, and at its end a manifest with the SHA-256 of every member.

Written and read as a stream, because in the stack it goes through a pipe to the host. The manifest comes last: a file
that was cut short has none, and one that was damaged does not fit it.
"""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from tempfile import SpooledTemporaryFile
from typing import IO, BinaryIO

from my_dagster_project.foundation.errors import TradingError

MANIFEST = "manifest.json"
_FORMAT = 1
_IN_MEMORY = 32 * 1024 * 1024
_BLOCK = 1024 * 1024


class BackupError(TradingError):
    """A backup cannot be made, read or restored; nothing was changed unless the text says so."""


@dataclass(frozen=True)
class Manifest:
    """What a backup holds: `made` is UTC, `members` is SHA-256 (hex) and size in bytes by name."""

    made: datetime
    members: Mapping[str, tuple[str, int]]

    @property
    def parts(self) -> list[str]:
        """The first part of the members' names, in order."""
        return list(dict.fromkeys(name.partition("/")[0] for name in self.members))

    @property
    def size(self) -> int:
        """Bytes of all members together."""
        return sum(size for _, size in self.members.values())


class Writer:
    """Adds members one after the other; `close` adds the manifest, without which the file is no backup."""

    def __init__(self, out: BinaryIO) -> None:
        self._tar = tarfile.TarFile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT)
        self._members: dict[str, tuple[str, int]] = {}
        self._made = datetime.now(UTC)

    def add(self, name: str, content: bytes | IO[bytes]) -> None:
        """Add one member; a file is read from where it stands to its end."""
        with SpooledTemporaryFile(_IN_MEMORY) as copy:
            source = io.BytesIO(content) if isinstance(content, bytes) else content
            digest = _copy(source, copy)
            size = copy.tell()
            copy.seek(0)
            self._put(name, size, copy)
        self._members[name] = digest, size

    def close(self) -> Manifest:
        """End the file and say what it holds."""
        manifest = Manifest(self._made, self._members)
        text = json.dumps(
            {"format": _FORMAT, "made": self._made.isoformat(), "members": self._members}
        ).encode()
        self._put(MANIFEST, len(text), io.BytesIO(text))
        self._tar.close()
        return manifest

    def _put(self, name: str, size: int, content: IO[bytes]) -> None:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode, entry.mtime = size, 0o600, int(self._made.timestamp())
        self._tar.addfile(entry, content)


class Reader:
    """The members of a backup in order; after the last one `manifest` is there, and everything has proved to be whole."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self.manifest: Manifest | None = None

    def __iter__(self) -> Iterator[tuple[str, IO[bytes]]]:
        """Give name and content of each member; raises BackupError where the file turns out to be damaged."""
        found: dict[str, tuple[str, int]] = {}
        try:
            with tarfile.open(fileobj=self._source, mode="r|") as tar:
                for entry in tar:
                    with SpooledTemporaryFile(_IN_MEMORY) as content:
                        found[entry.name] = _copy(_opened(tar, entry), content), content.tell()
                        content.seek(0)
                        if entry.name == MANIFEST:
                            self.manifest = _parsed(content.read())
                        else:
                            yield entry.name, content
        except (tarfile.TarError, EOFError, OSError) as error:
            raise BackupError(f"the backup is damaged or cut short ({type(error).__name__})") from None
        self._compare({name: known for name, known in found.items() if name != MANIFEST})

    def _compare(self, found: Mapping[str, tuple[str, int]]) -> None:
        if self.manifest is None:
            raise BackupError("the backup is cut short: it has no manifest at its end")
        expected = self.manifest.members
        for name in sorted(expected.keys() | found.keys()):
            if name not in found:
                raise BackupError(f"the backup is damaged: {name} is missing")
            if found[name] != expected.get(name):
                raise BackupError(f"the backup is damaged: {name} is not what was put in")


def check(source: BinaryIO) -> Manifest:
    """Read a backup to its end and say what it holds; raises BackupError unless every byte is as it was written."""
    reader = Reader(source)
    for _ in reader:
        pass
    if reader.manifest is None:
        raise BackupError("the backup is cut short: it has no manifest at its end")
    return reader.manifest


def _opened(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> IO[bytes]:
    parts = entry.name.split("/")
    content = tar.extractfile(entry) if entry.isreg() else None
    if content is None or "" in parts or ".." in parts or "." in parts:
        raise BackupError(f"this is no backup of ours: it holds {entry.name!r}")
    return content


def _parsed(text: bytes) -> Manifest:
    try:
        told = json.loads(text)
        if told["format"] != _FORMAT:
            raise BackupError(f"the backup has format {told['format']}, this release reads {_FORMAT}")
        members = {name: (str(digest), int(size)) for name, (digest, size) in told["members"].items()}
        return Manifest(datetime.fromisoformat(told["made"]), members)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BackupError("the backup is damaged: its manifest cannot be read") from None


def _copy(source: IO[bytes], target: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while block := source.read(_BLOCK):
        digest.update(block)
        target.write(block)
    return digest.hexdigest()
