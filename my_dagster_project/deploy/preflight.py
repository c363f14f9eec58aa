"""`python3 -m my_dagster_project.deploy.preflight`, before `make up` starts anything: what would stop it halfway, in sentences.

Runs on the server's own Python (3.10 or newer) with nothing installed; asks Docker and the kernel, changes nothing.
"""

import argparse
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from my_dagster_project.foundation.addresses import (
    ADDRESSES,
    WEB,
    address,
    git_address,
    host_name,
    is_address,
)
from my_dagster_project.foundation.errors import ConfigError

COMPOSE = (2, 24)
MEMORY_GB = 7.0
"""8 GB as they are sold, without what firmware and kernel keep."""
DISK_GB, DISK_LATER_GB = 30, 3
"""Before the images are built, and once they are there. (README.adoc and Makefile say 30 too: a test compares.)"""
PORTS = {
    "TRADING_DAGIT_PORT": 3000,
    "TRADING_FRONT_PORT": 8080,
    "TRADING_SERVE_PORT": 8200,
    "TRADING_MLFLOW_PORT": 5000,
    "TRADING_EVIDENTLY_PORT": 8010,
    "TRADING_S3_PORT": 9000,
    "TRADING_MINIO_PORT": 9001,
    "TRADING_GIT_PORT": 8418,
}
# Not published where somebody else's is used.
_NOT_OURS = {
    "TRADING_S3_ENDPOINT": ("TRADING_S3_PORT", "TRADING_MINIO_PORT"),
    "TRADING_GIT_REMOTE": ("TRADING_GIT_PORT",),
}
_GB = 1e9

_FORMS = {
    # It goes into the registry, without which nothing is loaded.
    "TRADING_SEASON": (
        r"[0-9]+(\.[0-9]+)?(ms|s|m|h)",
        "the time from one session to the next, like 30s or 2m, or empty for no season",
    ),
    "TRADING_WORKER_SLOTS": (r"[1-9][0-9]*", "a whole number of runs at a time, from 1 on"),
    "TRADING_WORKER_MEMORY": (r"[0-9]+(\.[0-9]+)?[bkmgBKMG]?", "a size like 4g or 3500m"),
    "TRADING_WORKER_IDLE_SECONDS": (r"[0-9]+", "a whole number of seconds"),
    "TRADING_GIT_POLL_SECONDS": (r"[0-9]+(\.[0-9]+)?", "a number of seconds"),
    "TRADING_SCHEDULES": (r"running|stopped", "running or stopped"),
}

_SETTING = r"TRADING_\w+|NOTIFY_\w+_WEBHOOK"

Ask = Callable[..., str]


def main() -> int:
    """Print what is in the way, a line each; 1 when there is anything."""
    parser = argparse.ArgumentParser(description="Say what keeps the stack from starting.")
    parser.add_argument("--file", default=".env.secrets", help="the settings")
    file = Path(parser.parse_args().file)
    settings = settings_of(file.read_text(encoding="utf-8") if file.exists() else "", os.environ)
    found = (
        [*wrong_addresses(settings), *wrong_values(settings)]
        or [*docker_problems(_docker)]
        or [*ports_in_use(settings, _docker), *too_little(_docker)]
    )
    for problem in found:
        print(problem, file=sys.stderr)
    return 1 if found else 0


