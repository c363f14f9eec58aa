"""What is to be told and has not arrived yet. Kept in the sensor's cursor: at least once, never at the cost of a run.

A letter leaves the outbox when its address took it, or after a day. Sending comes before the cursor is stored, so that
a crash between the two tells something twice rather than never.
"""

from collections.abc import Iterable

from pydantic import BaseModel

from my_dagster_project.foundation.settings import Settings
from my_dagster_project.notifications.delivery import SENDERS, NotSentError
from my_dagster_project.notifications.messages import ORGANISER, Message
from my_dagster_project.teams.registry import Registry

_QUIET_SECONDS = 3600  # the same news about the same team is told once per hour
_KEEP_SECONDS = 24 * 3600
_LETTERS = 300
_FIRST_PAUSE, _LONGEST_PAUSE = 30, 3600  # seconds between two tries of a letter


class Letter(BaseModel):
    """One text on its way to one addressee by one means. The address itself is a secret and is looked up when sending."""

    to: str
    by: str
    subject: str
    text: str
    written: float
    due: float
    tries: int = 0


class Notice(BaseModel):
    """When a piece of news was told, and how often it came again since without being told."""

    at: float
    again: int = 0


class Outbox(BaseModel):
    """Letters that wait, and what was told of late. Times are seconds since 1970, UTC."""

    letters: list[Letter] = []
    told: dict[str, Notice] = {}

    def post(self, message: Message, registry: Registry, settings: Settings, now: float) -> None:
        """Write a letter to everybody who wants this kind of news and has an address; nothing when it was told just now."""
        known = self.told.get(message.key) if message.key else None
        if known is not None and now - known.at < _QUIET_SECONDS:
            known.again += 1
            return
        text = (
            f"{message.text}\n(The same {known.again} more times since.)"
            if known and known.again
            else message.text
        )
        if message.key:
            self.told[message.key] = Notice(at=now)
        for to in _readers(message, registry):
            contact = settings.contact(to)
            for by in SENDERS:
                if contact.address(by):
                    self.letters.append(
                        Letter(to=to, by=by, subject=message.subject, text=text, written=now, due=now)
                    )

    def deliver(self, settings: Settings, now: float, in_time: Iterable[bool]) -> list[str]:
        """Send what is due, as long as `in_time` says so; gives a warning per address that failed or letter given up."""
        warnings, failed, left = [], set(), []
        time_left = iter(in_time)
        for letter in self.letters:
            address = (letter.to, letter.by)
            if letter.due > now or address in failed or not next(time_left):
                left.append(letter)
                continue
            try:
                _send(letter, settings)
            except NotSentError as error:
                failed.add(address)
                warnings.append(f"{letter.by} of {letter.to}: {error}")
                left.append(_postponed(letter, now))
        kept = [letter for letter in left if now - letter.written < _KEEP_SECONDS][-_LETTERS:]
        if len(kept) < len(left):
            warnings.append(f"{len(left) - len(kept)} messages could not be delivered and are given up")
        self.letters = kept
        self.told = {key: told for key, told in self.told.items() if now - told.at < _KEEP_SECONDS}
        return warnings


def _readers(message: Message, registry: Registry) -> list[str]:
    entry = registry.teams.get(message.team)
    to_team = [message.team] if entry is not None and message.kind in entry.notify else []
    to_organiser = [ORGANISER] if message.kind in registry.notify or message.team == ORGANISER else []
    return [*to_team, *to_organiser]


def _send(letter: Letter, settings: Settings) -> None:
    address = settings.contact(letter.to).address(letter.by)
    # An address may be gone since the letter was written; a channel, with another release.
    if letter.by in SENDERS and address:
        SENDERS[letter.by](address, letter.subject, letter.text, settings)


def _postponed(letter: Letter, now: float) -> Letter:
    pause = min(_FIRST_PAUSE * 2**letter.tries, _LONGEST_PAUSE)
    return letter.model_copy(update={"tries": letter.tries + 1, "due": now + pause})
