"""One stage of the chain by name, for `dvc repro`: the main job's own phase, then its objects exported as files."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from my_dagster_project.foundation.errors import TradingError
from my_dagster_project.foundation.settings import Settings
from my_dagster_project.main_job.phases import Tell
from my_dagster_project.main_job.run import Result, recorded
from my_dagster_project.main_job.stages import Stages
from my_dagster_project.pipeline import chain
from my_dagster_project.pipeline.chain import Job, Place
from my_dagster_project.pipeline.partitions import replay_sessions
from my_dagster_project.pipeline.refit_windows import windows_in_use
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.manifests import Asset
from my_dagster_project.storage.names import of_window
from my_dagster_project.storage.opening import open_assets
from my_dagster_project.teams.platform import Platform
from my_dagster_project.teams.sources import Source, differing, team_path, uncommitted, unread_copies


def build_stage(
    platform: Platform, settings: Settings, tell: Tell, stage: str, team: str | None, out: Path | None
) -> Result:
    """Bring one stage up to date and export what it made to `out`, which is emptied first.

    Raises TradingError for an unknown stage or team, and for files here that are not those in force: `dvc repro` writes down
    which files it saw, and would call what was made of others up to date when these are committed later.
    """
    row = _row(platform, stage, team)
    _require_in_force(platform, settings, team)
    stages = Stages(platform, settings, tell)
    stages.tidy()
    stages.phase(row.purpose, team or "")
    result = replace(recorded(platform, settings, stages.problems), revised=stages.revised())
    if out is not None and not result.problems:
        sessions = {session.isoformat() for session in replay_sessions(platform)}
        assets = open_assets(settings.store_url, settings.dvc_url)
        export(assets, made_by(platform, row, team or ""), out, sessions)
    return result


def made_by(platform: Platform, row: Job, team: str) -> list[Asset]:
    """The assets that a job makes in the first place, of one team or of all."""
    teams = {name: config.symbols for name, config in platform.teams.items()}
    windows = windows_in_use(platform, team) if team else []
    return [
        of_window(one.asset(place), window)
        for one in chain.stages_of(row.purpose, own=True)
        for place in chain.places(one, teams, Place(team), pooled=platform.pooled)
        for window in (windows if one.windows and windows else [""])
    ]


def fetch_bars(
    platform: Platform, settings: Settings, tell: Tell, symbols: Sequence[str], *, again: bool
) -> Result:
    """Bring the bars of these symbols (all where none is named) up to date; `again` as for `Stages.market`."""
    stages = Stages(platform, settings, tell)
    stages.market(chain.maker("bars"), symbols, again=again)
    return replace(recorded(platform, settings, stages.problems), revised=stages.revised())


def export(assets: AssetStore, wanted: list[Asset], out: Path, sessions: set[str]) -> None:
    """Copy the assets' current files to `out/<symbol>/<asset>/`; of files named by a session only those wanted."""
    shutil.rmtree(out, ignore_errors=True)
    for asset in wanted:
        folder = out.joinpath(*asset[1:])
        for name, data in assets.read(asset).items():
            stem = name.partition(".")[0]
            if stem[:2].isdigit() and stem not in sessions:
                continue
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)


def _row(platform: Platform, stage: str, team: str | None) -> Job:
    rows = {row.build: row for row in chain.JOBS if row.build}
    if stage not in rows:
        raise TradingError(f"{stage}: no such stage; there are {', '.join(rows)}")
    if rows[stage].of_team and team not in platform.teams:
        why = platform.problems.get(team or "", f"teams are {', '.join(platform.teams)}")
        raise TradingError(f"stage {stage} needs a team with a valid file; {why}")
    return rows[stage]


def _require_in_force(platform: Platform, settings: Settings, team: str | None) -> None:
    shared = (platform.sources.registry, platform.sources.defaults)
    used = [source for source in (*shared, platform.sources.teams.get(team or "")) if source]
    for path in differing(settings.project, used):
        source = next(one for one in used if one.path == path)
        raise TradingError(
            f"{path} is not what is in force, {source.origin}: nothing was built. {_remedy(platform, settings, source)}"
            " TRADING_CONFIG=working-tree builds what is here."
        )


def _remedy(platform: Platform, settings: Settings, source: Source) -> str:
    edited = {team_path(team) for team in uncommitted(settings.project, platform.sources)}
    if source.path in {*edited, *unread_copies(settings.project, platform.sources)}:
        return (
            f"Commit it on {source.branch} (or undo the edit), and let the files here be those of the branch."
        )
    # Committed it would undo what the team has done since.
    return (
        f"It is an older copy: `git checkout {source.branch} -- {source.path}` makes it that of the branch."
    )
