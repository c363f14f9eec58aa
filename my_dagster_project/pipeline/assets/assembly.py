"""All assets of a platform: of every stage in the table one for each symbol, team and symbol, team, or for all."""

import warnings
from collections.abc import Collection, Iterator
from importlib import import_module

import dagster as dg

from my_dagster_project.pipeline import chain
from my_dagster_project.pipeline.assets.stamp import partitions_of
from my_dagster_project.pipeline.assets.team_context import TeamContext
from my_dagster_project.pipeline.assets.team_file import team_file_assets
from my_dagster_project.pipeline.chain import Stage
from my_dagster_project.teams.platform import Platform


def all_assets(
    platform: Platform, owners: Collection[str] = ()
) -> tuple[list[dg.AssetsDefinition | dg.AssetSpec], dg.PartitionsDefinition]:
    """Every asset, and the sessions that partition those that have a value per session.

    With `owners` those of these teams, and the bars that all are made from.
    """
    # One line per partitioned asset otherwise: backfill_policy is called beta since 2023.
    warnings.filterwarnings("ignore", category=dg.BetaWarning)
    teams = {name: TeamContext(name, config, platform) for name, config in platform.teams.items()}
    made: list[dg.AssetsDefinition | dg.AssetSpec] = [*team_file_assets(platform)]
    for row in chain.STAGES if teams else ():
        of = (
            {name: team for name, team in teams.items() if name in owners}
            if owners and row.of_team
            else teams
        )
        if row.of_symbol or row.of_team or not owners:
            made += list(_assets(platform, row, of, made))
    return made, partitions_of(platform)


def _assets(
    platform: Platform,
    row: Stage,
    teams: dict[str, TeamContext],
    made: list[dg.AssetsDefinition | dg.AssetSpec],
) -> Iterator[dg.AssetsDefinition]:
    """What a stage's factory makes; each scope gives it what it is about, the competition also what was made before."""
    module, name = row.factory
    make = getattr(import_module(module), name)
    symbols = {name: team.config.symbols for name, team in teams.items()}
    for team, symbol in chain.places(row, symbols, kept=platform.kept, pooled=platform.pooled):
        match row.scope:
            case "symbol":
                yield make(platform, symbol)
            case "team-symbol":
                yield make(teams[team], symbol)
            case "team":
                yield make(teams[team])
            case "competition":
                yield make(platform, list(teams.values()), made)
