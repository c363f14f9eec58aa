"""A real SMTP server on 127.0.0.1 that keeps what it is given."""

import email
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller

from tests.support.minio import free_port


class Mailbox:
    """aiosmtpd's handler: every mail as it arrived; `refuse` answers with an error instead."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.refuse = ""
        self.port = free_port()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.refuse:
            return self.refuse
        self.recipients.append(envelope.rcpt_tos)
        self.mails.append(email.message_from_bytes(envelope.content, policy=default))
        return "250 taken"


@contextmanager
def mailbox(**options: Any) -> Iterator[Mailbox]:
    """A running server for the length of a with block; options are aiosmtpd's."""
    box = Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=box.port, **options)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()
