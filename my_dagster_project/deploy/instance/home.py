"""The Dagster home of the embedded default: made at the first start, and kept so that what is in it opens."""

import os
import re
from collections.abc import MutableMapping
from importlib.resources import files
from pathlib import Path

from my_dagster_project.foundation.addresses import alias_of, make_alias
from my_dagster_project.foundation.settings import Settings, quiet_libraries

_STORAGE = re.compile(r"\bmy_dagster_project\.[\w.]*\bsqlite_storage\b")


def prepare_environment(settings: Settings, environ: MutableMapping[str, str] = os.environ) -> None:
    """Defaults for the libraries underneath, and a Dagster home that exists; called once by the command line."""
    quiet_libraries(environ)
    settings.home.mkdir(parents=True, exist_ok=True)
    make_alias(settings.home)
    environ.setdefault("DAGSTER_HOME", str(alias_of(settings.home) / settings.dagster_home.name))
    home = Path(environ["DAGSTER_HOME"]).absolute()
    environ["DAGSTER_HOME"] = str(home)  # Dagster takes no other.
    environ.setdefault("TRADING_DAGSTER_HISTORY", str(home / "history"))
    home.mkdir(parents=True, exist_ok=True)
    _prepare_config(home / "dagster.yaml")
    (settings.home / "mlflow").mkdir(parents=True, exist_ok=True)


def _prepare_config(config: Path) -> None:
    """Write the file where there is none; one of an earlier version, which people may have edited, finds our storages again."""
    if not config.exists():
        config.write_text(
            (files(__package__) / "embedded.yaml").read_text(encoding="utf-8"), encoding="utf-8"
        )
        return
    text = config.read_text(encoding="utf-8")
    today = _STORAGE.sub(f"{__package__}.sqlite_storage", text)
    if today != text:
        new = config.with_suffix(f".{os.getpid()}")
        new.write_text(today, encoding="utf-8")
        new.replace(config)
