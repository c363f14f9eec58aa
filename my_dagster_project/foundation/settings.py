"""Where everything lies and who may reach it: with `pool_settings` and `secret_values` the only places that read the environment.

Without any variable set it describes the embedded default: files under `.local/`, no server, no account. `.env.secrets`
is loaded here explicitly, because Dagster reads only `.env`, and never overrides what the environment already says.
"""

import os
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

from my_dagster_project.foundation.addresses import (
    address,
    alias_of,
    folder,
    git_address,
    host_name,
    sqlite_address,
)
from my_dagster_project.foundation.contacts import Contact, MailServer
from my_dagster_project.foundation.errors import ConfigError
from my_dagster_project.foundation.git_login import GitLogin, split_address
from my_dagster_project.foundation.s3_settings import S3Settings

_QUIET_DEFAULTS = {
    # Two threads were no faster for these small models and cost 3 x the CPU on a busy machine; one thread also makes
    # the same seed give the same bits.
    "OMP_NUM_THREADS": "1",
    "HF_HUB_OFFLINE": "1",
    "DVC_NO_ANALYTICS": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # By default MLflow's client asks a server that is away 7 times, for 4 minutes; the step's own retries come on top.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
    "DO_NOT_TRACK": "1",
    "DAGSTER_DISABLE_TELEMETRY": "1",
    # What a run plans, and a range of sessions that one output makes, is stored in one transaction.
    "DAGSTER_EVENT_BATCH_SIZE": "500",
}
_TOKEN_LENGTH = 16

_DAGIT = "http://127.0.0.1:3000"


@dataclass(frozen=True)
class Credentials:
    """A key and its secret; neither is ever shown."""

    key: str = field(repr=False)
    secret: str = field(repr=False)


