"""Which services this deployment has, how to ask each whether it is well, and what to do when it is not.

Without any variable set there is no server at all: then only folders and files are looked at.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from my_dagster_project.foundation.addresses import folder_of, sqlite_file
from my_dagster_project.foundation.advice import everything_due
from my_dagster_project.foundation.errors import TradingError
from my_dagster_project.foundation.pool_settings import pool_is_named, pool_settings
from my_dagster_project.foundation.settings import Settings
from my_dagster_project.git.remote import Remote
from my_dagster_project.git.remote_talk import without_credentials
from my_dagster_project.people.status import probes
from my_dagster_project.people.status.page import Check, State
from my_dagster_project.people.status.words import season_words
from my_dagster_project.storage.opening import open_store
from my_dagster_project.teams.deployment import season_book
from my_dagster_project.teams.platform import Platform

# Alpaca answers a call without a key with 401 or 403: it is there, and whose key it is, is a team's own affair.
_ALPACA_ANSWERS = (200, 401, 403, 404)
_LEAST_FREE = 2 * 1024**3
_FEW_FREE = 10 * 1024**3
_GIB = 1024**3


@dataclass(frozen=True)
class Service:
    """One service: `ask` gives what it found in words and raises TradingError when it is not well.

    `needed` is False for what need not run here: silence is then no fault, and `todo` says how to start it.
    """

    name: str
    ask: Callable[[], str]
    todo: str
    needed: bool = True

    def well(self, said: str) -> Check:
        """The line when it answered."""
        return Check(self.name, "ok", said)

    def silent(self, said: str) -> Check:
        """The line when it did not answer, or not as it should."""
        if self.needed:
            return Check(self.name, "red", said, self.todo)
        return Check(self.name, "off", "not running", self.todo)


def services(settings: Settings, platform: Platform) -> Iterator[Service]:
    """Everything the settings name, storage first; Dagster's own parts are asked through its instance instead."""
    yield Service(
        "object store", lambda: _store(settings, settings.store_url), _store_todo(settings.store_url)
    )
    yield Service("DVC remote", lambda: _store(settings, settings.dvc_url), _store_todo(settings.dvc_url))
    if platform.registry.season:
        yield _season(settings, platform)
    yield _mlflow(settings)
    yield _broker(settings)
    if settings.git_remote:
        remote = Remote(settings.project, settings.git_remote, settings.git_login)
        todo = "check TRADING_GIT_REMOTE, its credentials and the git host; until then pushes of the teams are not seen"
        branches = [entry.branch for entry in platform.registry.teams.values()]
        yield Service("git remote", lambda: _git(remote, branches), todo)
    if pool_is_named():
        yield from _pool()
    yield _dagit(settings)


def disk(settings: Settings) -> Check:
    """How much room the folder of this deployment has left; a full disk stops every write."""
    free, total = probes.free_space(settings.home)
    state: State = "red" if free < _LEAST_FREE else "warn" if free < _FEW_FREE else "ok"
    todo = "free some space: `trading gc` lists what no version needs, `docker image prune` old images"
    said = f"{free / _GIB:.0f} of {total / _GIB:.0f} GiB free under {settings.home}"
    return Check("disk", state, said, "" if state == "ok" else todo)


def addresses(settings: Settings) -> dict[str, str]:
    """Where everything lies, without credentials."""
    broker = settings.broker_url or settings.paper_broker_url or "the bundled paper broker"
    told = {
        "store": settings.store_url,
        "DVC remote": settings.dvc_url,
        "MLflow": settings.mlflow_uri,
        "broker": broker,
        "Dagit": settings.dagit_link,
        "git remote": settings.git_remote or "",
    }
    return {name: without_credentials(where) for name, where in told.items() if where}


def start(service: str, *, see: str = "") -> str:
    """What to do about a service of the stack that does not answer."""
    check = f" (and check {see})" if see else ""
    return f"`docker compose up -d {service}`{check}; `docker compose logs {service}` says why it stopped"


def _store(settings: Settings, url: str) -> str:
    folder = folder_of(url)
    if folder is not None:
        if not folder.exists():
            return f"empty: {everything_due()} fills it"
        if not folder.is_dir():
            raise TradingError(f"{folder} is not a folder")
        return f"{folder}"
    if settings.s3 is not None and settings.s3.endpoint_url:
        # boto3 tries four times over many seconds; this says at once that nothing listens.
        probes.tcp(settings.s3.endpoint_url)
    open_store(url, settings.s3).list(".status/")
    return f"{url} answers"


