"""A team's models of a symbol walked through the years: a refit for each window of a range, and what it said of each session.

What is stored lies beside the predictions, not among them (`red/AAPL/walk_forward`, a file for each window): a replay or a season
never reads it, and the sessions it is about may lie before the competition. A refit is the one that a season would have made:
the same rows, seed and code. Its model is kept beside (`red/AAPL/walk_model@2012-12-01`), and a row names the md5 of its files: more
sessions of a window that was walked are predicted by it, not trained for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING

from my_dagster_project.domain.features import compute_features
from my_dagster_project.domain.leaks import Refit as Learnt
from my_dagster_project.domain.lookahead import check_features
from my_dagster_project.domain.predictions import model_from_the_future, prediction_table, rows_of
from my_dagster_project.domain.seeds import training_seed
from my_dagster_project.domain.targets import rows_version, training_rows
from my_dagster_project.domain.windows import last_close_before
from my_dagster_project.foundation.errors import ModelError, ObjectMissingError
from my_dagster_project.models.bounds import Bounds
from my_dagster_project.models.parity import TOLERANCE
from my_dagster_project.models.prediction import predict
from my_dagster_project.models.training_input import TrainingSpec
from my_dagster_project.pipeline import chain
from my_dagster_project.pipeline.assets.outputs import data_version
from my_dagster_project.pipeline.remembered_controls import brought_along
from my_dagster_project.pipeline.versions import code_version
from my_dagster_project.storage import names
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.manifests import Asset
from my_dagster_project.storage.parquet import from_parquet, to_parquet
from my_dagster_project.storage.stored_bars import read_bars
from my_dagster_project.teams.platform import Platform
from my_dagster_project.teams.schema import TeamConfig

if TYPE_CHECKING:
    import pandas as pd

type Said = Callable[[str], None]


def model_of(team: str, symbol: str, window: date) -> Asset:
    """Where the model of a refit lies, beside those of the competition: the same files, where that has made it too."""
    return names.of_window(names.named("team-symbol", "walk_model", team, symbol), window.isoformat())


def stored(team: str, symbol: str) -> Asset:
    """Where what was said of a symbol along the way lies, a Parquet file for each window."""
    return names.named("team-symbol", "walk_forward", team, symbol)


@dataclass(frozen=True)
class Refit:
    """One refit of the way: the first day of its window, the last close its training may see, the sessions it predicts."""

    window: date
    closes: date
    sessions: list[date]

    @property
    def file(self) -> str:
        """The name of what is stored of it."""
        return f"{self.window}.parquet"


@dataclass(frozen=True)
class Walk:
    """The way of one team's symbol through some sessions (ascending)."""

    platform: Platform
    team: str
    symbol: str
    sessions: list[date]
    assets: AssetStore

    def refits(self) -> Iterator[Refit]:
        """The refits that predict these sessions, the earliest first; of a team that never refits one, from before them all."""
        training, calendar = self.platform.teams[self.team].training, self.platform.calendar
        if not training.refits:
            first = self.sessions[0]
            yield Refit(first, calendar.previous_session(first), self.sessions)
            return
        for window, held in groupby(self.sessions, training.window_of):
            begins = date.fromisoformat(window)
            yield Refit(begins, last_close_before(calendar, begins), list(held))

    @property
    def left(self) -> list[Refit]:
        """The refits of which nothing is stored; of one that is there it shows only when it is read whether it still holds."""
        there = self.assets.names(stored(self.team, self.symbol))
        return [refit for refit in self.refits() if refit.file not in there]

    def predictions(self, bounds: Bounds | None, said: Said) -> pd.DataFrame:
        """What each session's refit says of it; trains those that are not stored yet, or were made otherwise, and stores them.

        Raises ModelError where a refit cannot be trained, or saw what it must not, ObjectMissingError without bars.
        """
        import pandas as pd

        wanted = pd.DatetimeIndex(self.sessions)
        together = pd.concat(self._tables(bounds, said), ignore_index=True)
        return together[together["session"].isin(wanted)].reset_index(drop=True)

    def _tables(self, bounds: Bounds | None, said: Said) -> Iterator[pd.DataFrame | None]:
        """What each refit said. One that begins warm is trained on from the model of the one before, which is kept."""
        warm, before = self._config.training.warm_start, None
        for refit in self.refits():
            rows = self._rows(refit)
            recipe = self._recipe(refit, rows)
            there = self._kept(refit, recipe)
            files = self._model(refit, recipe) if warm or there is None else None
            if files is None and (warm or there is None):
                said(f"{self.team} {self.symbol}: refit of {refit.window}, {len(rows)} rows")
                files = self._trained(refit, rows, bounds, before)
                there = None
            if there is None and files is not None:
                there = self._store(refit, self._predicted(refit, files).assign(recipe=recipe))
            before = files if warm else None
            yield there

    def _kept(self, refit: Refit, recipe: str) -> pd.DataFrame | None:
        """What is stored of a refit that holds still."""
        there = self._stored(refit)
        holds = there is not None and there["recipe"].eq(recipe).all() and self._holds(there, refit)
        return there if holds else None

    def _store(self, refit: Refit, table: pd.DataFrame) -> pd.DataFrame:
        record = {"config_sha": self._config.model_fingerprint()[:12], "sessions": f"{refit.window}"}
        data = to_parquet(table)
        self.assets.write(stored(self.team, self.symbol), {refit.file: data}, replace=False, record=record)
        return from_parquet(data)  # the same whether it was there before or not

    def _stored(self, refit: Refit) -> pd.DataFrame | None:
        try:
            return from_parquet(self.assets.read_file(stored(self.team, self.symbol), refit.file))
        except ObjectMissingError:
            return None

    def _holds(self, table: pd.DataFrame, refit: Refit) -> bool:
        return {*refit.sessions} <= {session.date() for session in table["session"]}

    def _rows(self, refit: Refit) -> pd.DataFrame:
        config, label = self._config, f"{self.team} {self.symbol}"
        return training_rows(
            self._features,
            self._bars,
            config.target,
            start=config.training.start,
            cutoff=refit.closes,
            validation_fraction=config.training.validation_fraction,
            sessions=config.training.sessions,
            symbol=label,
        )

    def _model(self, refit: Refit, recipe: str) -> Mapping[str, bytes] | None:
        """The model that made what is stored of a refit, if it was made as one would be now."""
        there = self._stored(refit)
        if there is None or not there["recipe"].eq(recipe).all():
            return None
        try:
            files = self.assets.read(model_of(self.team, self.symbol, refit.window))
        except ObjectMissingError:
            return None
        return files if there["model"].eq(data_version(files)).all() else None

    def _trained(
        self, refit: Refit, rows: pd.DataFrame, bounds: Bounds | None, before: Mapping[str, bytes] | None
    ) -> Mapping[str, bytes]:
        spec, config = replace(self._spec(refit, bounds), begins_with=before), self._config
        learnt = Learnt(
            spec.of,
            rows,
            self._features,
            self._bars,
            config.feature_list,
            config.target,
            refit.closes,
            self.symbol,
        )
        if wrong := learnt.problem:
            raise ModelError(wrong)
        if wrong := brought_along(config, spec, rows, self.assets):
            raise ModelError(wrong)
        trained = config.kind.fit(spec, rows, lambda epoch, metrics: None)
        parity = trained.manifest.parity
        if parity is not None and parity.max_abs_diff > TOLERANCE:
            raise ModelError(
                f"{spec.of}: exported to ONNX it is {parity.max_abs_diff:.1e} apart from {config.kind.title};"
                f" at most {TOLERANCE:g} is allowed"
            )
        if early := model_from_the_future(trained.manifest.trained_through, refit.sessions):
            raise ModelError(f"{spec.of}: {early}")
        record = {"config_sha": config.model_fingerprint()[:12], "sessions": f"{refit.window}"}
        kept = model_of(self.team, self.symbol, refit.window)
        self.assets.write(kept, trained.files, replace=True, record=record)
        return trained.files

    def _predicted(self, refit: Refit, files: Mapping[str, bytes]) -> pd.DataFrame:
        asked = rows_of(self._features, refit.sessions, f"{self.team} {self.symbol}")
        answers = predict(files, asked).frame
        table = prediction_table(
            asked, answers, self._bars, self.platform.calendar, self.symbol, refit.closes
        )
        return table.assign(team=self.team, refit=refit.window.isoformat(), model=data_version(files))

    def _spec(self, refit: Refit, bounds: Bounds | None) -> TrainingSpec:
        config = self._config
        return TrainingSpec(
            team=self.team,
            symbol=self.symbol,
            section=config.complete_section(),
            target=config.target,
            features=tuple(config.input_names),
            seed=self._seed(refit),
            trained_through=refit.closes,
            bounds=bounds,
            window=refit.window.isoformat(),
        )

    def _seed(self, refit: Refit) -> int:
        return training_seed(self.platform.registry.competition.salt, self.team, self.symbol, refit.window)

    def _recipe(self, refit: Refit, rows: pd.DataFrame) -> str:
        """What the answers follow from: configuration, code, seed and rows."""
        config = self._config
        chain_of = (next(self.refits()).window,) if config.training.warm_start else ()
        configuration = (config.model_fingerprint(), self._seed(refit), rows_version(rows), *chain_of)
        stages = (chain.stage("model"), chain.stage("predictions"))
        return " ".join(code_version(row, configuration, config.kind) for row in stages)

    @property
    def _config(self) -> TeamConfig:
        return self.platform.teams[self.team].for_symbol(self.symbol)

    @cached_property
    def _bars(self) -> pd.DataFrame:
        return read_bars(self.assets, self.symbol)

    @cached_property
    def _features(self) -> pd.DataFrame:
        """Computed from the stored bars, and proven blind to the future before anything is trained on them."""
        features = self._config.feature_list
        table = compute_features(self._bars, features, self.symbol)
        if mismatches := check_features(table, self._bars, features, self.symbol):
            raise ModelError(f"{self.team} {self.symbol}: {mismatches[0]}")
        return table
