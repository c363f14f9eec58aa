"""The names of assets, as people and stores write them: `market/SYMBOL/noun`, `TEAM/SYMBOL/noun`, `TEAM/noun`,
`competition/noun`; one refit window of an asset is `TEAM/SYMBOL/noun@WINDOW`. Plain data, for whoever reads an asset without knowing Dagster.
"""

from typing import Literal

from my_dagster_project.storage.manifests import Asset

type Scope = Literal["symbol", "team-symbol", "team", "competition"]

MARKET = "market"
_AT = "@"
COMPETITION = "competition"
LEADERBOARD, EQUITY = "leaderboard.json", "equity.json"
"""Files of the leaderboard: the table, and the equity curves."""
FEATURES = "features.parquet"
"""The file of the features."""
SCORED = "scored.parquet"
"""The file of a report with each prediction beside what came."""


def named(scope: Scope, noun: str, team: str = "", symbol: str = "") -> Asset:
    """The name of an asset: one of a symbol for all teams, of a team's symbol, of a team, or of the whole competition."""
    names: dict[Scope, Asset] = {
        "symbol": (MARKET, symbol, noun),
        "team-symbol": (team, symbol, noun),
        "team": (team, noun),
        "competition": (COMPETITION, noun),
    }
    return names[scope]


def of_window(asset: Asset, window: str) -> Asset:
    """What is stored of one window (its first day, ISO) of an asset, whole and with versions of its own; '' for no window.

    Beside the asset, not below it: DVC takes no pointer within the folder of another.
    """
    return (*asset[:-1], f"{asset[-1]}{_AT}{window}") if window else asset


def without_window(asset: Asset) -> tuple[Asset, str]:
    """The asset that something stored is of, and which window of it ('' for none)."""
    noun, _, window = asset[-1].partition(_AT)
    return (*asset[:-1], noun), window


def bars(symbol: str) -> Asset:
    """The daily bars of a symbol, shared by all teams."""
    return named("symbol", "bars", symbol=symbol)


def features(team: str, symbol: str) -> Asset:
    """A team's feature table of a symbol."""
    return named("team-symbol", "features", team, symbol)


def model(team: str, symbol: str, window: str = "") -> Asset:
    """A team's trained model of a symbol ('': of all its symbols), of a team that refits the one of a window."""
    return of_window(named("team-symbol" if symbol else "team", "model", team, symbol), window)


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
