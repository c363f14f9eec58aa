"""A real MinIO for the tests, built from source once per machine; moto stands in, and the summary says so, without it."""

import os
import secrets
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

from filelock import FileLock

from my_dagster_project.foundation.errors import StorageError
from my_dagster_project.foundation.s3_settings import S3Settings
from my_dagster_project.storage.s3_store import process_client
from tests.support.waiting import answers, wait_for

# MinIO's images and downloads are gone; its last source is still in the Go module proxy.
MINIO_MODULE = "github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c"
CACHE = Path.home() / ".cache" / "my-dagster-project" / "bin"
BUILD_LIMIT = 900  # seconds; 135 s on two idle cores
START_LIMIT = 30  # seconds

_stand_in_because: list[str] = []


@dataclass(frozen=True)
class S3Server:
    """A running S3 server: "minio" or its stand-in "moto", and how to reach it."""

    kind: str
    settings: S3Settings

    @property
    def environment(self) -> dict[str, str]:
        """The AWS_* variables a program like dvc needs to reach it."""
        return {
            "AWS_ENDPOINT_URL": self.settings.endpoint_url or "",
            "AWS_ACCESS_KEY_ID": self.settings.access_key or "",
            "AWS_SECRET_ACCESS_KEY": self.settings.secret_key or "",
            "AWS_DEFAULT_REGION": self.settings.region,
        }

    def new_bucket(self) -> str:
        """Make an empty bucket and give its name."""
        name = f"test-{secrets.token_hex(8)}"
        process_client(self.settings).create_bucket(Bucket=name)
        return name


@contextmanager
def s3_server(folder: Path) -> Iterator[S3Server]:
    """Run MinIO on a free port with its data in the folder, stopped at the end; moto if MinIO cannot be had."""
    try:
        binary = minio_binary()
    except StorageError as error:
        _stand_in_because.append(str(error))
        with _moto() as server:
            yield server
        return
    with _minio(binary, folder) as server:
        yield server


def summary_line() -> str | None:
    """Say that moto stood in for MinIO and why; None when MinIO was real or no test asked for it."""
    if not _stand_in_because:
        return None
    return f"S3 tests ran on moto, NOT on MinIO: {_stand_in_because[0]}"


def minio_binary() -> Path:
    """Give the cached MinIO program, building it with Go the first time; StorageError says why it cannot be had."""
    binary = CACHE / "minio"
    CACHE.mkdir(parents=True, exist_ok=True)
    # Tests run side by side: the first builds, the others wait for it.
    with FileLock(CACHE / "build.lock"):
        if not binary.exists():
            _build(binary)
    return binary


def _build(binary: Path) -> None:
    go = shutil.which("go")
    if go is None:
        raise StorageError("Go is not installed, so MinIO could not be built")
    # Built aside and renamed: a build cut short must not look like a program.
    aside = CACHE / f"build-{os.getpid()}"
    aside.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "GOBIN": str(aside), "CGO_ENABLED": "0"}
    command = [go, "install", "-trimpath", "-ldflags=-s -w", MINIO_MODULE]
    try:
        subprocess.run(command, env=environment, capture_output=True, check=True, timeout=BUILD_LIMIT)
        (aside / "minio").replace(binary)
    except (subprocess.SubprocessError, OSError) as error:
        raise StorageError(f"`go install {MINIO_MODULE}` failed ({type(error).__name__})") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


@contextmanager
def _minio(binary: Path, folder: Path) -> Iterator[S3Server]:
    port = free_port()
    settings = S3Settings(f"http://127.0.0.1:{port}", "tester", secrets.token_hex(16))
    environment = {
        **os.environ,
        "MINIO_ROOT_USER": settings.access_key or "",
        "MINIO_ROOT_PASSWORD": settings.secret_key or "",
        "MINIO_BROWSER": "off",
        "MINIO_UPDATE": "off",
    }
    command = [str(binary), "server", "--quiet", "--address", f"127.0.0.1:{port}", str(folder / "data")]
    with (folder / "minio.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        health = f"{settings.endpoint_url}/minio/health/live"
        wait_for(lambda: answers(health), START_LIMIT, every=0.05, by=process, log=folder / "minio.log")
        yield S3Server("minio", settings)
    finally:
        process.terminate()
        process.wait(timeout=20)


@contextmanager
def _moto() -> Iterator[S3Server]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield S3Server("moto", S3Settings(f"http://{host}:{port}", "tester", secrets.token_hex(16)))
    finally:
        server.stop()


def no_pauses(monkeypatch) -> None:
    """S3's client asks as often as ever, without waiting up to 20 s before each time: where nobody will ever answer."""
    import botocore.endpoint

    monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=lambda seconds: None))


def free_port() -> int:
    """Give a TCP port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