def settings_of(text: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The settings as Compose reads them: the lines of the file, and what the environment says instead."""
    lines = re.findall(rf"(?m)^(?:export +)?({_SETTING})=[\"']?([^\"'\n]*)[\"']?\s*$", text)
    given = {name: value for name, value in environ.items() if re.fullmatch(_SETTING, name)}
    return {**dict(lines), **given}


def wrong_addresses(settings: Mapping[str, str]) -> Iterator[str]:
    """The settings that are to be an address or a host and are none: found out later, half the stack would run."""
    looks: dict[str, Callable[[Mapping[str, str], str], object]] = {
        **dict.fromkeys(ADDRESSES, address),
        "TRADING_GIT_REMOTE": git_address,
        "TRADING_HOST": host_name,
        "TRADING_BIND": host_name,
    }
    for name, look in looks.items():
        try:
            look(settings, name)
        except ConfigError as error:
            yield str(error)
    for name, value in settings.items():
        if name.endswith("_WEBHOOK") and value and not is_address(value, WEB):
            yield f"{name} is no address like https://chat.example.org/hooks/..."  # Its value is a secret.


def wrong_values(settings: Mapping[str, str]) -> Iterator[str]:
    """The settings of another form than the services read: a worker that refuses one starts again and again, and no run begins."""
    for name, (form, what) in _FORMS.items():
        value = settings.get(name)
        if value and not re.fullmatch(form, value):
            yield f"{name} is {value!r}; it is {what}."


def docker_problems(ask: Ask) -> Iterator[str]:
    """Whether Docker and its Compose plugin are there, new enough, and may be used by this user."""
    try:
        version = ask("compose", "version", "--short")
    except OSError:
        yield "Docker was not found. Install Docker Engine with its Compose plugin; README.adoc, On a server."
        return
    numbers = tuple(map(int, re.findall(r"\d+", version)[:2]))
    if numbers < COMPOSE:
        least = ".".join(map(str, COMPOSE))
        yield f"Docker Compose is {version.strip() or 'not installed'}; {least} or newer is needed (the package docker-compose-plugin)."
    if not ask("info", "--format", "{{.ServerVersion}}").strip():
        yield "The Docker Engine does not answer: start it (systemctl start docker), or let this user use it (group docker)."


def ports_in_use(settings: Mapping[str, str], ask: Ask) -> Iterator[str]:
    """The ports that are to be published and that somebody else has; those of our own running stack are ours."""
    ours = ask("ps", "--filter", "label=com.docker.compose.project=trading", "--format", "{{.Ports}}")
    # Neighbours are told together: 127.0.0.1:3000-3001->3000-3001/tcp.
    spans = re.findall(r":(\d+)(?:-(\d+))?->", ours)
    mine = {port for first, last in spans for port in range(int(first), int(last or first) + 1)}
    bind = settings.get("TRADING_BIND") or "127.0.0.1"
    if why := _taken(bind, 0):
        yield f"TRADING_BIND is {bind}, and nothing can be published there ({why}): it is an address of this machine."
        return
    unused = {name for given, names in _NOT_OURS.items() if settings.get(given) for name in names}
    taken: dict[int, str] = {}
    for name, usual in PORTS.items():
        port = settings.get(name) or str(usual)
        if not port.isdecimal() or not 0 < int(port) < 65536:
            yield f"{name} is {port!r}; it is a port, a number from 1 to 65535."
        elif name not in unused and (other := taken.setdefault(int(port), name)) != name:
            yield f"{name} and {other} are both {int(port)}: each needs a port of its own."
        elif name not in unused and int(port) not in mine and (why := _taken(bind, int(port))):
            yield f"Port {port} of {bind} cannot be had ({why}). Put another one into .env.secrets: {name}={int(port) + 10000 if int(port) < 50000 else 18000}"


def too_little(ask: Ask) -> Iterator[str]:
    """Whether memory and disk are enough for all services."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / _GB
    if memory < MEMORY_GB:
        yield f"This machine has {memory:.1f} GB of memory; the stack needs 8 GB, or training is killed."
    folder = Path(ask("info", "--format", "{{.DockerRootDir}}").strip() or "/")
    needed = DISK_LATER_GB if ask("images", "--quiet", "trading:local").strip() else DISK_GB
    there = next((path for path in (folder, *folder.parents) if path.exists()), Path("/"))
    free = shutil.disk_usage(there).free / _GB
    if free < needed:
        yield f"Docker's folder {folder} has {free:.0f} GB free; {needed} GB are needed for images and data."


def _taken(address: str, port: int) -> str:
    """Why nobody can listen there now; '' when one can."""
    kind = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(kind, socket.SOCK_STREAM) as probe:
        # As Docker's proxy does: what a closed connection leaves behind for a minute is in nobody's way.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address.strip("[]"), port))
        except PermissionError:
            return ""  # Below 1024; the engine may.
        except OSError as error:
            return os.strerror(error.errno) if error.errno else str(error)
    return ""


def _docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False).stdout


if __name__ == "__main__":
    sys.exit(main())
