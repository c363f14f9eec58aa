"""Everything the routes ask: models, rows, the past and cards of one deployment, and a thread that looks after them."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

from my_dagster_project.serving.bodies import Answer, Answers
from my_dagster_project.serving.catalogue import Catalogue, Place
from my_dagster_project.serving.elsewhere import OwnProcess
from my_dagster_project.serving.model_cards import ModelCards, served
from my_dagster_project.serving.newest_row import NewestRows, session_of
from my_dagster_project.serving.opened_model import OpenedModel, Stored, open_model
from my_dagster_project.serving.rows import plain_rows
from my_dagster_project.serving.shelf import CHECK_SECONDS, Bounds, Shelf
from my_dagster_project.storage.opening import open_assets

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from my_dagster_project.foundation.settings import Settings
    from my_dagster_project.models.encoding import Rows
    from my_dagster_project.serving.bodies import Card

_log = logging.getLogger(__name__)


class Service:
    """What is served. Safe to share between threads."""

    def __init__(self, settings: Settings, bounds: Bounds | None = None) -> None:
        assets = open_assets(settings.store_url, settings.dvc_url)
        self.catalogue = Catalogue(settings, assets)
        self.shelf = Shelf(self.catalogue.find, self._load, bounds)
        self._elsewhere = OwnProcess()
        self._newest = NewestRows(self.catalogue)
        self._cards = ModelCards(self.catalogue, settings.project)
        self._ended = threading.Event()

    def begin(self) -> None:
        """Read the teams' files, and look after them and the open models from now on; raises ConfigError."""
        self.catalogue.platform()
        threading.Thread(target=self._look_after, name="look-after", daemon=True).start()

    def end(self) -> None:
        """Stop looking after anything."""
        self._ended.set()
        self._elsewhere.close()

    def model(self, place: Place) -> OpenedModel:
        """The model that answers for a place; raises ObjectMissingError, ModelError, StorageError."""
        self.catalogue.require(place)
        return self.shelf.get(place)

    def at_hand(self, place: Place) -> OpenedModel | None:
        """The same, of one that is open; None where that would take time. Raises ObjectMissingError for no place of ours."""
        self.catalogue.require(place)
        return self.shelf.at_hand(place)

    def of_newest(self, place: Place, model: OpenedModel) -> Answers:
        """What a model says after the newest session; raises as `NewestRows.row` does."""
        row = self._newest.row(place, model)
        session = session_of(row)
        target = self.catalogue.platform().calendar.next_session(session)
        answers = _answers(place, model, row)
        answers.predictions[0].session, answers.predictions[0].target_session = session, target
        return answers

    def of_rows(self, place: Place, model: OpenedModel, rows: Sequence[Mapping[str, Any]]) -> Answers:
        """What a model says of rows that somebody gave; raises WrongRowsError, ModelError."""
        return _answers(place, model, plain_rows(model.manifest, rows))

    def newest_row(self, place: Place, model: OpenedModel) -> dict[str, Any]:
        """The inputs of the newest session as they would be given, None for missing; raises as `NewestRows.row` does."""
        row = self._newest.row(place, model).iloc[0]
        values = {entry.name: row[entry.name] for entry in model.manifest.inputs}
        return {name: None if value != value else _plain(value) for name, value in values.items()}

    def card(self, place: Place) -> Card:
        """The model card of a place."""
        model = self.model(place)
        return self._cards.card(place, model, self.shelf.problems().get(place))

    def _load(self, stored: Stored, place: Place) -> OpenedModel:
        files = self.catalogue.assets.read(stored.asset)
        model = open_model(files, stored, self._elsewhere.scores)
        config = self.catalogue.require(place).teams[place.team]
        model.manifest.require(place.team, "" if config.pooled else place.symbol, config.target)
        return model

    def _look_after(self) -> None:
        while not self._ended.wait(CHECK_SECONDS):
            try:
                self.catalogue.look_again()
                self.shelf.look_after_all()
            except Exception:
                _log.exception("The models could not be looked after; it is tried again.")


def _answers(place: Place, model: OpenedModel, rows: Rows) -> Answers:
    columns = {name: values.tolist() for name, values in model.answers(rows).items()}
    positions = columns.get("position", [None] * len(columns["predicted_return"]))
    return Answers(
        team=place.team,
        symbol=place.symbol,
        model=served(model),
        predictions=[
            Answer(
                session=None,
                target_session=None,
                predicted_return=value,
                probability_up=None if chance != chance else chance,
                position=position,
            )
            for value, chance, position in zip(
                columns["predicted_return"], columns["probability_up"], positions, strict=True
            )
        ],
    )


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value
