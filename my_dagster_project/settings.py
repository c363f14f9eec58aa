"""Where everything lies and who may reach it: the only place that reads the environment.

Without any variable set it describes the embedded default: files under `.local/`, no server, no account. `.env.secrets`
is loaded here explicitly, because Dagster reads only `.env`, and never overrides what the environment already says.
"""

import os
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

from my_dagster_project.errors import ConfigError
from my_dagster_project.storage.object_store import S3Settings

_QUIET_DEFAULTS = {
    # Two threads were no faster for these small models and cost 3 x the CPU on a busy machine; one thread also makes
    # the same seed give the same bits (research/ludwig.md 3.6).
    "OMP_NUM_THREADS": "1",
    "HF_HUB_OFFLINE": "1",
    "DVC_NO_ANALYTICS": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "1",
    "DAGSTER_DISABLE_TELEMETRY": "1",
}


@dataclass(frozen=True)
class Credentials:
    """A key and its secret; neither is ever shown."""

    key: str = field(repr=False)
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Settings:
    """Addresses of every part, as URLs and absolute paths."""

    project: Path
    home: Path
    store_url: str
    dvc_url: str
    mlflow_uri: str
    mlflow_artifacts: str
    broker_url: str | None
    s3: S3Settings | None
    config_mode: Literal["branches", "working tree"]
    git_remote: str | None
    dagit_url: str

    @property
    def dagster_home(self) -> Path:
        """Dagster's own state in the embedded default."""
        return self.home / "dagster"

    def credentials(self, slot: str) -> Credentials | None:
        """The broker credentials of a slot named in the registry: `RED` means ALPACA_RED_KEY and ALPACA_RED_SECRET."""
        key, secret = os.environ.get(f"ALPACA_{slot}_KEY"), os.environ.get(f"ALPACA_{slot}_SECRET")
        return Credentials(key, secret) if key and secret else None

    def market_data_keys(self, source: str) -> tuple[str, str]:
        """The organiser's key and secret for a market data source; empty where it needs none or there is none."""
        names = {
            "alpha_vantage": ("ALPHA_VANTAGE_API_KEY", ""),
            "alpaca": ("ALPACA_DATA_KEY", "ALPACA_DATA_SECRET"),
        }
        key, secret = names.get(source, ("", ""))
        return os.environ.get(key, ""), os.environ.get(secret, "")


@cache
def load_settings() -> Settings:
    """The settings of this process; reads the environment and `.env.secrets` once."""
    project = find_project(Path.cwd())
    load_secrets(project)
    return settings_from(os.environ, project)


def settings_from(environ: Mapping[str, str], project: Path) -> Settings:
    """Settings from a given environment, for tests and for `load_settings`."""
    home = Path(environ.get("TRADING_HOME") or project / ".local").resolve()
    return Settings(
        project=project,
        home=home,
        store_url=environ.get("TRADING_STORE_URL") or (home / "store").as_uri(),
        dvc_url=environ.get("TRADING_DVC_URL") or (home / "dvc").as_uri(),
        mlflow_uri=environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{home}/mlflow/mlflow.db",
        mlflow_artifacts=environ.get("TRADING_MLFLOW_ARTIFACTS") or (home / "mlflow" / "artifacts").as_uri(),
        broker_url=environ.get("TRADING_BROKER_URL") or None,
        s3=_s3(environ),
        config_mode="working tree" if environ.get("TRADING_CONFIG") == "working-tree" else "branches",
        git_remote=environ.get("TRADING_GIT_REMOTE") or None,
        dagit_url=environ.get("TRADING_DAGIT_URL") or "http://127.0.0.1:3000",
    )


def find_project(start: Path) -> Path:
    """The nearest folder at or above `start` that holds configs/teams.yaml; TRADING_PROJECT overrides the search."""
    override = os.environ.get("TRADING_PROJECT")
    candidates = [Path(override)] if override else [start, *start.parents]
    for folder in candidates:
        if (folder / "configs" / "teams.yaml").is_file():
            return folder.resolve()
    raise ConfigError(
        f"no configs/teams.yaml in {candidates[0]} or above; change into the project's folder or set TRADING_PROJECT"
    )


def load_secrets(project: Path) -> None:
    """Put `.env.secrets` of the project into the environment, without overriding what is already there."""
    from dotenv import load_dotenv

    load_dotenv(project / ".env.secrets", override=False)


def prepare_environment(settings: Settings, environ: MutableMapping[str, str] = os.environ) -> None:
    """Defaults for the libraries underneath, and a Dagster home that exists; called once by the command line."""
    for name, value in {**_QUIET_DEFAULTS, "DAGSTER_HOME": str(settings.dagster_home)}.items():
        environ.setdefault(name, value)
    home = Path(environ["DAGSTER_HOME"])
    environ.setdefault("TRADING_DAGSTER_HISTORY", str(home / "history"))
    home.mkdir(parents=True, exist_ok=True)
    config = home / "dagster.yaml"
    if not config.exists():
        embedded = Path(__file__).parent / "instance" / "embedded.yaml"
        config.write_text(embedded.read_text(encoding="utf-8"), encoding="utf-8")
    (settings.home / "mlflow").mkdir(parents=True, exist_ok=True)


def _s3(environ: Mapping[str, str]) -> S3Settings | None:
    if not environ.get("AWS_ACCESS_KEY_ID"):
        return None
    return S3Settings(
        endpoint_url=environ.get("AWS_ENDPOINT_URL_S3") or environ.get("AWS_ENDPOINT_URL"),
        access_key=environ["AWS_ACCESS_KEY_ID"],
        secret_key=environ.get("AWS_SECRET_ACCESS_KEY", ""),
        region=environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or "us-east-1",
    )
