"""Takes secrets out of texts that others will read: events, logs, notifications.

Libraries put addresses and answers into their errors, and Dagster keeps the text of every error for ever. Whoever
stores or sends a text asks here first.
"""

import json
import logging
import re
from functools import cache
from urllib.parse import quote, quote_plus

from my_dagster_project.foundation.secret_values import secret_values

MASK = "***"
# A password after the user's name, or a token in its place (`https://ghp_...@host`); a name is shorter.
_URL_CREDENTIALS = re.compile(r"(?<=://)(?:[^/\s@:'\"]*:[^/\s@'\"]+|[^/\s@:'\"]{20,})(?=@)")


def redact(text: str, *secrets: str) -> str:
    """The text with every known secret value, these further ones, and every user:password of a URL replaced by ***."""
    for value in _spellings(secret_values().union(filter(None, secrets))):
        # `in` first: events may hold a picture of 100 kB, and almost none holds a secret.
        if value in text:
            text = text.replace(value, MASK)
    return _URL_CREDENTIALS.sub(MASK, text) if "://" in text else text


def redact_logs() -> None:
    """From now on every log record of this process is redacted, its traceback included; calling it again does nothing."""
    make = logging.getLogRecordFactory()
    if getattr(make, "redacts", False):
        return

    def redacting(*args: object, **kwargs: object) -> logging.LogRecord:
        record = make(*args, **kwargs)
        try:
            said = record.getMessage()
        except Exception:  # a caller's broken format string is for logging itself to report
            return record
        if (clean := redact(said)) != said:
            record.msg, record.args = clean, ()
        if record.exc_info and record.exc_info[0]:
            # A formatter takes exc_text, where there is one, for the traceback.
            record.exc_text = redact(logging.Formatter().formatException(record.exc_info))
        return record

    redacting.redacts = True  # type: ignore[attr-defined]
    logging.setLogRecordFactory(redacting)


@cache
def _spellings(values: frozenset[str]) -> tuple[str, ...]:
    """Each value as it is, in JSON and in a URL, as path and as parameter; longest first, so that no remainder stays."""
    every = {
        form
        for value in values
        for form in (value, json.dumps(value)[1:-1], quote(value, safe=""), quote_plus(value))
    }
    return tuple(sorted(every, key=len, reverse=True))
