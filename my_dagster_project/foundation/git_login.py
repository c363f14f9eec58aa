"""The account at an http(s) git host: handed to git by its environment only, and only for that host.

Never in an argument (`ps` shows those), in .git/config or in an address: git puts addresses into its messages.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit, urlunsplit

_USER, _PASSWORD = "TRADING_GIT_LOGIN_USER", "TRADING_GIT_LOGIN_PASSWORD"
# git runs a helper that begins with ! in a shell; it sees only `get`, an account that was refused is not ours to forget.
_HELPER = f'!f() {{ test "$1" = get && printf "username=%s\\npassword=%s\\n" "${_USER}" "${_PASSWORD}"; }}; f'


@dataclass(frozen=True)
class GitLogin:
    """User and password (or token) at a git host; neither is ever shown."""

    user: str = field(repr=False)
    password: str = field(repr=False)

    def environment(self, address: str, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
        """Variables with which git logs in at the host of this address, in no other place; none for ssh or a path.

        Scoped to the host, so that a redirection or a rewritten `origin` is never told the password.
        """
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https"):
            return {}
        host = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        first = int(environ.get("GIT_CONFIG_COUNT") or 0)
        # An empty helper first: those configured on this machine are not asked and learn nothing.
        settings = {_USER: self.user, _PASSWORD: self.password, "GIT_CONFIG_COUNT": str(first + 2)}
        for number, helper in enumerate(("", _HELPER), start=first):
            settings[f"GIT_CONFIG_KEY_{number}"] = f"credential.{host}.helper"
            settings[f"GIT_CONFIG_VALUE_{number}"] = helper
        return settings


def split_address(address: str) -> tuple[str, GitLogin | None]:
    """Take the account out of an http(s) address (https://bot:token@host/x); other addresses come back as they are."""
    parts = urlsplit(address)
    account, at, host = parts.netloc.rpartition("@")
    if parts.scheme not in ("http", "https") or not at:
        return address, None
    user, _, password = account.partition(":")
    login = GitLogin(unquote(user), unquote(password)) if password else None
    return urlunsplit(parts._replace(netloc=host)), login
