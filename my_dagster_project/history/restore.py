"""Brings the assets of an old version back as the current ones, as a new version: nothing before or after it is lost.

Restored is what a configuration makes: features, model, predictions, report; of a team that refits the model of each window that the
version has, and those of other windows stay. Orders are not: they record what an account
did, and no account can be put back; restored predictions make them due instead, so the next replay trades them anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from my_dagster_project.foundation.errors import ObjectMissingError, StorageError, VersioningError
from my_dagster_project.git.branch import BranchRepo
from my_dagster_project.history.log import RESTORED_FROM, Version, versions_at
from my_dagster_project.history.pointers import owner_pointers, version_files
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.content import ContentStore, each
from my_dagster_project.storage.dvc_format import Pointer, dir_md5
from my_dagster_project.storage.manifests import Asset

_SESSION_FILE = re.compile(r"(\d{4}-\d{2}-\d{2})\.[a-z]+")


@dataclass(frozen=True)
class Restored:
    """One asset of the version: its files {name: md5}, which of them had to be written, and what stayed beside them.

    `later` names the files of sessions the version does not have; they stay, and are due when the model changed.
    """

    asset: Asset
    files: Mapping[str, str]
    written: tuple[str, ...] = ()
    later: tuple[str, ...] = ()

    @property
    def md5(self) -> str:
        """The md5 of the folder, as the version's pointer holds it."""
        return dir_md5(self.files)

    @property
    def sessions(self) -> dict[str, str] | None:
        """{session: file name} of an asset with one file per session, None of any other."""
        matches = {name: _SESSION_FILE.fullmatch(name) for name in self.files}
        return {found[1]: name for name, found in matches.items() if found} if all(matches.values()) else None


@dataclass(frozen=True)
class Restoration:
    """What was restored from which commit, and what the version has beside it that is never restored."""

    sha: str
    assets: tuple[Restored, ...]
    left_alone: tuple[Asset, ...]


def restore(
    assets: AssetStore,
    repo: Path,
    team: str,
    revision: str,
    commit: Callable[[], object],
    turn: Callable[[Asset], int | None],
    symbol: str | None = None,
) -> Restoration:
    """Make a team's assets (one symbol's, if given) what they were at a branch or commit; the caller commits afterwards.

    `turn` is an asset's place in the order in which assets are made, so that a reader never meets a model newer than its
    predictions; None for one that is never restored. `commit` records what is pending; it is called first, so that what is
    current now is a version too. Every byte of every asset is read and checked before the first one is switched.
    VersioningError, with nothing changed, when the version has no such asset, or bytes are missing from the remote or
    damaged.
    """
    git = BranchRepo(repo)
    sha = git.resolve(revision)
    pointers = owner_pointers(git, sha, team)
    turns = {asset: turn(asset) for asset in pointers if symbol is None or asset[1:2] == (symbol,)}
    order = sorted((number, asset) for asset, number in turns.items() if number is not None)
    chosen = {asset: pointers[asset] for _, asset in order}
    if not chosen:
        of = f"{team} {symbol}" if symbol else f"team {team}"
        raise VersioningError(
            f"{sha[:10]} has no assets of {of}; `trading versions {team}` lists what there is."
        )
    _record_what_is_current(assets, team, commit)
    planned = [_plan(assets, sha, asset, pointer) for asset, pointer in chosen.items()]
    _require_bytes(assets.contents, sha, planned)
    origins = _origins(repo, sha, team)
    for item in planned:
        if item.written:
            _write(assets, sha, item, origins.get(item.asset))
    return Restoration(sha, tuple(planned), tuple(sorted(set(pointers) - set(chosen))) if not symbol else ())


def _record_what_is_current(assets: AssetStore, team: str, commit: Callable[[], object]) -> None:
    try:
        commit()
    except VersioningError:
        # Another team's branch that cannot be committed is no reason to refuse this one.
        if team in assets.pending.owners():
            raise


def _plan(assets: AssetStore, sha: str, asset: Asset, pointer: Pointer) -> Restored:
    files = version_files(assets.contents, asset, pointer)
    try:
        now = {name: content.md5 for name, content in assets.files(asset).items()}
    except StorageError:
        now = {}  # never written, or a damaged manifest: restoring is a cure for both
    item = Restored(asset, files)
    if item.sessions is None:
        return Restored(asset, files, written=tuple(files) if files != now else ())
    return Restored(
        asset,
        files,
        written=tuple(name for name in files if now.get(name) != files[name]),
        later=tuple(name for name in now if name not in files),
    )


def _require_bytes(contents: ContentStore, sha: str, planned: list[Restored]) -> None:
    problems = []
    for item in planned:
        bad = [
            name
            for name, why in zip(item.written, each(_check(contents, item), item.written), strict=True)
            if why
        ]
        if bad:
            some = ", ".join(bad[:3]) + (", ..." if bad[3:] else "")
            problems.append(
                f"{'/'.join(item.asset)}: {len(bad)} of {len(item.files)} files are missing or damaged ({some})"
            )
    if problems:
        raise VersioningError(
            f"Version {sha[:10]} cannot be restored from {contents.remote.url}; nothing was changed.\n"
            + "\n".join(problems)
            + "\nIf a clone has pulled this version, run `dvc push` there and try again."
        )


def _check(contents: ContentStore, item: Restored) -> Callable[[str], bool]:
    def is_bad(name: str) -> bool:
        try:
            contents.get(item.files[name])
        except ObjectMissingError:
            return True
        except StorageError as error:
            if "damaged" in str(error):
                return True
            raise
        return False

    return is_bad


def _write(assets: AssetStore, sha: str, item: Restored, origin: Version | None) -> None:
    """Sessions are added one by one: replacing the whole would drop one that a run is adding at this moment."""
    data = each(lambda name: assets.contents.get(item.files[name]), item.written)
    sessions = sorted(name.partition(".")[0] for name in item.written) if item.sessions is not None else []
    record = {RESTORED_FROM: sha, **_about(item.asset, origin)}
    if sessions:
        record["sessions"] = sessions[0] if sessions[0] == sessions[-1] else f"{sessions[0]}..{sessions[-1]}"
    files = dict(zip(item.written, data, strict=True))
    assets.write(item.asset, files, replace=item.sessions is None, record=record)


def _origins(repo: Path, sha: str, team: str) -> dict[Asset, Version]:
    """The commit each asset of the version was last changed by."""
    found: dict[Asset, Version] = {}
    for version in versions_at(repo, sha, None, team):
        for asset in version.assets:
            found.setdefault(asset, version)
    return found


def _about(asset: Asset, origin: Version | None) -> dict[str, str]:
    """What the original commit said of the asset: its figures, and its configuration if there was only one."""
    if origin is None:
        return {}
    config = {"config_sha": origin.config_shas[0]} if len(origin.config_shas) == 1 else {}
    return {**config, **origin.figures.get(asset, {})}
