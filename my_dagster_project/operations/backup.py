"""Everything that cannot be computed again, in one file, and back. Addresses come from the settings.

Branches first, objects last: a version's bytes are stored before its pointer is committed, so whatever a saved branch
points to is among the objects saved after it, and the platform may go on working meanwhile.
"""

import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from my_dagster_project.foundation.addresses import folder_of
from my_dagster_project.foundation.settings import Settings
from my_dagster_project.operations.archive import BackupError, Manifest, Reader, Writer
from my_dagster_project.operations.parts import Folder, Objects, Part
from my_dagster_project.operations.repository_part import Repository
from my_dagster_project.storage.opening import open_store

# Dumps that pg_dump made, for pg_restore: the stack's scripts take them from and to the database server.
DATABASES = "databases"


def parts_of(settings: Settings, without: Sequence[Path] = ()) -> list[Part]:
    """The parts of this deployment: its repository, its home folder, and object stores that lie elsewhere."""
    parts: list[Part] = []
    if (settings.project / ".git").exists():
        parts.append(Repository("project", settings.project))
    parts.append(Folder("home", settings.home, frozenset(path.resolve() for path in without)))
    for name, url in (("store", settings.store_url), ("dvc", settings.dvc_url)):
        if not _inside(url, settings.home):
            parts.append(Objects(name, open_store(url, settings.s3)))
    return parts


def back_up(parts: Sequence[Part], out: BinaryIO, databases: BinaryIO | None = None) -> Manifest:
    """Write a backup of the parts, and of a tar of database dumps if one is given; says what it holds."""
    archive = Writer(out)
    if databases is not None:
        _add_databases(databases, archive)
    for part in parts:
        part.save(archive)
    return archive.close()


def bring_back(parts: Sequence[Part], source: BinaryIO, *, force: bool = False) -> Manifest:
    """Restore a backup, whole and exactly; the database dumps in it are left to pg_restore.

    Raises BackupError when something is there already that would be lost, unless `force`; check a file before, because
    what is read from a stream is known to be whole only at its end.
    """
    known = {part.name: part for part in parts}
    if not force:
        taken = [text for part in parts if (text := part.occupied())]
        if taken:
            raise BackupError(
                f"{'; '.join(taken)}. A backup goes to an empty place; --force replaces what is there"
            )
    reader, restored = Reader(source), {name: set[str]() for name in known}
    for member, content in reader:
        name, _, key = member.partition("/")
        if name in known:
            known[name].put(key, content, force=force)
            restored[name].add(key)
        elif name != DATABASES:
            raise BackupError(f"the backup holds {name}, for which there is no place here; see `--help`")
    for name, part in known.items():
        part.clear(restored[name])
    if reader.manifest is None:
        raise BackupError("the backup is cut short")
    return reader.manifest


def _add_databases(dumps: BinaryIO, archive: Writer) -> None:
    with tarfile.open(fileobj=dumps, mode="r|") as tar:
        for entry in tar:
            content = tar.extractfile(entry)
            if content is not None:
                archive.add(f"{DATABASES}/{Path(entry.name).name}", content)


def _inside(url: str, home: Path) -> bool:
    folder = folder_of(url)
    return folder is not None and folder.resolve().is_relative_to(home)
