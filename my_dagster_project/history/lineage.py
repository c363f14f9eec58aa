"""Where a stored object comes from: the run that made it, the configuration commit, the DVC version, the MLflow run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from my_dagster_project.foundation.errors import VersioningError
from my_dagster_project.git.branch import BranchRepo
from my_dagster_project.history.log import Version, versions_at
from my_dagster_project.history.pointers import owner_pointers
from my_dagster_project.storage.dvc_format import Pointer
from my_dagster_project.storage.names import of_window, without_window

if TYPE_CHECKING:
    import dagster as dg

    from my_dagster_project.foundation.settings import Settings
    from my_dagster_project.storage.assets import AssetStore
    from my_dagster_project.storage.manifests import Asset
    from my_dagster_project.teams.platform import Platform

_CONFIG_TAG = "config"
"""The tag of a run that says of which commit each team's file was (`pipeline/run_tags.py`)."""


@dataclass(frozen=True)
class Origin:
    """Of an object: its files and md5 as its pointer has it, the run (Dagster's id), the configuration (`red at 1a2b3c4d5e`), the
    newest version of it on `branch` (a commit, '' for none yet), MLflow's run of a training, and why it is in doubt ('' if it is not).
    """

    asset: Asset
    files: int = 0
    md5: str = ""
    run_id: str = ""
    configuration: str = ""
    branch: str = ""
    version: str = ""
    mlflow_run: str = ""
    doubt: str = ""

    @property
    def name(self) -> str:
        """The object as people write it: `red/AAPL/report`."""
        return "/".join(self.asset)


@dataclass(frozen=True)
class _Made:
    """What Dagster's event log says of the newest materialization: run, md5 noted with it, MLflow's run."""

    run_id: str = ""
    md5: str = ""
    mlflow_run: str = ""
    window: str = ""
    """Of which refit it is, of what is stored by them."""


class Lineage:
    """Answers for the objects of one deployment as they are now; branches are read once, by the commit they stand at."""

    def __init__(
        self, platform: Platform, settings: Settings, assets: AssetStore, instance: dg.DagsterInstance
    ) -> None:
        self._platform, self._settings = platform, settings
        self._assets, self._instance = assets, instance
        self._configurations: dict[str, str] = {}

    def of(self, asset: Asset) -> Origin:
        """Where an object comes from, and whether anything contradicts what is stored of it.

        Raises ObjectMissingError where there is none, StorageError for a damaged manifest.
        """
        import dagster as dg

        files = self._assets.files(asset)
        md5 = self._assets.fingerprint(asset) or ""
        key, window = without_window(asset)
        wanted = dg.AssetRecordsFilter(dg.AssetKey(key), asset_partitions=[window] if window else None)
        records = self._instance.fetch_materializations(wanted, limit=1).records
        made = _made(records[0].event_log_entry if records else None)
        origin = self._origin(asset, made)
        _, pointers = self._branch(asset)
        return replace(
            origin, files=len(files), md5=md5, doubt=self._doubt(origin, md5, made, pointers.get(asset))
        )

    def newest(self, assets: Sequence[Asset]) -> list[Origin]:
        """Where the newest of each of these comes from, without a look at its bytes: one question for all; what nobody made is left out."""
        import dagster as dg

        records = self._instance.get_asset_records([dg.AssetKey(asset) for asset in assets])
        made = {
            tuple(record.asset_entry.asset_key.path): _made(record.asset_entry.last_materialization)
            for record in records
        }
        return [
            self._origin(of_window(asset, made[asset].window), made[asset])
            for asset in assets
            if asset in made
        ]

    def _origin(self, asset: Asset, made: _Made) -> Origin:
        newest, _ = self._branch(asset)
        version = newest.get(asset)
        run_id = made.run_id or (version.runs[-1] if version and version.runs else "")
        branch = self._platform.registry.branch_of(asset[0])
        sha = version.sha if version else ""
        return Origin(
            asset,
            run_id=run_id,
            configuration=self._configuration(asset, run_id),
            branch=branch,
            version=sha,
            mlflow_run=made.mlflow_run,
        )

    def _configuration(self, asset: Asset, run_id: str) -> str:
        """Of which commit the team's file was when the run was created; '' of what belongs to no team."""
        entry = self._platform.registry.teams.get(asset[0])
        if entry is None or not run_id:
            return ""
        if run_id not in self._configurations:
            run = self._instance.get_run_by_id(run_id)
            self._configurations[run_id] = run.tags.get(_CONFIG_TAG, "") if run else ""
        told = self._configurations[run_id].split(", ")
        return next((one for one in told if one.startswith(f"{entry.branch} at ")), told[0])

    def _branch(self, asset: Asset) -> tuple[Mapping[Asset, Version], Mapping[Asset, Pointer]]:
        return newest_versions(self._settings.project, self._platform.registry.branch_of(asset[0]), asset[0])

    def _doubt(self, origin: Origin, md5: str, made: _Made, pointer: Pointer | None) -> str:
        """What contradicts what is stored: the run's own note of what it wrote, or the version on the branch."""
        said = []
        if made.md5 and made.md5 != md5:
            said.append(f"its run wrote {made.md5}")
        if pointer and pointer.md5 != md5 and origin.asset[0] not in self._assets.pending.owners():
            said.append(f"its version on {origin.branch} is {pointer.md5}")
        return f"stored is {md5}, but {', and '.join(said)}" if said else ""


def _made(entry: dg.EventLogEntry | None) -> _Made:
    made = entry.asset_materialization if entry else None
    if entry is None or made is None:
        return _Made()
    told = {name: str(made.metadata[name].value) for name in ("md5", "mlflow_run") if name in made.metadata}
    # A training is of a window, stored as a whole; of sessions it is about some of the files, and the md5 is of those.
    window = made.partition or "" if "mlflow_run" in told else ""
    whole = made.partition is None or window
    return _Made(entry.run_id, told.get("md5", "") if whole else "", told.get("mlflow_run", ""), window)


def newest_versions(
    repo: Path, branch: str, owner: str
) -> tuple[Mapping[Asset, Version], Mapping[Asset, Pointer]]:
    """By asset of an owner its newest version on a branch, and the pointers there; none without the branch, or where they cannot be read.

    The branch is read once for the commit that it stands at. Raises VersioningError where there is no repository.
    """
    head = BranchRepo(repo).heads().get(branch)
    return _up_to(repo, head, owner) if head else ({}, {})


# What a commit has behind it never changes.
@lru_cache(maxsize=64)
def _up_to(repo: Path, head: str, owner: str) -> tuple[Mapping[Asset, Version], Mapping[Asset, Pointer]]:
    newest: dict[Asset, Version] = {}
    try:
        for version in versions_at(repo, head, None, owner):
            for asset in version.assets:
                newest.setdefault(asset, version)
        return newest, owner_pointers(BranchRepo(repo), head, owner)
    except VersioningError:
        return newest, {}
