"""Stored figures made once more from the objects below them: table, report, predictions, features, each beside what is stored.

It reads and computes; nothing is written, trained or asked of a broker. What is stored last is compared with what the objects
below it say, so whichever of them somebody has put there by hand shows where it differs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

from my_dagster_project.domain.evaluation import score
from my_dagster_project.domain.features import compute_features
from my_dagster_project.domain.leaderboard import Leaderboard, SymbolRow, TeamRow, TradingSummary
from my_dagster_project.domain.scores.walked import Evaluation, Slice, evaluated
from my_dagster_project.foundation.errors import ObjectMissingError, TradingError
from my_dagster_project.models.prediction import predict
from my_dagster_project.pipeline.alarming import stored_leaderboard
from my_dagster_project.pipeline.assets.competition_table import competition_table
from my_dagster_project.pipeline.assets.outputs import data_version
from my_dagster_project.pipeline.assets.team_context import TeamContext
from my_dagster_project.pipeline.evaluating import evaluation_of, scored_walk, stored_evaluation
from my_dagster_project.pipeline.walk_forward import Walk, stored
from my_dagster_project.reports.figure_addresses import Address, same
from my_dagster_project.storage import names
from my_dagster_project.storage.parquet import from_parquet, from_session_files
from my_dagster_project.storage.stored_bars import read_bars

if TYPE_CHECKING:
    import pandas as pd

    from my_dagster_project.storage.assets import AssetStore
    from my_dagster_project.storage.manifests import Asset
    from my_dagster_project.teams.platform import Platform

_FEATURES = "features"


@dataclass(frozen=True)
class Finding:
    """What was made once more: equal to what is stored, or how it differs; None where it could not be made."""

    what: str
    said: str
    equal: bool | None


@dataclass(frozen=True)
class Recomputing:
    """One figure made once more, with everything below it."""

    platform: Platform
    assets: AssetStore
    address: Address

    def row(self) -> Any:
        """The row of its table as it is stored; raises TradingError where the table has none."""
        return self._row_of(self._evaluation if self.address.table == "evaluation" else self._board)

    def objects(self) -> list[Asset]:
        """The stored objects that the figure is made of, the last one first."""
        team = self.address.team
        if self.address.table == "evaluation":
            walks = [stored(team, symbol) for symbol in self._symbols]
            return self._existing([evaluation_of(team), *walks, *map(names.bars, self._symbols)])
        chains = [one for symbol in self._symbols for one in self._chain(symbol)]
        money = [names.fills(team), names.orders(team)] if self._about_money else []
        below = money if self._about_money else chains
        return self._existing([names.leaderboard(), *below, *map(names.bars, self._symbols)])

    def findings(self) -> Iterator[Finding]:
        """Make it once more, from the table down to the features."""
        if self.address.table == "evaluation":
            yield self._compared(
                self._walked, self._evaluation, "what the refits of its walk said, and the bars"
            )
            return
        below = (
            "the orders and fills on record, and the bars"
            if self._about_money
            else "the reports' scored sessions"
        )
        yield self._compared(self._table, self._board, below)
        for symbol in () if self._about_money else self._symbols:
            team = self.address.team
            yield _checked(names.report(team, symbol), self._report, symbol)
            yield _checked(names.predictions(team, symbol), self._predictions, symbol)
            yield _checked(self._features_of(symbol), self._features, symbol)

    def _compared(self, make: Callable[[], Any], there: Any, of: str) -> Finding:
        what = str(self.address)
        try:
            made, kept = self.address.value(self._row_of(make())), self.address.value(self._row_of(there))
        except TradingError as error:
            return Finding(what, str(error), None)
        if same(made, kept):
            return Finding(what, f"{_figure(made)}, made of {of}: equal", True)
        return Finding(what, f"{_figure(kept)} is stored, but {of} make it {_figure(made)}", False)

    def _row_of(self, table: Leaderboard | Evaluation) -> TeamRow | SymbolRow | Slice:
        address = self.address
        rows: list[Any]
        if isinstance(table, Evaluation):
            rows = [one for one in table.slices if one.name == address.part]
        elif address.table == "symbol":
            rows = [one for one in table.symbols if (one.team, one.symbol) == (address.team, address.part)]
        else:
            rows = [one for one in table.teams if one.team == address.team]
        if not rows:
            raise TradingError(f"{address}: the stored table has no such row")
        found: TeamRow | SymbolRow | Slice = rows[0]
        return found

    @cached_property
    def _board(self) -> Leaderboard:
        return stored_leaderboard(self.assets)

    @cached_property
    def _evaluation(self) -> Evaluation:
        return stored_evaluation(self.assets, self.address.team)

    @cached_property
    def _about_money(self) -> bool:
        """Whether the figure hangs on what the team traded: without that it is another."""
        row = self._row_of(self._board)
        if not isinstance(row, TeamRow):
            return False
        blank = replace(row, trading=TradingSummary())
        return not same(self.address.value(row), self.address.value(blank))

    @cached_property
    def _symbols(self) -> list[str]:
        of = self.address
        if of.table == "symbol":
            return [of.part]
        if of.table == "evaluation":
            return list(self.platform.teams[of.team].symbols) if of.team in self.platform.teams else []
        scored = [row.symbol for row in self._board.symbols if row.team == of.team]
        return scored or list(self.platform.symbols)

    def _table(self) -> Leaderboard:
        teams = [TeamContext(name, config, self.platform) for name, config in self.platform.teams.items()]
        alarms = {row.team: row.alarms for row in self._board.teams}
        return competition_table(self.platform, self.assets, teams, lambda _: alarms, noting=False).board

    def _walked(self) -> Evaluation:
        """The scores of what is stored of the walk; raises ObjectMissingError where a refit of it is gone."""
        team, there = self.address.team, self._evaluation
        first, last = date.fromisoformat(there.first), date.fromisoformat(there.last)
        sessions = self.platform.calendar.sessions(first, last)
        scored = {}
        for symbol in self.platform.teams[team].symbols:
            walk = Walk(self.platform, team, symbol, sessions, self.assets)
            files = self.assets.read_files(stored(team, symbol), [refit.file for refit in walk.refits()])
            told = from_session_files(files)
            told = told[told["session"].dt.date.between(first, last)].reset_index(drop=True)
            scored[symbol] = scored_walk(told, read_bars(self.assets, symbol))
        return evaluated(team, scored)

    def _report(self, symbol: str) -> str:
        """What differs between a report's scored sessions and its predictions beside the bars; '' for nothing."""
        of = names.report(self.address.team, symbol)
        kept = from_parquet(self.assets.read_file(of, names.SCORED))
        made = score(self._predicted(symbol), read_bars(self.assets, symbol))
        return _apart(kept, made, "predictions and bars")

    def _predictions(self, symbol: str) -> str:
        """What differs between predictions and what the models that they name say of the stored features."""
        told, features = self._predicted(symbol), self._stored_features(symbol)
        if "model" not in told:
            raise ObjectMissingError(
                "predictions from before they named their model cannot be asked for again"
            )
        for md5, rows in told.groupby("model"):
            model = self._model(str(md5))
            asked = features[features["session"].isin(rows["session"])].sort_values("session")
            made = predict(model, asked.reset_index(drop=True)).frame
            made = made.assign(session=asked["session"].to_numpy())
            if wrong := _apart(
                rows.sort_values("session").reset_index(drop=True)[list(made)], made, "the model"
            ):
                return wrong
        return ""

    def _features(self, symbol: str) -> str:
        kept, bars = self._stored_features(symbol), read_bars(self.assets, symbol)
        config = self.platform.teams[self.address.team].for_symbol(symbol)
        return _apart(kept, compute_features(bars, config.feature_list, symbol), "the bars")

    def _model(self, md5: str) -> dict[str, bytes]:
        """The files of a model as DVC has them, whichever one is current; raises StorageError where they are gone."""
        files = self.assets.folder(md5)
        if (found := data_version(files)) != md5:
            raise TradingError(f"the model {md5} has the files of {found}")
        return files

    def _predicted(self, symbol: str) -> pd.DataFrame:
        return from_session_files(self.assets.read(names.predictions(self.address.team, symbol)))

    def _stored_features(self, symbol: str) -> pd.DataFrame:
        return from_parquet(next(iter(self.assets.read(self._features_of(symbol)).values())))

    def _features_of(self, symbol: str) -> Asset:
        return names.named("team-symbol", _FEATURES, self.address.team, symbol)

    def _chain(self, symbol: str) -> list[Asset]:
        team = self.address.team
        pooled = team in self.platform.teams and self.platform.teams[team].pooled
        model = names.model(team, "" if pooled else symbol)
        windows = sorted(one for one in self.assets.of(team) if names.without_window(one)[0] == model)
        return [
            names.report(team, symbol),
            names.predictions(team, symbol),
            *windows,
            self._features_of(symbol),
        ]

    def _existing(self, assets: list[Asset]) -> list[Asset]:
        return [one for one in dict.fromkeys(assets) if self.assets.fingerprint(one)]


