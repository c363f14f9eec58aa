"""Where news goes. The settings fill these from the environment."""

from dataclasses import dataclass, field, fields


@dataclass(frozen=True)
class Contact:
    """Where somebody is told news; '' where there is no such address. A webhook's address is a secret."""

    webhook: str = field(repr=False)
    email: str

    def address(self, channel: str) -> str:
        """The address of one of CHANNELS."""
        return str(getattr(self, channel))


# The ways to tell somebody something; `notifications/outbox.py` has a sender for each.
CHANNELS = tuple(one.name for one in fields(Contact))


@dataclass(frozen=True)
class MailServer:
    """The server that takes our e-mail; without a user there is no login."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    sender: str
