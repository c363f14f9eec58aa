"""What a kind of model says of a team's section when it tries it, before the first training: once per section, remembered.

It is asked on the team's own features of the sample's prices, which are always at hand and are real: `log1p` of a volatility
is right, of a return it is not.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date
from importlib.metadata import version
from typing import TYPE_CHECKING

from my_dagster_project.domain.features import Feature, compute_features
from my_dagster_project.domain.targets import training_rows
from my_dagster_project.foundation.errors import ModelError, ObjectMissingError, StorageError
from my_dagster_project.foundation.problems import Problem
from my_dagster_project.market_data.sample import SampleSource
from my_dagster_project.models.bounds import Bounds
from my_dagster_project.models.kinds.port import Verdict
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.teams.fingerprint import fingerprint
from my_dagster_project.teams.platform import Platform
from my_dagster_project.teams.schema import TeamConfig

if TYPE_CHECKING:
    import pandas as pd

_REMEMBERED = ".rehearsals/"
# A number for this code's own way of asking; another one asks anew.
_ASKED = 1
_SYMBOL, _START, _END = "IBM", date(2000, 3, 1), date(2012, 11, 30)


def require_trainable(
    platform: Platform, team: str, symbol: str, assets: AssetStore, bounds: Bounds
) -> Verdict:
    """Raise ModelError, with file and line, where a symbol's section cannot be trained, or makes too large a model."""
    config = platform.teams[team].for_symbol(symbol)
    verdict = remembered(assets, config) or _asked(assets, config, bounds)
    wrong = refusal(platform, team, symbol, verdict)
    if wrong:
        raise ModelError(wrong)
    return verdict


def refusals(platform: Platform, team: str, assets: AssetStore, *, ask: bool) -> tuple[list[str], bool]:
    """What is refused of a team's sections when they are tried, each once, and whether there is one that was not tried yet.

    With `ask` it is tried now, here, which imports the library.
    """
    budget = platform.registry.teams[team].training
    bounds = Bounds(budget.seconds, budget.memory_mb * 1024**2)
    found: dict[str, Verdict | None] = {}
    refused = []
    for symbol in platform.teams[team].symbols:
        config = platform.teams[team].for_symbol(symbol)
        if _key(config) in found:
            continue
        verdict = _known(assets, config)
        if verdict is None and ask:
            verdict = _asked(assets, config, bounds)
        found[_key(config)] = verdict
        if verdict and (wrong := refusal(platform, team, symbol, verdict)):
            refused.append(wrong)
    return refused, None in found.values()


def remembered(assets: AssetStore, config: TeamConfig) -> Verdict | None:
    """What came of trying the section of this effective configuration; None where it was not tried yet."""
    if config.kind.rehearse is None:
        return Verdict()
    try:
        told = json.loads(assets.store.get(_key(config)))
        return Verdict(**{**told, "loc": tuple(told["loc"])})
    except (ObjectMissingError, ValueError, TypeError, KeyError):
        return None


def refusal(platform: Platform, team: str, symbol: str, verdict: Verdict) -> str:
    """`configs/red.yaml:41: ludwig.trainer.optimizer: Ludwig cannot train it: ...`, or "" when nothing is wrong."""
    allowed = platform.registry.teams[team].training.weights
    at = (platform.teams[team].for_symbol(symbol).model_key, *verdict.loc)
    if verdict.reason:
        problem = Problem(at, verdict.reason)
    elif verdict.weights > allowed:
        text = f"makes a model of {verdict.weights:,} weights; the registry allows {team} {allowed:,}"
        problem = Problem(at, text)
    else:
        return ""
    return platform.said_of(team, symbol, problem)


def _known(assets: AssetStore, config: TeamConfig) -> Verdict | None:
    try:
        return remembered(assets, config)
    except StorageError:  # it is only looked up; the training itself will need the store
        return None


def _asked(assets: AssetStore, config: TeamConfig, bounds: Bounds) -> Verdict:
    if config.kind.rehearse is None:
        return Verdict()
    try:
        rows = _sample_rows(config)
    except ModelError:  # features that need longer to settle than the sample's twelve years
        return Verdict(lasting=False)
    verdict = config.kind.rehearse(config.complete_section(), config.target, rows, bounds)
    if verdict.lasting:
        assets.store.put(_key(config), json.dumps(asdict(verdict)).encode())
    return verdict


def _sample_rows(config: TeamConfig) -> pd.DataFrame:
    bars = SampleSource().fetch(_SYMBOL, _START, _END)
    features = compute_features(bars, _used(config), _SYMBOL)
    return training_rows(
        features, bars, config.target, start=None, cutoff=_END, validation_fraction=0.15, symbol=_SYMBOL
    )


def _used(config: TeamConfig) -> list[Feature]:
    return [feature for feature in config.feature_list if feature.name in config.input_names]


def _key(config: TeamConfig) -> str:
    return f"{_REMEMBERED}{configuration_key(config)}.json"


def configuration_key(config: TeamConfig) -> str:
    """What a kind makes of a section hangs on: that, target, its features, the versions that compute. Symbols alike share it."""
    said = {
        "asked": _ASKED,
        config.kind.name: config.complete_section(),
        "target": config.target,
        "features": {name: config.features[name].model_dump(mode="json") for name in config.input_names},
        "by": {name: version(name) for name in config.kind.packages.values()},
    }
    return fingerprint(said)
