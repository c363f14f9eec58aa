"""Evidently's workspace, put together from the versions of the reports: a project for each team, a snapshot for each measured version.

It is a folder for as long as somebody looks: the snapshots lie behind the teams' branches, and are taken from there again.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, UUID, uuid5

from my_dagster_project.foundation.errors import ObjectMissingError, StorageError, VersioningError
from my_dagster_project.git.branch import BranchRepo
from my_dagster_project.history.commits import pointer_path
from my_dagster_project.history.log import team_versions
from my_dagster_project.people.monitoring.dashboard import dashboard_of
from my_dagster_project.reports.evidently_snapshots import PARTS, file_of, read_snapshot
from my_dagster_project.storage import names
from my_dagster_project.storage.dvc_format import MOST_POINTER, parse_pointer
from my_dagster_project.storage.folders import committed_folder
from my_dagster_project.storage.opening import open_assets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from my_dagster_project.foundation.settings import Settings
    from my_dagster_project.storage.assets import AssetStore
    from my_dagster_project.storage.manifests import Asset
    from my_dagster_project.teams.platform import Platform

_MOST_SNAPSHOTS = 400
"""Of all teams together: Evidently's pages hold every one in memory, 2 MB each."""


def project_id(team: str) -> UUID:
    """The id of a team's project: the same wherever and whenever the workspace is made."""
    return uuid5(NAMESPACE_URL, f"trading/{team}")


@dataclass
class _Known:
    """What is in the folder: by md5 the snapshot's id, by version and report its md5s, by team what was last looked at."""

    snapshots: dict[str, str] = field(default_factory=dict)
    versions: dict[str, list[str]] = field(default_factory=dict)
    teams: dict[str, str] = field(default_factory=dict)


class Workspace:
    """The folder that Evidently's pages are served from."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        from evidently.ui.storage.local.base import LocalState

        self._settings = settings
        self._state = LocalState(str(folder))
        self._git = BranchRepo(settings.project)
        self._known = _Known()

    def follow(self, platform: Platform) -> int:
        """Take in the snapshots of versions that have come since; gives how many. What cannot be read is left for the next time."""
        assets, heads, new = (
            open_assets(self._settings.store_url, self._settings.dvc_url),
            self._git.heads(),
            0,
        )
        reports = sum(len(config.symbols) for config in platform.teams.values())
        most = max(2, _MOST_SNAPSHOTS // (reports * len(PARTS)))
        for team, config in platform.teams.items():
            symbols = tuple(config.symbols)
            looked_at = f"{heads.get(platform.registry.branch_of(team))} {most} {config.target} {symbols}"
            if self._known.teams.get(team) != looked_at:
                self._project(team, symbols, config.target)
                new += sum(
                    self._take_in(platform, assets, names.report(team, symbol), most) for symbol in symbols
                )
                self._known.teams[team] = looked_at
        return new

    def _project(self, team: str, symbols: Sequence[str], target: str) -> None:
        from evidently.sdk.models import ProjectModel

        said = f"What Evidently measured of team {team}: {', '.join(symbols)}"
        self._state.write_project(ProjectModel(id=project_id(team), name=team, description=said))
        self._state.write_dashboard(project_id(team), dashboard_of(symbols, target))

    def _take_in(self, platform: Platform, assets: AssetStore, report: Asset, most: int) -> int:
        """The newest versions of a report that were measured, of each the snapshots; the oldest first, and older ones go."""
        measured = [md5s for sha in self._shas(platform, report) if (md5s := self._md5s(assets, report, sha))]
        wanted = [md5 for md5s in dict.fromkeys(map(tuple, reversed(measured[:most]))) for md5 in md5s]
        taken = sum(self._take(assets, report, md5) for md5 in wanted if md5 not in self._known.snapshots)
        kept = {self._known.snapshots.get(md5) for md5 in wanted}
        for md5 in {md5 for md5s in measured[most:] for md5 in md5s}.difference(wanted):
            gone = self._known.snapshots.pop(md5, None)
            if gone and gone not in kept:
                self._state.delete_snapshot(project_id(report[0]), gone)
        return taken

    def _shas(self, platform: Platform, report: Asset) -> list[str]:
        """The commits with a version of a report, the newest first; none before the team has a branch."""
        team, branch = report[0], platform.registry.branch_of(report[0])
        try:
            versions = team_versions(self._settings.project, branch, None, team)
        except VersioningError:
            return []
        return [version.sha for version in versions if report in version.assets]

    def _md5s(self, assets: AssetStore, report: Asset, sha: str) -> list[str]:
        """The snapshots of a version, none of one that was not measured; what cannot be read now is asked for again."""
        path, of = pointer_path(report), f"{sha} {'/'.join(report)}"
        with suppress(VersioningError, StorageError, ObjectMissingError):
            if of not in self._known.versions:
                text = self._git.read_file(sha, path, MOST_POINTER)
                files = committed_folder(parse_pointer(text, path), assets.contents).files if text else {}
                self._known.versions[of] = [files[file_of(part)] for part in PARTS if file_of(part) in files]
        return self._known.versions.get(of, [])

    def _take(self, assets: AssetStore, report: Asset, md5: str) -> int:
        """Take a snapshot in; of the same last session the newer one stands in the place of the older."""
        with suppress(StorageError, ObjectMissingError, ValueError, KeyError):
            model = read_snapshot(assets.contents.get(md5))
            of = f"{'/'.join(report)}/{model.name}/{model.timestamp.isoformat()}"
            snapshot = str(uuid5(NAMESPACE_URL, of))
            self._state.write_snapshot(project_id(report[0]), snapshot, model)
            self._known.snapshots[md5] = snapshot
            return 1
        return 0