def _checked(asset: Asset, compare: Callable[[str], str], symbol: str) -> Finding:
    name = "/".join(asset)
    try:
        wrong = compare(symbol)
    except ObjectMissingError as error:
        return Finding(name, str(error), None)
    except (TradingError, KeyError) as error:
        return Finding(name, f"cannot be made once more: {error}", False)
    return Finding(name, wrong or "equal to what the objects below it say", not wrong)


def _apart(kept: pd.DataFrame, made: pd.DataFrame, by: str) -> str:
    """Where two tables by session differ, in words; '' where they are the same."""
    import numpy as np

    if len(kept) != len(made) or list(kept["session"]) != list(made["session"]):
        return f"{len(kept)} sessions are stored, and {by} make {len(made)}"
    for name in made.columns:
        if name not in kept:
            return f"{name} is not stored, and {by} give it"
        if made[name].dtype.kind not in "fiu":
            wrong = (kept[name].astype(str) != made[name].astype(str)).to_numpy()
        else:
            one, other = kept[name].to_numpy(float), made[name].to_numpy(float)
            wrong = ~np.isclose(one, other, rtol=1e-7, atol=1e-9, equal_nan=True)
        if wrong.any():
            at = int(wrong.argmax())
            day, more = kept["session"].iloc[at].date(), int(wrong.sum()) - 1
            others = f", and {more} sessions more" if more else ""
            return f"{day}: {name} {_figure(kept[name].iloc[at])} is stored, but by {by} it is {_figure(made[name].iloc[at])}{others}"
    return ""


def _figure(value: Any) -> str:
    return f"{value:,.6g}" if isinstance(value, float) else str(value)
