"""The code version of an asset: the recipe of its code, with the configuration it was made by."""

from collections.abc import Sequence
from hashlib import sha256

from my_dagster_project.pipeline.chain import Stage
from my_dagster_project.pipeline.recipes import recipe_of


def code_version(row: Stage, configuration: Sequence[object]) -> str:
    """What Dagster compares: another one makes the asset due."""
    return version_of("recipe", recipe_of(row.code), *configuration)


def version_before_recipes(row: Stage, configuration: Sequence[object]) -> str:
    """The code version that the same configuration had until code counted: what has it is adopted, not made anew."""
    return version_of(*configuration) if configuration else row.before


def version_of(*parts: object) -> str:
    """Twelve digits of the SHA-256 of whatever an asset's result depends on besides its inputs."""
    return sha256("\n".join(str(part) for part in parts).encode()).hexdigest()[:12]
