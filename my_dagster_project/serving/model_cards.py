"""Model cards: what is known of a model that is served, put together from what is stored."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import TYPE_CHECKING

from my_dagster_project.domain.indicators import FEATURE_KINDS
from my_dagster_project.foundation.errors import VersioningError
from my_dagster_project.history.lineage import newest_versions
from my_dagster_project.serving.bodies import (
    Card,
    Configuration,
    Figures,
    InputField,
    ServedModel,
)
from my_dagster_project.serving.past import figures
from my_dagster_project.serving.recent import Recent
from my_dagster_project.storage import names
from my_dagster_project.storage.stored_bars import bars_content

if TYPE_CHECKING:
    from pathlib import Path

    from my_dagster_project.domain.evaluation import Metrics
    from my_dagster_project.models.manifest import Input
    from my_dagster_project.serving.catalogue import Catalogue, Place
    from my_dagster_project.serving.opened_model import OpenedModel
    from my_dagster_project.teams.schema import TeamConfig


def served(model: OpenedModel) -> ServedModel:
    """Which model it is."""
    return ServedModel(
        md5=model.stored.md5,
        refit=model.stored.window or None,
        trained_through=model.manifest.trained_through,
        engine=model.engine,
    )


class ModelCards:
    """Cards by place; what costs something to find out is kept while predictions and bars stay."""

    def __init__(self, catalogue: Catalogue, project: Path) -> None:
        self._catalogue, self._project = catalogue, project
        self._figures = Recent[tuple[str | None, ...], Figures]()

    def card(self, place: Place, model: OpenedModel, problem: str | None) -> Card:
        """The card of the model that answers for a place; raises StorageError."""
        config = self._catalogue.require(place).teams[place.team]
        manifest = model.manifest
        return Card(
            team=place.team,
            symbol=place.symbol,
            target=manifest.target,
            kind=manifest.kind,
            answers=manifest.answer,
            model=served(model),
            exported=manifest.exported,
            reason=manifest.reason,
            parity=manifest.parity.max_abs_diff if manifest.parity else None,
            inputs=[_field(entry, config.for_symbol(place.symbol)) for entry in manifest.inputs],
            rows=manifest.rows,
            epochs=manifest.epochs,
            seed=manifest.seed,
            versions=manifest.versions,
            figures=self._figures_of(place),
            configuration=self._origin(place, model),
            problem=problem,
        )

    def _figures_of(self, place: Place) -> Figures:
        assets = self._catalogue.assets
        key = (*place, assets.fingerprint(names.predictions(*place)), bars_content(assets, place.symbol))
        return self._figures.get(key, lambda: _shown(figures(assets, place)))

    def _origin(self, place: Place, model: OpenedModel) -> Configuration:
        """The newest commit of the team's branch that brought the model's files; of one that is not committed yet nothing."""
        branch = self._catalogue.require(place).registry.branch_of(place.team)
        version = None
        with suppress(VersioningError):
            version = newest_versions(self._project, branch, place.team)[0].get(model.stored.asset)
        if version is None:
            return Configuration(version=None, config_sha=None, run=None)
        return Configuration(
            version=version.sha,
            config_sha=next(iter(version.config_shas), None),
            run=next(iter(version.runs), None),
        )


def _field(entry: Input, config: TeamConfig) -> InputField:
    return InputField(
        name=entry.name,
        type=entry.type,
        unit=_in_words(config, entry.name),
        fill=entry.fill,
        categories=sorted(entry.categories) if entry.categories else None,
    )


def _in_words(config: TeamConfig, name: str) -> str:
    """What a feature of the team's file is, with its parameters."""
    spec = config.features.get(name)
    if spec is None:
        return "no longer in the team's file"
    asked = spec.complete_parameters | ({"lag": spec.lag} if spec.lag else {})
    said = ", ".join(f"{parameter} {value:g}" for parameter, value in asked.items())
    return FEATURE_KINDS[spec.kind].description + (f" ({said})" if said else "")


def _shown(found: Metrics) -> Figures:
    """JSON knows no NaN."""
    values = {name: getattr(found, name) for name in Figures.model_fields}
    return Figures(**{name: None if math.isnan(value) else value for name, value in values.items()})
