"""The names of all assets: `[market, SYMBOL, bars]`, `[team, SYMBOL, noun]`, `[team, orders|fills]`, `[competition, leaderboard]`."""

from collections.abc import Callable

import dagster as dg

type TeamSymbolKey = Callable[[str, str], dg.AssetKey]

MARKET = "market"
COMPETITION = "competition"


def bars_key(symbol: str) -> dg.AssetKey:
    """The daily bars of a symbol, shared by all teams."""
    return dg.AssetKey([MARKET, symbol, "bars"])


def team_file_key(team: str) -> dg.AssetKey:
    """A team's file, as an asset that people can look at."""
    return dg.AssetKey([team, "config"])


def features_key(team: str, symbol: str) -> dg.AssetKey:
    """A team's feature table of a symbol."""
    return dg.AssetKey([team, symbol, "features"])


def model_key(team: str, symbol: str) -> dg.AssetKey:
    """A team's trained model of a symbol."""
    return dg.AssetKey([team, symbol, "model"])


def predictions_key(team: str, symbol: str) -> dg.AssetKey:
    """A team's predictions of a symbol, one per session."""
    return dg.AssetKey([team, symbol, "predictions"])


def report_key(team: str, symbol: str) -> dg.AssetKey:
    """A team's Evidently report of a symbol."""
    return dg.AssetKey([team, symbol, "report"])


def orders_key(team: str) -> dg.AssetKey:
    """A team's orders, one plan with its outcome per session."""
    return dg.AssetKey([team, "orders"])


def fills_key(team: str) -> dg.AssetKey:
    """What became of a team's orders, one settlement per session."""
    return dg.AssetKey([team, "fills"])


def leaderboard_key() -> dg.AssetKey:
    """The competition's table."""
    return dg.AssetKey([COMPETITION, "leaderboard"])
