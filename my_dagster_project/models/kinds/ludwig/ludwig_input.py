"""What Ludwig is asked to train, and what is refused before it sees it."""

from __future__ import annotations

import copy
from typing import Any

from my_dagster_project.domain.targets import NEXT_DIRECTION, NEXT_RETURN, Target
from my_dagster_project.models.kinds.ludwig.ludwig_values import UNFIT
from my_dagster_project.models.training_input import SPLIT, TrainingSpec

# What Ludwig calls the kind of output that learns a target.
OUTPUT_TYPE: dict[Target, str] = {NEXT_RETURN: "number", NEXT_DIRECTION: "binary"}
PLATFORM_SPLIT = {"type": "fixed", "column": SPLIT}


def inputs_of(spec: TrainingSpec) -> list[dict[str, Any]]:
    """The input features of the configuration, as the team wrote them."""
    return spec.section.get("input_features") or []


def ludwig_config(spec: TrainingSpec) -> dict[str, Any]:
    """The configuration to train with: a copy of the specification's, on the platform's split.

    Raises:
        ModelError: it cannot be trained as written; the text says what to change.
    """
    config = copy.deepcopy(spec.section)
    if config.get("model_type", "ecd") != "ecd":
        raise spec.error(f"ludwig.model_type {config['model_type']} is not supported; leave it out.")
    if config.setdefault("preprocessing", {}).setdefault(SPLIT, PLATFORM_SPLIT) != PLATFORM_SPLIT:
        raise spec.error("ludwig.preprocessing.split is the platform's; leave it out.")
    _check_features(spec)
    for key in ("batch_size", "eval_batch_size"):
        # Ludwig's default: it times batch sizes on this machine at this moment, which costs 3 to 10 s per
        # model and gives other weights at each run.
        if config.get("trainer", {}).get(key, "auto") in ("auto", None):
            raise spec.error(
                f"ludwig.trainer.{key} must be a number: `auto` gives another model at each run."
            )
    return config


def _check_features(spec: TrainingSpec) -> None:
    names = [feature.get("name") for feature in inputs_of(spec)]
    if not names:
        raise spec.error("ludwig.input_features is empty; name at least one feature.")
    unknown = [name for name in names if name not in spec.features]
    if unknown:
        raise spec.error(f"ludwig.input_features names {unknown}, which are not among the team's features.")
    outputs = [
        (feature.get("name"), feature.get("type")) for feature in spec.section.get("output_features") or []
    ]
    wanted = (spec.target, OUTPUT_TYPE[spec.target])
    if outputs != [wanted]:
        raise spec.error(
            f"ludwig.output_features must be exactly one, name {wanted[0]} of type {wanted[1]}; found {outputs}."
        )


def check_rendered(spec: TrainingSpec, rendered: dict[str, Any]) -> None:
    """Check what only Ludwig's rendered configuration tells: how each input fills a missing value."""
    for feature in rendered["input_features"]:
        preprocessing = feature.get("preprocessing", {})
        for key in ("missing_value_strategy", "outlier_strategy"):
            strategy = preprocessing.get(key)
            if strategy in UNFIT:
                raise spec.error(
                    f"input {feature['name']} has {key}: {strategy}, which has no answer for a single session "
                    f"(bfill even looks ahead); use fill_with_mean or fill_with_const."
                )
