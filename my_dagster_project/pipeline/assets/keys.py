"""The keys of all assets in Dagster: the names that the rows of `pipeline/chain.py` give."""

from collections.abc import Callable

import dagster as dg

from my_dagster_project.pipeline import chain
from my_dagster_project.pipeline.chain import Place, Stage
from my_dagster_project.storage import names

type TeamSymbolKey = Callable[[str, str], dg.AssetKey]

MARKET, COMPETITION = names.MARKET, names.COMPETITION


def key(noun: str, team: str = "", symbol: str = "") -> dg.AssetKey:
    """The key of a stage's asset."""
    return key_at(chain.stage(noun), Place(team, symbol))


def key_at(row: Stage, place: Place) -> dg.AssetKey:
    """The key of a stage's asset at a place."""
    return dg.AssetKey(row.asset(place))


def is_bars(key: dg.AssetKey) -> bool:
    """Whether these are the bars of a symbol."""
    return key.path[0] == MARKET


def is_decision(key: dg.AssetKey) -> bool:
    """Whether this was decided at its time and stays as it was made: a model, predictions, orders."""
    return any(row.decided for row in chain.STAGES if row.noun == key.path[-1])


def bars_key(symbol: str) -> dg.AssetKey:
    """The daily bars of a symbol, shared by all teams."""
    return key("bars", symbol=symbol)


def team_file_key(team: str) -> dg.AssetKey:
    """A team's file, as an asset that people can look at; no stage makes it."""
    return dg.AssetKey(names.named("team", "config", team))


def features_key(team: str, symbol: str) -> dg.AssetKey:
    """A team's feature table of a symbol."""
    return key("features", team, symbol)


def training_rows_key(team: str, symbol: str) -> dg.AssetKey:
    """What a team's models of a symbol learn from, of each refit window."""
    return key("training_rows", team, symbol)


def model_key(team: str, symbol: str) -> dg.AssetKey:
    """A team's trained model of a symbol; '' is the one of all its symbols."""
    return key("model", team, symbol)


def predictions_key(team: str, symbol: str) -> dg.AssetKey:
    """A team's predictions of a symbol, one per session."""
    return key("predictions", team, symbol)


def report_key(team: str, symbol: str) -> dg.AssetKey:
    """A team's Evidently report of a symbol."""
    return key("report", team, symbol)


def orders_key(team: str) -> dg.AssetKey:
    """A team's orders, one plan with its outcome per session."""
    return key("orders", team)


def fills_key(team: str) -> dg.AssetKey:
    """What became of a team's orders, one settlement per session."""
    return key("fills", team)


def leaderboard_key() -> dg.AssetKey:
    """The competition's table."""
    return key("leaderboard")
