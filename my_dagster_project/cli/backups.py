"""`trading backup` and `trading restore-backup`: registered by commands.py, nothing heavy imported before one of them runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from my_dagster_project.cli.output import errors
from my_dagster_project.foundation.errors import TradingError
from my_dagster_project.foundation.settings import load_settings

if TYPE_CHECKING:
    from my_dagster_project.operations.archive import Manifest
    from my_dagster_project.operations.parts import Part

File = Annotated[str, typer.Argument(help="The backup; - for standard input or output.")]
Folders = Annotated[list[str] | None, typer.Option("--folder", help="A further folder, name=/path.")]
Repositories = Annotated[
    list[str] | None, typer.Option("--repository", help="A further repository, name=/path.")
]
Stores = Annotated[list[str] | None, typer.Option("--objects", help="A further store, name=s3://bucket.")]


def backup(
    file: File,
    folder: Folders = None,
    repository: Repositories = None,
    objects: Stores = None,
    databases: Annotated[
        bool, typer.Option("--databases", help="Add a tar of dumps from standard input.")
    ] = False,
) -> None:
    """Write everything that cannot be computed again to one file, while the platform goes on; secrets are not in it."""
    from my_dagster_project.operations.backup import back_up

    dumps = sys.stdin.buffer if databases else None
    if file == "-":
        _say("Backed up", back_up(_parts(folder, repository, objects), sys.stdout.buffer, dumps))
        return
    target = Path(file).resolve()
    temporary = target.with_name(f"{target.name}.part")
    if target.exists():
        raise TradingError(f"{target} exists; a backup never replaces another")
    try:
        with temporary.open("xb") as out:
            temporary.chmod(0o600)
            manifest = back_up(_parts(folder, repository, objects, temporary), out, dumps)
        temporary.replace(target)
    except FileExistsError:
        raise TradingError(
            f"{temporary} exists: another backup is being written, or was cut short; remove it"
        ) from None
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _say(f"Backed up to {target}:", manifest)


def restore_backup(
    file: File,
    force: Annotated[bool, typer.Option("--force", help="Replace what is there already.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Only read it and say whether it is whole.")] = False,
    folder: Folders = None,
    repository: Repositories = None,
    objects: Stores = None,
) -> None:
    """Bring a backup back, byte for byte, to a place that is empty (or with --force exactly as it was)."""
    from my_dagster_project.operations import archive
    from my_dagster_project.operations.backup import bring_back

    if file == "-":
        if check:
            _say("Whole:", archive.check(sys.stdin.buffer))
        else:
            _say("Restored:", bring_back(_parts(folder, repository, objects), sys.stdin.buffer, force=force))
        return
    source = Path(file).resolve()
    if not source.is_file():
        raise TradingError(f"{source}: there is no such file")
    with source.open("rb") as content:
        manifest = archive.check(content)
        if not check:
            content.seek(0)
            bring_back(_parts(folder, repository, objects, source), content, force=force)
    _say("Whole:" if check else "Restored:", manifest)


def _parts(
    folders: list[str] | None, repositories: list[str] | None, objects: list[str] | None, *without: Path
) -> list[Part]:
    from my_dagster_project.operations.backup import parts_of
    from my_dagster_project.operations.parts import Objects, named_folder, split_name
    from my_dagster_project.operations.repository_part import Repository
    from my_dagster_project.storage.opening import open_store

    settings = load_settings()
    named = [split_name(text) for text in repositories or []]
    found: list[Part] = [Repository(name, Path(path)) for name, path in named if Path(path).is_dir()]
    found += parts_of(settings, without)
    found += map(named_folder, folders or [])
    return [
        *found,
        *(Objects(name, open_store(url, settings.s3)) for name, url in map(split_name, objects or [])),
    ]


def _say(what: str, manifest: Manifest) -> None:
    made = manifest.made.strftime("%Y-%m-%d %H:%M UTC")
    size, parts = manifest.size / 1e6, ", ".join(manifest.parts)
    # Standard output may be the backup itself.
    errors.say(f"{what} {len(manifest.members)} files, {size:.1f} MB, of {made}: {parts}")
