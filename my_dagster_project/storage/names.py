"""The names of all assets, as people and stores write them: `market/SYMBOL/bars`, `TEAM/SYMBOL/noun`, `TEAM/orders|fills`,
`competition/leaderboard`. Plain data, for whoever reads an asset without knowing Dagster.
"""

from my_dagster_project.storage.manifests import Asset

MARKET = "market"
COMPETITION = "competition"


def bars(symbol: str) -> Asset:
    """The daily bars of a symbol, shared by all teams."""
    return (MARKET, symbol, "bars")


def team_file(team: str) -> Asset:
    """A team's file, as an asset that people can look at."""
    return (team, "config")


def features(team: str, symbol: str) -> Asset:
    """A team's feature table of a symbol."""
    return (team, symbol, "features")


def model(team: str, symbol: str) -> Asset:
    """A team's trained model of a symbol."""
    return (team, symbol, "model")


def predictions(team: str, symbol: str) -> Asset:
    """A team's predictions of a symbol, one per session."""
    return (team, symbol, "predictions")


def report(team: str, symbol: str) -> Asset:
    """A team's Evidently report of a symbol."""
    return (team, symbol, "report")


def orders(team: str) -> Asset:
    """A team's orders, one plan with its outcome per session."""
    return (team, "orders")


def fills(team: str) -> Asset:
    """What became of a team's orders, one settlement per session."""
    return (team, "fills")


def leaderboard() -> Asset:
    """The competition's table."""
    return (COMPETITION, "leaderboard")
