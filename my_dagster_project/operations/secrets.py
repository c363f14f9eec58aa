"""Makes `.env.secrets` for the stack: a random value for every secret that has none yet.

`python3 -m my_dagster_project.operations.secrets` needs nothing but Python: `make up` calls it on a server that has no
virtual environment. What is there is never changed, so it may run at every start; a team added to the registry gets
its git account the next time.
"""

import argparse
import fcntl
import os
import re
import secrets
import string
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from my_dagster_project.foundation.sign_in import ORGANISER, PLATFORM

# Only letters and digits: compose interpolates `$`, a URL gives `/@:` a meaning, a command line a leading `-`.
_ALPHABET = string.ascii_letters + string.digits
_ASSIGNMENT = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=(.*)")
_TEAM_LINE = re.compile(r"( +)([a-z][a-z0-9-]{0,15}):(\s|$)")
GIT_ACCOUNTS = "GIT_ACCOUNTS"


def _random(length: int) -> Callable[[], str]:
    return lambda: "".join(secrets.choice(_ALPHABET) for _ in range(length))


_password = _random(32)

GENERATED: Mapping[str, Callable[[], str]] = {
    "POSTGRES_PASSWORD": _password,
    "DAGSTER_PG_PASSWORD": _password,
    "MLFLOW_PG_PASSWORD": _password,
    "MINIO_ROOT_USER": _random(20),  # MinIO takes at most 20 characters for a key
    "MINIO_ROOT_PASSWORD": _password,
    "AWS_ACCESS_KEY_ID": _random(20),
    "AWS_SECRET_ACCESS_KEY": _random(40),
    "MLFLOW_S3_KEY": _random(20),
    "MLFLOW_S3_SECRET": _random(40),
    "DVC_READ_KEY": _random(20),
    "DVC_READ_SECRET": _random(40),
    "MLFLOW_TRACKING_USERNAME": lambda: "admin",
    "MLFLOW_TRACKING_PASSWORD": _password,
    "MLFLOW_FLASK_SERVER_SECRET_KEY": _random(64),
    "REDIS_PASSWORD": _password,
    "PAPER_BROKER_TOKEN": _random(40),
    "ORGANISER_PASSWORD": _random(20),  # people type these two
    "TEAMS_PASSWORD": _random(20),
    "GIT_HOOK_SECRET": _random(40),
    "GIT_PASSWORD": _random(20),
}


class UnsafeValueError(Exception):
    """A value that the readers of the file would not read alike; the text names the variable, never its value."""


@dataclass(frozen=True)
class Outcome:
    """What was added, by name: variables, and accounts of the bundled git server."""

    variables: list[str]
    accounts: list[str]


def complete(file: Path, teams: list[str]) -> Outcome:
    """Add what is missing in the file, making it when there is none; the file's mode becomes 600.

    Safe against a second one at the same time, and against dying in the middle: the file is replaced whole. Raises
    UnsafeValueError when a value that is there cannot be read alike by everybody.
    """
    file = file.resolve()
    with _alone(file.parent):
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        present = _values(lines)
        _require_safe(present)
        wanted = {name: make() for name, make in GENERATED.items() if not present.get(name)}
        accounts = _accounts(present.get(GIT_ACCOUNTS, ""))
        platform = present.get("GIT_PASSWORD") or wanted["GIT_PASSWORD"]
        missing = [name for name in (ORGANISER, PLATFORM, *teams) if name not in accounts]
        if missing:
            accounts |= {name: platform if name == PLATFORM else _random(20)() for name in missing}
            wanted[GIT_ACCOUNTS] = ",".join(f"{name}:{password}" for name, password in accounts.items())
        if wanted:
            _replace(file, "\n".join(_with(lines, wanted)) + "\n")
        file.chmod(0o600)
    return Outcome([name for name in wanted if name != GIT_ACCOUNTS], missing)


