"""All assets of a platform: bars of every symbol, the chain of every team and symbol, orders, leaderboard."""

from datetime import date

import dagster as dg

from my_dagster_project.pipeline.alarming import blocking_checks
from my_dagster_project.pipeline.assets.bars_asset import bars_asset
from my_dagster_project.pipeline.assets.features_asset import features_asset
from my_dagster_project.pipeline.assets.fills_asset import fills_asset
from my_dagster_project.pipeline.assets.leaderboard_asset import leaderboard_asset
from my_dagster_project.pipeline.assets.model_asset import model_asset
from my_dagster_project.pipeline.assets.orders_asset import orders_asset
from my_dagster_project.pipeline.assets.predictions_asset import predictions_asset
from my_dagster_project.pipeline.assets.report_asset import report_asset
from my_dagster_project.pipeline.assets.team_context import TeamContext
from my_dagster_project.pipeline.assets.team_file import team_file_assets
from my_dagster_project.pipeline.partitions import last_session, session_partitions
from my_dagster_project.teams.platform import Platform


def all_assets(
    platform: Platform,
) -> tuple[list[dg.AssetsDefinition | dg.AssetSpec], dg.PartitionsDefinition]:
    """Every asset, and the sessions that partition those that have a value per session."""
    registry = platform.registry
    partitions = session_partitions(platform.calendar, registry.competition.start, _last_scored(platform))
    teams = [TeamContext(name, config, platform, partitions) for name, config in platform.teams.items()]
    assets: list[dg.AssetsDefinition | dg.AssetSpec] = [*team_file_assets(platform)]
    assets += [bars_asset(platform, symbol) for symbol in platform.symbols]
    for team in teams:
        assets += team_assets(team)
    if teams:
        assets.append(leaderboard_asset(platform, teams, blocking_checks(assets)))
    return assets, partitions


def _last_scored(platform: Platform) -> date | None:
    """The last session of a source that has ended whose next one it still has: of the very last nothing is ever known."""
    end = platform.registry.market.end
    return None if end is None else platform.calendar.previous_session(last_session(platform.calendar, end))


def team_assets(team: TeamContext) -> list[dg.AssetsDefinition]:
    """A team's chain per symbol, and over all of them its orders and what became of them."""
    chain = (features_asset, model_asset, predictions_asset, report_asset)
    per_symbol = [make(team, symbol) for symbol in team.config.symbols for make in chain]
    return [*per_symbol, orders_asset(team), fills_asset(team)]
