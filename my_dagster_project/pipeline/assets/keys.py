"""The names of all assets (`storage/names.py`) as Dagster's keys."""

from collections.abc import Callable

import dagster as dg

from my_dagster_project.storage import names

type TeamSymbolKey = Callable[[str, str], dg.AssetKey]

MARKET, COMPETITION = names.MARKET, names.COMPETITION


def bars_key(symbol: str) -> dg.AssetKey:
    """The daily bars of a symbol, shared by all teams."""
    return dg.AssetKey(names.bars(symbol))


def team_file_key(team: str) -> dg.AssetKey:
    """A team's file, as an asset that people can look at."""
    return dg.AssetKey(names.team_file(team))


def features_key(team: str, symbol: str) -> dg.AssetKey:
    """A team's feature table of a symbol."""
    return dg.AssetKey(names.features(team, symbol))


def model_key(team: str, symbol: str) -> dg.AssetKey:
    """A team's trained model of a symbol."""
    return dg.AssetKey(names.model(team, symbol))


def predictions_key(team: str, symbol: str) -> dg.AssetKey:
    """A team's predictions of a symbol, one per session."""
    return dg.AssetKey(names.predictions(team, symbol))


def report_key(team: str, symbol: str) -> dg.AssetKey:
    """A team's Evidently report of a symbol."""
    return dg.AssetKey(names.report(team, symbol))


def orders_key(team: str) -> dg.AssetKey:
    """A team's orders, one plan with its outcome per session."""
    return dg.AssetKey(names.orders(team))


def fills_key(team: str) -> dg.AssetKey:
    """What became of a team's orders, one settlement per session."""
    return dg.AssetKey(names.fills(team))


def leaderboard_key() -> dg.AssetKey:
    """The competition's table."""
    return dg.AssetKey(names.leaderboard())
