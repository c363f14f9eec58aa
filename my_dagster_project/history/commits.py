"""Turns pending versions into commits of `.dvc` pointers on the owners' branches.

An asset `red/AAPL/model` is the folder `assets/red/AAPL/model` of branch red, behind `assets/red/AAPL/model.dvc`. Bytes and
the folder's `.dir` are in the DVC remote before the pointer is committed, so no commit ever points at nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from my_dagster_project.foundation.errors import ObjectMissingError, StorageError, VersioningError
from my_dagster_project.git.blobs import Blob
from my_dagster_project.git.branch import BranchRepo
from my_dagster_project.git.fast_import import Change
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.dvc_format import (
    ASSETS_GITIGNORE,
    GITIGNORE,
    MOST_POINTER,
    config_text,
    parse_pointer,
    pointer_text,
)
from my_dagster_project.storage.folders import (
    Folder,
    committed_folder,
    current_folder,
    store_folder,
    with_records,
)
from my_dagster_project.storage.manifests import Asset
from my_dagster_project.storage.pending import Pending

HEALED = "healed"
"""The key of a record that only says how many files were missing on its branch."""

_TRAILERS = {"run_id": "Dagster-Run", "config_sha": "Config-Sha", "restored_from": "Restored-From"}

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Committed:
    """One commit: its branch, whether the branch had to be made for it, its sha, and the assets it versions.

    `warnings` say which pointers were found unusable on the branch and are whole again with this commit.
    """

    branch: str
    branch_created: bool
    sha: str
    assets: tuple[Asset, ...]
    warnings: tuple[str, ...] = ()


class NotAllCommittedError(VersioningError):
    """Some branches could not take their versions; `committed` are those that could."""

    def __init__(self, text: str, committed: Sequence[Committed]) -> None:
        super().__init__(text)
        self.committed = list(committed)


def pointer_path(asset: Asset) -> str:
    """Give the path of an asset's pointer on its branch: assets/red/AAPL/model.dvc."""
    return f"assets/{'/'.join(asset)}.dvc"


def commit_pending(
    assets: AssetStore, repo: Path, branch_of: Callable[[str], str], dvc_url_of: Callable[[str], str]
) -> list[Committed]:
    """Commit everything pending, one commit per branch; unchanged content makes none. Safe to run at any time, anywhere.

    `branch_of` and `dvc_url_of` give an owner's branch (red -> red, market -> platform) and the DVC remote's address.
    A branch that fails does not keep the others waiting; its records stay, and NotAllCommittedError names it at the end.
    """
    git = BranchRepo(repo)
    by_branch = groupby(sorted(assets.pending.owners(), key=branch_of), key=branch_of)
    done: list[Committed] = []
    problems = []
    for branch, owners in by_branch:
        try:
            done += _BranchVersions(assets, git, branch, list(owners), dvc_url_of).commit()
        except (StorageError, VersioningError) as error:
            problems.append(f"{branch}: {error}")
        except Exception as error:
            # People write to these branches: what nobody has thought of must cost one team its versions, not all of them.
            _log.exception("The versions of branch %s could not be committed", branch)
            problems.append(f"{branch}: {type(error).__name__}: {error}")
    if problems:
        raise NotAllCommittedError(
            "Some versions are not committed yet; the next run tries again.\n" + "\n".join(problems), done
        )
    return done


