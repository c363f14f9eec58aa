"""Where news goes. The settings fill these from the environment."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Contact:
    """Where somebody is told news, by channel (`notifications/delivery.py`); a webhook's address is a secret."""

    addresses: Mapping[str, str] = field(repr=False)

    def address(self, channel: str) -> str:
        """The address for a channel, '' where there is none."""
        return self.addresses.get(channel, "")


@dataclass(frozen=True)
class MailServer:
    """The server that takes our e-mail; without a user there is no login."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    sender: str
