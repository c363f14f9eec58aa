"""The code version of an asset: the recipe of its code, with the configuration it was made by."""

import json
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from hashlib import sha256
from importlib.util import cache_from_source
from pathlib import Path

from my_dagster_project.models.kinds.port import Kind
from my_dagster_project.models.kinds.table import KINDS
from my_dagster_project.pipeline.chain import STAGES, Stage
from my_dagster_project.pipeline.recipes import fingerprint_of_all, recipe_of


def code_version(row: Stage, configuration: Sequence[object], kind: Kind | None = None) -> str:
    """What Dagster compares: another one makes the asset due. `kind` is the team's kind of model, where there is a team."""
    return version_of("recipe", _recipe(row.recipe(kind)), *configuration)


def version_before_recipes(row: Stage, configuration: Sequence[object]) -> str:
    """The code version that the same configuration had until code counted: what has it is adopted, not made anew."""
    return version_of(*configuration) if configuration else row.before


def version_of(*parts: object) -> str:
    """Twelve digits of the SHA-256 of whatever an asset's result depends on besides its inputs."""
    return sha256("\n".join(str(part) for part in parts).encode()).hexdigest()[:12]


def know_all() -> None:
    """Have the recipe of every stage at hand, with every kind of model: forks of this process then have it, too."""
    for row in STAGES:
        for kind in (None, *KINDS.values()):
            _recipe(row.recipe(kind))


def recipes_file() -> Path:
    """Where recipes are kept between processes: beside Python's own compiled files, and like them only of these very sources."""
    return Path(cache_from_source(__file__)).with_name("recipes.json")


@cache
def _recipe(code: tuple[str, ...]) -> str:
    """The recipe that begins with these; working it out takes a third of a second for the whole chain, 10 ms to look up."""
    kept, name = _kept(), ",".join(code)
    if name not in kept:
        kept[name] = recipe_of(code)
        _keep(kept)
    return kept[name]


@cache
def _kept() -> dict[str, str]:
    of = fingerprint_of_all()
    try:
        kept = json.loads(recipes_file().read_text())
    except (OSError, ValueError):
        kept = {}
    return kept if kept.get("of") == of else {"of": of}


def _keep(kept: dict[str, str]) -> None:
    """Whole or not at all, for several processes may; where Python may not keep its compiled files, neither may we."""
    file = recipes_file()
    edited_meanwhile = fingerprint_of_all() != kept["of"]
    if edited_meanwhile or sys.dont_write_bytecode or not file.parent.is_dir():
        return
    made = file.with_suffix(f".{os.getpid()}")
    with suppress(OSError):
        made.write_text(json.dumps(kept))
        made.replace(file)
