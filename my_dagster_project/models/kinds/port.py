"""What a kind of model is to the platform: the one small port that every kind fills in."""

from collections.abc import Mapping
from dataclasses import dataclass

from my_dagster_project.domain.targets import Target


@dataclass(frozen=True)
class Task:
    """What a model has to learn: the target of its team's file from feature columns, each with its kind."""

    target: Target
    features: Mapping[str, str]
