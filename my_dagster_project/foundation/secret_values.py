"""Which values of the environment are secret, by the names of their variables."""

import os
import re
from collections.abc import Mapping

# A file's address, as in AWS_SHARED_CREDENTIALS_FILE, is none; short values would be masked inside ordinary words.
# Whatever the channel, who has its address can write there; a mailbox alone has a sender's name.
_SECRET_NAME = re.compile(
    r"(SECRET|PASSWORD|PASSWD|TOKEN|KEY|WEBHOOK|ACCOUNTS)(?!.*_(FILE|DIR|PATH)$)|^NOTIFY_(?!.*_EMAIL$)"
)
_SECRET_LENGTH = 8
_URL_PASSWORD = re.compile(r"://[^/\s@:]*:([^/\s@]{8,})@")


def secret_values(environ: Mapping[str, str] | None = None) -> frozenset[str]:
    """Every value of the environment that nobody may read in a log, an event or a message, by the variables' names."""
    found = set()
    for name, value in (os.environ if environ is None else environ).items():
        if _SECRET_NAME.search(name) and not name.startswith("GIT_CONFIG_"):
            # GIT_ACCOUNTS is name:password,name:password.
            parts = (
                [pair.partition(":")[2] for pair in value.split(",")] if name == "GIT_ACCOUNTS" else [value]
            )
            found |= {part for part in parts if len(part) >= _SECRET_LENGTH}
        elif account := _URL_PASSWORD.search(value):
            found.add(account[1])
    return frozenset(found)