class NoProjectError(ConfigError):
    """There is no project in this folder, nor in one above it."""


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
    paper_broker_url: str | None
    """The bundled paper broker as a service; None is the one inside each process."""
    s3: S3Settings | None
    config_mode: Literal["branches", "working tree"]
    git_remote: str | None
    dagit_url: str
    dagit_link: str = ""
    """Where people open Dagit; `dagit_url` is where the platform itself reaches it."""
    public_name: str = ""
    """The name of this machine that people use (TRADING_HOST), where it is not localhost."""
    mlflow_link: str = ""
    """Where people open MLflow; empty where there is no address for them."""
    evidently_link: str = ""
    """Where people open Evidently's pages; empty where there is no address for them."""
    retry_seconds: float = 30.0
    """How long a step waits before it asks a server that was not there again (`retries.py`)."""
    schedules_running: bool = False
    """Whether schedules run from the start (the stack) or are started by hand in Dagit (the embedded default)."""
    front_url: str | None = None
    """Where people open the front page, for links in Dagit and in notifications."""
    git_login: GitLogin | None = None
    """The platform's account at the remote, for http(s)."""
    git_follow_main: bool = False
    """The project is the platform's own clone: its main branch follows the remote's, with its files."""
    git_poll_seconds: float = 10.0
    """How often the remote is asked for pushes at most."""
    proxy_names_user: bool = False
    """Whether a proxy in front of Dagit says who asks (the stack); without one there is one person, who may everything."""
    environ: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    """The environment as it was found: accounts and addresses whose names depend on which teams there are."""

    @property
    def dagit_is_named(self) -> bool:
        """Whether an address of Dagit was given, so that it ought to run there."""
        return self.dagit_url != _DAGIT

    @property
    def git_hook_secret(self) -> str:
        """What a git host signs its push notices with; empty when it is not set."""
        return self.environ.get("GIT_HOOK_SECRET", "")

    @property
    def dagster_home(self) -> Path:
        """Dagster's own state in the embedded default."""
        return self.home / "dagster"

    @property
    def instance_home(self) -> Path:
        """The folder of the dagster.yaml in force: what DAGSTER_HOME says, in the stack, or the embedded default's."""
        return Path(self.environ.get("DAGSTER_HOME") or self.dagster_home)

    def credentials(self, slot: str) -> Credentials | None:
        """The broker credentials of a slot named in the registry: `RED` means ALPACA_RED_KEY and ALPACA_RED_SECRET."""
        key, secret = self.environ.get(f"ALPACA_{slot}_KEY"), self.environ.get(f"ALPACA_{slot}_SECRET")
        return Credentials(key, secret) if key and secret else None

    def contact(self, who: str) -> Contact:
        """Where a team or `organiser` is told news: NOTIFY_RED_WEBHOOK, NOTIFY_RED_EMAIL; `deep-blue` is DEEP_BLUE."""
        slot = f"NOTIFY_{who.upper().replace('-', '_')}_"
        named = {
            name.removeprefix(slot): value for name, value in self.environ.items() if name.startswith(slot)
        }
        return Contact({channel.lower(): address for channel, address in named.items()})

    def mail_server(self) -> MailServer | None:
        """The server for e-mail, None without SMTP_HOST; raises ConfigError when SMTP_PORT is no number."""
        host, port = self.environ.get("SMTP_HOST"), self.environ.get("SMTP_PORT") or "587"
        if not host:
            return None
        if not port.isdecimal():
            raise ConfigError("SMTP_PORT is no number; 587, 465 and 25 are usual")
        user, sender = self.environ.get("SMTP_USER", ""), self.environ.get("SMTP_FROM", "")
        return MailServer(
            host, int(port), user, self.environ.get("SMTP_PASSWORD", ""), sender or user or f"trading@{host}"
        )

    def paper_broker_token(self) -> str:
        """The token that opens the bundled broker's organiser routes; raises ConfigError when there is none to rely on."""
        token = self.environ.get("PAPER_BROKER_TOKEN", "")
        if len(token) < _TOKEN_LENGTH:
            raise ConfigError(
                f"PAPER_BROKER_TOKEN is missing or shorter than {_TOKEN_LENGTH} characters; the paper broker and all who"
                " trade there need the same one: put it into .env.secrets"
            )
        return token

    @property
    def unused_token(self) -> str:
        """What to say where a broker's token is set that nobody uses; '' where there is none."""
        if self.paper_broker_url or self.broker_url or not self.environ.get("PAPER_BROKER_TOKEN"):
            return ""
        return (
            "PAPER_BROKER_TOKEN is set and TRADING_PAPER_BROKER is not: orders go to the bundled broker of each process, not to"
            " a service"
        )

    def market_data_keys(self, key: str, secret: str) -> tuple[str, str]:
        """The organiser's key and secret for a source of bars, by their variables' names; '' where there is none."""
        return self.environ.get(key, ""), self.environ.get(secret, "")


@cache
def load_settings() -> Settings:
    """The settings of this process; reads the environment and `.env.secrets` once."""
    project = find_project(Path.cwd())
    load_secrets(project)
    return settings_from(os.environ, project)


def load_settings_anywhere() -> Settings:
    """The settings of what needs no competition: those of the project around, or of this folder where there is none."""
    try:
        return load_settings()
    except NoProjectError:
        return settings_from(os.environ, Path.cwd())


