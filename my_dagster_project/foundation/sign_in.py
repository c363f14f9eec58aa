"""The accounts that people sign in with beside the teams' own, which have the teams' names; and how the proxy says who it is."""

import getpass
import socket
from typing import TYPE_CHECKING

from my_dagster_project.foundation.settings import Settings

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

ORGANISER = "organiser"
PLATFORM = "platform"
"""The services among themselves; nobody signs in as it."""
VISITORS = "teams"
"""Everybody who may look: one password for all."""
EVERYTHING = frozenset({ORGANISER, PLATFORM})

USER_HEADER = "X-Trading-User"
"""What Caddy writes the account into, in the place of whatever a client wrote there (deploy/Caddyfile)."""


def person() -> str:
    """Give who runs a command, or a server of his own: user@host."""
    return f"{getpass.getuser()}@{socket.gethostname()}"


def user_of(connection: "HTTPConnection", settings: Settings) -> str:
    """The account that the proxy has signed in; '' where there is no proxy, or where nobody has signed in.

    Of nobody Caddy writes the name of its own variable, in braces.
    """
    named = connection.headers.get(USER_HEADER, "") if settings.proxy_names_user else ""
    return "" if named.startswith("{") else named


def may_everything(user: str, settings: Settings) -> bool:
    """Whether an account may everything; on a laptop nobody has one."""
    return user in EVERYTHING or not settings.proxy_names_user
