"""The accounts of the teams' repository: read from the secret GIT_ACCOUNTS, written as salted hashes for the web server."""

import os
import re
import subprocess
from pathlib import Path

from my_dagster_project.deploy.git.rules import ORGANISER, PLATFORM

_USER = re.compile(r"[a-z][a-z0-9-]{0,31}")
_LEAST = 8  # characters


class AccountsError(Exception):
    """GIT_ACCOUNTS is not what it should be; the text names users, never passwords."""


def read_accounts(text: str) -> dict[str, str]:
    """Passwords by user from `user:password` entries, apart by white space or commas; raises AccountsError."""
    accounts: dict[str, str] = {}
    for number, entry in enumerate(re.split(r"[\s,]+", text.strip()), start=1):
        user, colon, password = entry.partition(":")
        if not colon or not _USER.fullmatch(user):
            raise AccountsError(f"entry {number} of GIT_ACCOUNTS is not user:password")
        if user in accounts:
            raise AccountsError(f"GIT_ACCOUNTS names {user} twice")
        if len(password) < _LEAST:
            raise AccountsError(f"the password of {user} in GIT_ACCOUNTS is shorter than {_LEAST} characters")
        accounts[user] = password
    for user in (ORGANISER, PLATFORM):
        if user not in accounts:
            raise AccountsError(f"GIT_ACCOUNTS has no {user}:password")
    return accounts


def write_htpasswd(accounts: dict[str, str], file: Path) -> None:
    """Write the accounts as SHA-512 crypt hashes that only we can read; replaces the file in one step."""
    hashed = subprocess.run(
        ["openssl", "passwd", "-6", "-stdin"],
        input="".join(f"{password}\n" for password in accounts.values()),
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    lines = "".join(f"{user}:{one}\n" for user, one in zip(accounts, hashed, strict=True))
    new = file.with_suffix(".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        stream.write(lines)
    new.replace(file)