def _store_todo(url: str) -> str:
    if url.startswith("file:"):
        return "make the folder readable and writable for this user, or correct TRADING_STORE_URL and TRADING_DVC_URL"
    return start("minio", see="AWS_ENDPOINT_URL, bucket and keys")


def _season(settings: Settings, platform: Platform) -> Service:
    def ask() -> str:
        state = season_book(settings).read()
        return season_words(state, platform.now(), lapse=platform.in_lapse)

    return Service("season", ask, _store_todo(settings.store_url))


def _mlflow(settings: Settings) -> Service:
    uri = settings.mlflow_uri
    if uri.startswith("sqlite:"):
        file = sqlite_file(uri)
        todo = f"remove or restore {file}; the experiments in it are lost, models and versions are not"
        return Service("MLflow", lambda: _file(file), todo)
    if not uri.startswith("http"):
        return Service("MLflow", lambda: without_credentials(uri), "")

    def ask() -> str:
        probes.http(f"{uri.rstrip('/')}/health")
        return f"{probes.where(uri)} answers"

    return Service("MLflow", ask, start("mlflow", see="MLFLOW_TRACKING_URI"))


def _broker(settings: Settings) -> Service:
    if settings.broker_url:
        url = settings.broker_url
        todo = "check TRADING_BROKER_URL and https://status.alpaca.markets; orders wait, none is sent twice"
        return Service(
            "broker (Alpaca)", lambda: _answers(f"{url.rstrip('/')}/v2/clock", _ALPACA_ANSWERS), todo
        )
    if settings.paper_broker_url:
        url = settings.paper_broker_url
        return Service(
            "paper broker",
            lambda: _bundled_broker(url),
            start("broker", see="TRADING_PAPER_BROKER"),
        )
    file = settings.home / "broker" / "accounts.sqlite"
    unused = f"; {settings.unused_token}" if settings.unused_token else ""
    return Service("paper broker", lambda: f"bundled; {_file(file)}{unused}", f"restore {file} from a backup")


def _dagit(settings: Settings) -> Service:
    def ask() -> str:
        version = probes.dagit_version(probes.http(f"{settings.dagit_url.rstrip('/')}/server_info"))
        return f"{probes.where(settings.dagit_url)} answers, Dagster {version}"

    todo = start("dagit", see="TRADING_DAGIT_URL") if settings.dagit_is_named else "`make ui` starts it"
    return Service("Dagit", ask, todo, needed=settings.dagit_is_named)


def _pool() -> Iterator[Service]:
    from my_dagster_project.deploy.workers.signs_of_life import connect, slots_by_queue

    url = pool_settings().redis_url

    def redis() -> str:
        # Its own texts quote the address; a wrong password is its word, not the network's.
        probes.tcp(url)
        try:
            connect(url).ping()
        except Exception as error:
            raise TradingError(f"{probes.where(url)}: {type(error).__name__}") from None
        return f"{probes.where(url)} answers"

    def workers() -> str:
        redis()
        slots = slots_by_queue(connect(url))
        if not slots:
            raise TradingError("no worker is alive: runs wait in the queue")
        return ", ".join(f"{count} slots on queue {queue}" for queue, count in sorted(slots.items()))

    yield Service("Redis", redis, start("redis", see="REDIS_PASSWORD"))
    yield Service("workers", workers, start("worker"))


def _git(remote: Remote, branches: list[str]) -> str:
    return f"{remote.shown} answers, has {len(remote.tips(branches))} of {len(branches)} branches"


def _answers(url: str, accept: tuple[int, ...]) -> str:
    probes.http(url, accept)
    return f"{probes.where(url)} answers"


def _bundled_broker(url: str) -> str:
    said = probes.http(f"{url}/healthz")
    if '"accounts"' not in said:
        raise TradingError(f"{probes.where(url)} answers, but is no bundled broker")
    return f"{probes.where(url)} answers"


def _file(path: Path) -> str:
    if not path.exists():
        return f"no file yet: {everything_due()} makes it"
    probes.sqlite(path)
    return str(path)
