"""The committed configs in a folder of a test's own, changed: fewer teams, fewer symbols, fewer years."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

CONFIGS = Path(__file__).parents[2] / "configs"

type Change = Callable[[dict[str, Any]], None]


def write_configs(
    folder: Path, registry: Change, teams: Mapping[str, Change], like: str | None = None
) -> None:
    """Registry, defaults and a file for each team, made of the committed one of that name, or all of that of team `like`.

    A model is trained once and not each month, which no test that is about something else waits for.
    """
    configs = folder / "configs"
    configs.mkdir(parents=True)
    shared = (CONFIGS / "defaults.yaml").read_text()
    (configs / "defaults.yaml").write_text(shared.replace("refit: monthly", "refit: never"))
    _write(configs, "teams", "teams", registry)
    for team, change in teams.items():
        _write(configs, team, like or team, change)


def _write(configs: Path, name: str, like: str, change: Change) -> None:
    document = yaml.safe_load((CONFIGS / f"{like}.yaml").read_text())
    change(document)
    (configs / f"{name}.yaml").write_text(yaml.safe_dump(document, sort_keys=False))
