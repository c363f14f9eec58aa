"""Sends one text to one address: a Slack-compatible webhook or e-mail. Never waits long, never shows an address."""

import re
import smtplib
import ssl
from collections.abc import Callable
from email.message import EmailMessage

from my_dagster_project.foundation.addresses import WEB, is_address
from my_dagster_project.foundation.contacts import MailServer
from my_dagster_project.foundation.errors import TradingError
from my_dagster_project.foundation.settings import Settings

# Dagster gives a sensor 60 s in all, and there may be several addresses to try.
_CONNECT_SECONDS, _ANSWER_SECONDS = 3, 7
_MAIL_SECONDS = 5  # per step of the dialogue
_TLS_FROM_THE_START = 465
# Of the names of emoji without a letter there are four; other line numbers and times stay as they are.
_EMOJI = re.compile(r"(?<=:)(?=(?:100|1234|[+-]1|[\w+'-]*[^\W\d_][\w+'-]*):)")


class NotSentError(TradingError):
    """A message could not be handed over; trying again later may help."""


def send_to_webhook(address: str, text: str) -> None:
    """Post the text as Slack's {"text": ...}; raises NotSentError unless the answer is 2xx.

    The text is plain: what a team's YAML holds is quoted in it.
    """
    import requests

    if not is_address(address, WEB):
        raise NotSentError(
            "its setting NOTIFY_..._WEBHOOK is no address like https://chat.example.org/hooks/..."
        )
    try:
        answer = requests.post(
            address,
            json={"text": slack_text(text), "mrkdwn": False},
            timeout=(_CONNECT_SECONDS, _ANSWER_SECONDS),
            # A redirect would carry the message to an address nobody has set.
            allow_redirects=False,
        )
    except (requests.RequestException, ValueError) as error:
        # `from None`: the library's text quotes the address, and a webhook's address is its password.
        raise NotSentError(f"the webhook does not answer ({type(error).__name__})") from None
    if not 200 <= answer.status_code < 300:
        raise NotSentError(f"the webhook answered HTTP {answer.status_code}")


def slack_text(text: str) -> str:
    """Any text as one that Slack shows as it is: it could call everybody by <!channel>, and `red.yaml:100:` be an emoji."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # A space of no width within the code; nothing else keeps Slack from replacing it.
    return _EMOJI.sub("\u200b", escaped)


def send_mail(address: str, server: MailServer | None, subject: str, text: str) -> None:
    """Hand the text to the mail server; raises NotSentError when it is refused, by one recipient too.

    A password goes only over TLS.
    """
    if server is None:
        raise NotSentError("there is an e-mail address, but no SMTP_HOST")
    try:
        mail = EmailMessage()
        mail["Subject"], mail["From"], mail["To"] = subject, server.sender, address
        mail.set_content(text)
        with _connected(server) as connection:
            _sign_in(connection, server)
            if refused := connection.send_message(mail):
                raise NotSentError(f"the mail server refused {len(refused)} of the recipients")
    except (smtplib.SMTPException, OSError, ValueError) as error:
        code = getattr(error, "smtp_code", "")
        raise NotSentError(
            f"the mail server did not take it ({type(error).__name__} {code})".replace(" )", ")")
        ) from None


def _connected(server: MailServer) -> smtplib.SMTP:
    if server.port == _TLS_FROM_THE_START:
        return smtplib.SMTP_SSL(server.host, server.port, timeout=_MAIL_SECONDS, context=_trust())
    return smtplib.SMTP(server.host, server.port, timeout=_MAIL_SECONDS)


def _sign_in(connection: smtplib.SMTP, server: MailServer) -> None:
    connection.ehlo()
    if server.port != _TLS_FROM_THE_START and connection.has_extn("starttls"):
        connection.starttls(context=_trust())
    if not server.user:
        return
    if not isinstance(connection.sock, ssl.SSLSocket):
        raise NotSentError("the mail server offers no TLS, and the password is not sent in clear")
    connection.login(server.user, server.password)


def _trust() -> ssl.SSLContext:
    return ssl.create_default_context()


SENDERS: dict[str, Callable[[str, str, str, Settings], None]] = {
    "webhook": lambda address, _subject, text, _settings: send_to_webhook(address, text),
    "email": lambda address, subject, text, settings: send_mail(
        address, settings.mail_server(), subject, text
    ),
}
"""By channel how a subject and a text are sent to an address; a team's address is NOTIFY_<TEAM>_<CHANNEL>."""
