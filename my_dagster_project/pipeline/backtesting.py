"""Teams' money over what was predicted, computed at once from what is stored: no broker is asked, nothing is written."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from my_dagster_project.domain.backtest import Backtested, Books, Entrant, Terms, backtest
from my_dagster_project.domain.backtest_market import Market
from my_dagster_project.domain.performance import buy_and_hold
from my_dagster_project.domain.scores.money_scores import money_scores
from my_dagster_project.foundation.errors import ObjectMissingError, TradingError
from my_dagster_project.pipeline.walk_forward import stored
from my_dagster_project.storage import names
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.parquet import from_parquet
from my_dagster_project.storage.stored_bars import read_bars
from my_dagster_project.teams.platform import Platform
from my_dagster_project.trading.planning import limits_of, rules_of

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


def backtested(
    platform: Platform,
    assets: AssetStore,
    teams: Sequence[str],
    first: str = "",
    last: str = "",
    *,
    walked: bool = False,
) -> list[Backtested]:
    """Trade teams on what was predicted between two sessions (ISO): by the competition's models, or `walked`, by those of `trading evaluate`.

    All begin with the registry's cash at the first session that any of them predicted, and end at the close after the last.
    Raises TradingError where nothing is predicted.
    """
    begins, until = _day(first), _day(last)
    told = {team: _told(platform, assets, team, walked=walked) for team in teams}
    days = sorted(
        {day for frame in told.values() for day in frame["session"].dt.date if _within(day, begins, until)}
    )
    if not days:
        how = "trading evaluate TEAM" if walked else "trading run"
        raise TradingError(f"{', '.join(teams)}: no session between these is predicted; `{how}` does that")
    ends = platform.calendar.next_session(days[-1])
    symbols = sorted({symbol for team in teams for symbol in platform.teams[team].symbols})
    bars = {symbol: _until(read_bars(assets, symbol), ends) for symbol in symbols}
    market = Market.of(bars)
    entrants = [_entrant(platform, team, told[team], market, days) for team in teams]
    books = backtest(market, entrants, _terms(platform, symbols), platform.registry.competition.starting_cash)
    start = market.sessions.index(days[0])
    return [_scored(platform, team, at, books, market, start, bars) for at, team in enumerate(teams)]


def _day(said: str) -> date | None:
    try:
        return date.fromisoformat(said) if said else None
    except ValueError as error:
        raise TradingError(f"{error}: a session is a date like 2013-01-02") from None


def _within(day: date, first: date | None, last: date | None) -> bool:
    return (first is None or day >= first) and (last is None or day <= last)


def _until(bars: pd.DataFrame, last: date) -> pd.DataFrame:
    return bars[bars["session"].dt.date <= last]


def _told(platform: Platform, assets: AssetStore, team: str, *, walked: bool) -> pd.DataFrame:
    """What was predicted of a team's symbols, one row each session and symbol."""
    import pandas as pd

    tables = [pd.DataFrame({"session": pd.DatetimeIndex([]), "symbol": pd.Series(dtype=str)})]
    for symbol in platform.teams[team].symbols:
        asset = stored(team, symbol) if walked else names.predictions(team, symbol)
        try:
            tables += [
                from_parquet(data) for name, data in assets.read(asset).items() if name.endswith(".parquet")
            ]
        except ObjectMissingError:
            continue
    return pd.concat(tables, ignore_index=True).drop_duplicates(["session", "symbol"], keep="last")


def _entrant(platform: Platform, team: str, told: pd.DataFrame, market: Market, days: list[date]) -> Entrant:
    config = platform.teams[team]
    value = "probability_up" if config.is_classification else "predicted_return"
    within = told[told["session"].dt.date.isin(days)]
    positions = _side_by_side(within, "position", market) if "position" in within else None
    limits = limits_of(platform.registry.teams[team], config)
    return Entrant(rules_of(config), limits, _side_by_side(within, value, market), positions, config.target)


def _side_by_side(told: pd.DataFrame, value: str, market: Market) -> NDArray[object]:
    import pandas as pd

    table = told.pivot(index="session", columns="symbol", values=value).astype(float)
    found: NDArray[object] = table.reindex(
        pd.DatetimeIndex(market.sessions), columns=market.symbols
    ).to_numpy()
    return found


def _terms(platform: Platform, symbols: Sequence[str]) -> Terms:
    competition = platform.registry.competition
    costs, impacts = zip(*(competition.costs_of(symbol) for symbol in symbols), strict=True)
    return Terms(costs, impacts, competition.commission, competition.borrow_fee)


def _scored(
    platform: Platform,
    team: str,
    at: int,
    books: Books,
    market: Market,
    start: int,
    bars: dict[str, pd.DataFrame],
) -> Backtested:
    import numpy as np

    equity, days = books.equity[start:, at], market.sessions[start:]
    before = equity[:-1]
    own = {symbol: bars[symbol] for symbol in platform.teams[team].symbols}
    competition = platform.registry.competition
    costs = {symbol: competition.costs_of(symbol)[0] for symbol in own}
    held = [value for _, value in buy_and_hold(own, days[1], days[-1], competition.starting_cash, costs)]
    held = np.array([competition.starting_cash, *held])
    risked = (np.abs(books.shares[start:, at]) * np.nan_to_num(market.close[start:])).sum(axis=1)
    scores = money_scores(
        equity[1:] / before - 1,
        held[1:] / held[:-1] - 1,
        traded=books.traded[start + 1 :, at] / before,
        costs=books.costs[start + 1 :, at] / before,
        exposure=risked[1:] / equity[1:],
    )
    curve = [(day, float(value)) for day, value in zip(days, equity, strict=True)]
    return Backtested(team, curve, int(books.orders[start:, at].sum()), scores)