def settings_from(environ: Mapping[str, str], project: Path) -> Settings:
    """Settings from a given environment, for tests and for `load_settings`."""
    home = (folder(environ, "TRADING_HOME") or project / ".local").resolve()
    folder(environ, "DAGSTER_HOME")
    if environ.get("TRADING_BROKER_URL") and environ.get("TRADING_PAPER_BROKER"):
        raise ConfigError(
            "TRADING_BROKER_URL (Alpaca) and TRADING_PAPER_BROKER (the bundled broker) are both set: orders go to one"
            " of them; unset the other"
        )
    remote, login = remote_of(environ)
    dagit = address(environ, "TRADING_DAGIT_URL") or _DAGIT
    return Settings(
        project=project,
        home=home,
        store_url=address(environ, "TRADING_STORE_URL") or (home / "store").as_uri(),
        dvc_url=address(environ, "TRADING_DVC_URL") or (home / "dvc").as_uri(),
        mlflow_uri=address(environ, "MLFLOW_TRACKING_URI")
        or sqlite_address(alias_of(home) / "mlflow" / "mlflow.db"),
        mlflow_artifacts=address(environ, "TRADING_MLFLOW_ARTIFACTS")
        or (home / "mlflow" / "artifacts").as_uri(),
        broker_url=address(environ, "TRADING_BROKER_URL") or None,
        paper_broker_url=address(environ, "TRADING_PAPER_BROKER").rstrip("/") or None,
        s3=_s3(environ),
        config_mode="working tree" if environ.get("TRADING_CONFIG") == "working-tree" else "branches",
        git_remote=remote,
        git_login=login,
        git_follow_main=environ.get("TRADING_FOLLOW_MAIN") == "1",
        git_poll_seconds=_seconds(environ, "TRADING_GIT_POLL_SECONDS", 10.0),
        dagit_url=dagit,
        dagit_link=address(environ, "TRADING_DAGIT_LINK") or dagit,
        public_name=host_name(environ, "TRADING_HOST"),
        mlflow_link=address(environ, "TRADING_MLFLOW_LINK"),
        evidently_link=address(environ, "TRADING_EVIDENTLY_LINK"),
        retry_seconds=_seconds(environ, "TRADING_RETRY_SECONDS", 30.0),
        schedules_running=environ.get("TRADING_SCHEDULES") == "running",
        proxy_names_user=environ.get("TRADING_PROXY_NAMES_USER") == "1",
        environ=dict(environ),
        front_url=address(environ, "TRADING_FRONT_URL").rstrip("/") or None,
    )


def find_project(start: Path) -> Path:
    """The nearest folder at or above `start` that holds configs/teams.yaml; TRADING_PROJECT overrides the search."""
    override = os.environ.get("TRADING_PROJECT")
    candidates = [Path(override)] if override else [start, *start.parents]
    for candidate in candidates:
        if (candidate / "configs" / "teams.yaml").is_file():
            return candidate.resolve()
    raise (ConfigError if override else NoProjectError)(
        f"no configs/teams.yaml in {candidates[0]} or above; change into the project's folder or set TRADING_PROJECT"
    )


def load_secrets(project: Path) -> None:
    """Put `.env.secrets` of the project into the environment, without overriding what is already there."""
    from dotenv import load_dotenv

    load_dotenv(project / ".env.secrets", override=False)


def quiet_libraries(environ: MutableMapping[str, str] = os.environ) -> None:
    """Threads, telemetry and downloads of the libraries underneath, as we want them; before they are imported."""
    for name, value in _QUIET_DEFAULTS.items():
        environ.setdefault(name, value)


def remote_of(environ: Mapping[str, str]) -> tuple[str | None, GitLogin | None]:
    """The git remote without any account in its address, and the platform's account there."""
    remote, login = split_address(git_address(environ))
    if environ.get("GIT_PASSWORD"):
        login = GitLogin(environ.get("GIT_USER") or "platform", environ["GIT_PASSWORD"])
    return remote or None, login


def _seconds(environ: Mapping[str, str], name: str, default: float) -> float:
    text = environ.get(name) or str(default)
    with suppress(ValueError):
        if 0 <= float(text) <= 3600:
            return float(text)
    raise ConfigError(f"{name} is {text!r}; it is a number of seconds from 0 to 3600")


def _s3(environ: Mapping[str, str]) -> S3Settings | None:
    if not environ.get("AWS_ACCESS_KEY_ID"):
        return None
    return S3Settings(
        endpoint_url=address(environ, "AWS_ENDPOINT_URL_S3") or address(environ, "AWS_ENDPOINT_URL") or None,
        access_key=environ["AWS_ACCESS_KEY_ID"],
        secret_key=environ.get("AWS_SECRET_ACCESS_KEY", ""),
        region=environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or "us-east-1",
    )
