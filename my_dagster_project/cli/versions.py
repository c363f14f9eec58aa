"""`trading versions`, `diff`, `restore` and `gc`: registered by commands.py, nothing heavy imported before one of them runs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from my_dagster_project.cli.in_force import assets_of, read, require_teams
from my_dagster_project.cli.output import console
from my_dagster_project.deploy.instance.home import prepare_environment
from my_dagster_project.foundation.settings import Settings, load_settings

if TYPE_CHECKING:
    from my_dagster_project.history.commits import Committed
    from my_dagster_project.history.restore import Restoration
    from my_dagster_project.storage.assets import AssetStore
    from my_dagster_project.storage.manifests import Asset
    from my_dagster_project.teams.platform import Platform

Team = Annotated[str, typer.Argument(help="The team, as in configs/teams.yaml.")]


def versions(
    team: Team, limit: Annotated[int, typer.Option(help="How many, newest first.", min=1)] = 20
) -> None:
    """List a team's versions: what changed, by which run and configuration, how it scored."""
    from my_dagster_project.history.log import team_versions
    from my_dagster_project.history.tables import print_versions

    settings, platform = read()
    print_versions(console, team, team_versions(settings.project, _branch(platform, team), limit, team))


def diff(
    team: Team,
    a: Annotated[str, typer.Argument(help="A commit (or branch) of the team.")],
    b: Annotated[str, typer.Argument(help="Another one.")],
) -> None:
    """Show two versions of a team side by side: configuration, scores, assets."""
    from my_dagster_project.history.diff import compare
    from my_dagster_project.history.tables import print_comparison

    settings, platform = read()
    _branch(platform, team)
    print_comparison(console, team, compare(settings.project, assets_of(settings), team, a, b))


def restore(
    team: Team,
    commit: Annotated[str, typer.Argument(help="The version, as `trading versions` lists it.")],
    symbol: Annotated[str | None, typer.Option(help="Only this symbol's assets.")] = None,
) -> None:
    """Bring a version's features, models, predictions and reports back as current, as a new version."""
    import dagster as dg

    from my_dagster_project.history.provenance import announce
    from my_dagster_project.history.restore import restore as bring_back
    from my_dagster_project.history.tables import print_restoration
    from my_dagster_project.pipeline.chain import restore_turn
    from my_dagster_project.pipeline.recording import record_versions
    from my_dagster_project.teams.deployment import season_book

    settings, platform = read()
    _branch(platform, team)
    prepare_environment(settings)
    assets = assets_of(settings)
    done = bring_back(
        assets,
        settings.project,
        team,
        commit,
        lambda: record_versions(platform, settings, assets),
        partial(restore_turn, season=season_book(settings).read() is not None),
        symbol,
    )
    # One event per session: 30 ms each in the embedded default's SQLite, 8 s for four symbols of sixty sessions.
    with console.status("Telling Dagster what is current ..."):
        unknown = announce(dg.DagsterInstance.get(), done)
    print_restoration(console, done, _due(platform, settings, done), unknown)
    for one in _recorded(lambda: record_versions(platform, settings, assets), team, assets):
        console.say("branch ", (one.branch, "bold"), f": {one.sha[:10]} records {len(one.assets)} assets")


def gc(
    delete: Annotated[
        bool, typer.Option("--delete/--dry-run", help="Delete; without it, only count.")
    ] = False,
) -> None:
    """Count, or delete, contents of the DVC remote that nothing has pointed to for 48 hours."""
    from my_dagster_project.history.ages import aged_objects
    from my_dagster_project.history.gc import CONTENTS, collect
    from my_dagster_project.history.tables import print_collected

    settings = load_settings()
    found = collect(
        assets_of(settings),
        settings.project,
        lambda: aged_objects(settings.dvc_url, settings.s3, CONTENTS),
        delete=delete,
    )
    print_collected(console, found)


def _recorded(record: Callable[[], list[Committed]], team: str, assets: AssetStore) -> list[Committed]:
    """What was committed; that another team's branch could not take its versions is no failure of this restoration."""
    from my_dagster_project.history.commits import NotAllCommittedError

    try:
        return record()
    except NotAllCommittedError as error:
        if team in assets.pending.owners():
            raise
        console.say((str(error), "yellow"))
        return error.committed


def _due(platform: Platform, settings: Settings, done: Restoration) -> list[Asset]:
    """The restored assets Dagster would make anew, by the same rule as `trading run` and Dagit."""
    import dagster as dg

    from my_dagster_project.pipeline.code_location import build_definitions
    from my_dagster_project.pipeline.freshness import Freshness
    from my_dagster_project.storage.names import without_window

    definitions = build_definitions(platform, settings)
    known = definitions.resolve_asset_graph().get_all_asset_keys()
    freshness = Freshness(definitions.resolve_asset_graph(), dg.DagsterInstance.get())
    sessions = sorted({session for item in done.assets for session in item.sessions or ()})
    keys = {item.asset: dg.AssetKey(without_window(item.asset)[0]) for item in done.assets}

    def is_due(asset: Asset, key: dg.AssetKey) -> bool:
        # A window is about the session it begins with.
        window = without_window(asset)[1]
        return key not in known or bool(freshness.stale([key], [window] if window else sessions))

    return [asset for asset, key in keys.items() if is_due(asset, key)]


def _branch(platform: Platform, team: str) -> str:
    require_teams(platform, [team])
    return platform.registry.teams[team].branch