def git_password(file: Path, account: str) -> str | None:
    """The password of one account of the bundled git server, for the organiser to hand out; None when there is none."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return _accounts(_values(lines).get(GIT_ACCOUNTS, "")).get(account)


def team_names(registry: str) -> list[str]:
    """The names under `teams:` of a registry's text, by their indentation; enough YAML for that and no more."""
    names: list[str] = []
    indent = None
    inside = False
    for line in registry.splitlines():
        if re.match(r"\S", line) and not line.startswith("#"):
            inside = line.split("#")[0].strip() == "teams:"
        elif inside and (found := _TEAM_LINE.match(line)):
            indent = indent or found[1]
            if found[1] == indent:
                names.append(found[2])
    return names


def _values(lines: list[str]) -> dict[str, str]:
    """The assignments of an env file, unquoted; of a name given twice the last counts, as for its readers."""
    found = (_ASSIGNMENT.fullmatch(line) for line in lines)
    return {match[1]: match[2].strip().strip("\"'") for match in found if match}


def _require_safe(values: Mapping[str, str]) -> None:
    for name in GENERATED.keys() & values.keys():
        # The git password may be another host's token; it goes into no URL.
        unsafe = r"[\s$'\"`#\\,:]" if name == "GIT_PASSWORD" else r"[^A-Za-z0-9_.-]"
        if re.search(unsafe, values[name]):
            raise UnsafeValueError(
                f"{name}: use only letters, digits, `-`, `_` and `.`; Compose, URLs and shells read other "
                "characters each in their own way. Change the value, or delete the line to have one made."
            )
    for pair in filter(None, values.get(GIT_ACCOUNTS, "").split(",")):
        if not re.fullmatch(r"[a-z][a-z0-9-]*:[^\s$'\"`#\\,:]+", pair):
            raise UnsafeValueError(
                f"{GIT_ACCOUNTS}: write name:password,name:password without blanks or quotes."
            )


def _accounts(text: str) -> dict[str, str]:
    return dict(pair.split(":", 1) for pair in text.split(",") if pair)


def _with(lines: list[str], wanted: Mapping[str, str]) -> list[str]:
    """The lines with the wanted values: in the place of an assignment of that name, else at the end."""
    matches = [_ASSIGNMENT.fullmatch(line) for line in lines]
    last = {match[1]: number for number, match in enumerate(matches) if match and match[1] in wanted}
    for name, number in last.items():
        lines[number] = f"{name}={wanted[name]}"
    return [*lines, *(f"{name}={value}" for name, value in wanted.items() if name not in last)]


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _replace(file: Path, text: str) -> None:
    temporary = file.with_name(f"{file.name}.{os.getpid()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)


def main(arguments: list[str] | None = None) -> int:
    """The command: completes the file and says which names were added; a value only when asked for one by name."""
    parser = argparse.ArgumentParser(description="Make or complete .env.secrets for the stack.")
    parser.add_argument("--file", type=Path, default=Path(".env.secrets"))
    parser.add_argument("--registry", type=Path, default=Path("configs/teams.yaml"))
    parser.add_argument("--git-password", metavar="ACCOUNT", help="only print this git account's password")
    asked = parser.parse_args(arguments)
    if asked.git_password:
        password = git_password(asked.file, asked.git_password)
        print(
            password or f"{asked.file}: no git account {asked.git_password}",
            file=None if password else sys.stderr,
        )
        return 0 if password else 1
    if not asked.registry.is_file():
        print(f"{asked.registry}: no such file; run this in the project's folder.", file=sys.stderr)
        return 1
    teams = team_names(asked.registry.read_text(encoding="utf-8"))
    if not teams:
        print(
            f"{asked.registry}: no teams found; write each on a line of its own under `teams:`.",
            file=sys.stderr,
        )
        return 1
    try:
        outcome = complete(asked.file, teams)
    except UnsafeValueError as error:
        print(f"{asked.file}: {error}", file=sys.stderr)
        return 1
    for what, names in (("new values", outcome.variables), ("git accounts", outcome.accounts)):
        if names:
            print(f"{asked.file}: {what}: {', '.join(names)}")
    if not outcome.variables and not outcome.accounts:
        print(f"{asked.file}: complete")
    return 0


if __name__ == "__main__":
    sys.exit(main())
