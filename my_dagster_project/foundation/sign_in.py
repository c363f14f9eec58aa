"""The accounts that people sign in with beside the teams' own, which have the teams' names; and how the proxy says who it is."""

import getpass
import socket

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
