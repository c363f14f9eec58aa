"""The names of assets, as people and stores write them: `market/SYMBOL/noun`, `TEAM/SYMBOL/noun`, `TEAM/noun`,
`competition/noun`. Plain data, for whoever reads an asset without knowing Dagster.
"""

from typing import Literal

from my_dagster_project.storage.manifests import Asset

type Scope = Literal["symbol", "team-symbol", "team", "competition"]

MARKET = "market"
COMPETITION = "competition"


def named(scope: Scope, noun: str, team: str = "", symbol: str = "") -> Asset:
    """The name of an asset: one of a symbol for all teams, of a team's symbol, of a team, or of the whole competition."""
    names: dict[Scope, Asset] = {
        "symbol": (MARKET, symbol, noun),
        "team-symbol": (team, symbol, noun),
        "team": (team, noun),
        "competition": (COMPETITION, noun),
    }
    return names[scope]


def bars(symbol: str) -> Asset:
    """The daily bars of a symbol, shared by all teams."""
    return named("symbol", "bars", symbol=symbol)


def model(team: str, symbol: str) -> Asset:
    """A team's trained model of a symbol."""
    return named("team-symbol", "model", team, symbol)


def predictions(team: str, symbol: str) -> Asset:
    """A team's predictions of a symbol, one per session."""
    return named("team-symbol", "predictions", team, symbol)


def report(team: str, symbol: str) -> Asset:
    """A team's Evidently report of a symbol."""
    return named("team-symbol", "report", team, symbol)


def orders(team: str) -> Asset:
    """A team's orders, one plan with its outcome per session."""
    return named("team", "orders", team)


def fills(team: str) -> Asset:
    """What became of a team's orders, one settlement per session."""
    return named("team", "fills", team)


def leaderboard() -> Asset:
    """The competition's table."""
    return named("competition", "leaderboard")