@dataclass
class _BranchVersions:
    """The pending versions that belong to one branch."""

    assets: AssetStore
    git: BranchRepo
    branch: str
    owners: list[str]
    dvc_url_of: Callable[[str], str]
    warnings: list[str] = field(default_factory=list)

    def commit(self) -> list[Committed]:
        created = self.git.ensure_branch(self.branch)
        records: list[Pending] = []

        def build(base: str) -> Change:
            # Read anew for every attempt: what another process has settled meanwhile is no longer ours.
            self.warnings.clear()
            records[:] = [record for owner in self.owners for record in self.assets.pending.of(owner)]
            return self._change(base, records)

        sha = self.git.commit(self.branch, build)
        self.assets.pending.settle(records)
        if sha is None:
            return []
        self.warnings += [self._healed(record) for record in records if HEALED in record.record]
        versioned = tuple(sorted({record.asset for record in records}))
        return [Committed(self.branch, created, sha, versioned, tuple(self.warnings))]

    def _healed(self, record: Pending) -> str:
        name, count = "/".join(record.asset), record.record[HEALED]
        return (
            f"{count} files of {name} were in the store but not on branch {self.branch} (two clones on one store, or a"
            " rebase); now they are."
        )

    def _change(self, base: str, records: list[Pending]) -> Change:
        by_asset: dict[Asset, list[Pending]] = {}
        for record in records:
            by_asset.setdefault(record.asset, []).append(record)
        if not by_asset:
            return Change({}, "")
        old = self.git.blobs(base, map(pointer_path, by_asset), MOST_POINTER)
        pointers = {
            pointer_path(asset): self._pointer(asset, mine, old.get(pointer_path(asset)))
            for asset, mine in by_asset.items()
        }
        return Change({**self._dvc_files(), **pointers}, _message(by_asset), _trailers(records))

    def _dvc_files(self) -> dict[str, bytes]:
        return {
            ".dvc/config": config_text(self.dvc_url_of(self.owners[0])),
            ".dvc/.gitignore": GITIGNORE,
            "assets/.gitignore": ASSETS_GITIGNORE,
        }

    def _pointer(self, asset: Asset, records: list[Pending], old: Blob | None) -> bytes:
        contents = self.assets.contents
        # A whole first: what the branch has does not matter, and need not be readable.
        before = Folder({}, 0) if records[0].replace else self._folder(asset, old)
        folder = with_records(before, records, contents)
        return pointer_text(store_folder(folder, asset[-1], contents))

    def _folder(self, asset: Asset, old: Blob | None) -> Folder:
        """Give what the branch has; without a usable pointer, what readers see: no session may drop out of the versions."""
        if old is None:
            return current_folder(self.assets, asset)
        where = f"{self.branch}:{pointer_path(asset)}"
        try:
            return committed_folder(parse_pointer(old.whole(where), where), self.assets.contents)
        except (ObjectMissingError, VersioningError) as error:
            self.warnings.append(
                f"The version of {'/'.join(asset)} on branch {self.branch} starts anew: {error}"
            )
            _log.warning("%s", self.warnings[-1])
            return current_folder(self.assets, asset)


def _message(assets: Iterable[Asset]) -> str:
    names = sorted("/".join(asset) for asset in assets)
    rest = f" and {len(names) - 1} more" if names[1:] else ""
    return f"Materialize {names[0]}{rest}"


def _sessions(records: list[Pending]) -> list[str]:
    """The span of sessions that the records are about, as one trailer: a replay writes sixty of them."""
    ends = sorted(end for record in records for end in record.record.get("sessions", "").split("..") if end)
    return [ends[0] if ends[0] == ends[-1] else f"{ends[0]}..{ends[-1]}"] if ends else []


def _trailers(records: list[Pending]) -> dict[str, list[str]]:
    """Run ids and configuration shas once each, the sessions; whatever else a record says (metrics), per asset."""
    trailers: dict[str, list[str]] = {name: [] for name in (*_TRAILERS.values(), "Metrics")}
    trailers["Sessions"] = _sessions(records)
    for record in records:
        rest = {key: value for key, value in record.record.items() if key != "sessions"}
        for key, name in _TRAILERS.items():
            value = rest.pop(key, None)
            if value and value not in trailers[name]:
                trailers[name].append(value)
        if rest:
            values = " ".join(f"{key}={value}" for key, value in sorted(rest.items()))
            trailers["Metrics"].append(f"{'/'.join(record.asset)} {values}")
    return trailers
