"""The post-receive hook of the teams' repository: tells the platform at once (signed as GitHub signs its webhooks), and prints what it
says of the file.

Without it, or when the platform cannot be reached, the push is found by polling; so nothing here fails a push.
"""

import hashlib
import hmac
import http.client
import json
import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

from my_dagster_project.deploy.git.hook_text import plain
from my_dagster_project.deploy.git.rules import PLATFORM

# As long as a person waits for the verdict; the platform works on while the push is over.
_SECONDS = 3.0
_VERDICT_LATER = "Your push counts. What the platform says of the file comes later: on the status page, and in Dagit at your team's asset config."
_MOST_BYTES = 20_000
_LATER = "The platform looks for pushes by itself every few seconds, so yours will be found all the same."


def main() -> int:
    """Tell GIT_HOOK_URL which refs moved; always 0."""
    url, user = os.environ.get("GIT_HOOK_URL", ""), os.environ.get("REMOTE_USER", "")
    secret = Path(os.environ.get("GIT_HOOK_SECRET_FILE") or "/run/secrets/GIT_HOOK_SECRET")
    refs = [line.split()[2] for line in sys.stdin if line.strip()]
    # The platform knows its own pushes; telling it would make it look again for nothing.
    if not url or user == PLATFORM or not secret.is_file():
        return 0
    payload = {"refs": refs, "pusher": user, "verdict": True}
    said = tell(url, secret.read_text(encoding="utf-8").strip(), payload)
    for line in said.splitlines():
        print(plain(line), file=sys.stderr)
    return 0


def tell(url: str, secret: str, payload: dict[str, object]) -> str:
    """POST the payload with its X-Hub-Signature-256; gives what is to be printed: the verdict, or why there is none yet."""
    body = json.dumps(payload).encode()
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/json", "X-Hub-Signature-256": f"sha256={signature}"}
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=_SECONDS)
    try:
        connection.request("POST", parts.path or "/", body, headers)
    except OSError as error:
        return f"The platform could not be told ({error}). {_LATER}"
    try:
        answer = connection.getresponse()
        said = answer.read(_MOST_BYTES).decode("utf-8", errors="replace").strip()
    except TimeoutError:
        return _VERDICT_LATER
    except (OSError, http.client.HTTPException) as error:
        return f"The platform did not answer ({error}). {_LATER}"
    finally:
        connection.close()
    if answer.status >= http.client.BAD_REQUEST:
        return f"The platform answered {answer.status} to the news of this push. {_LATER}"
    return said if answer.status == http.client.OK else _VERDICT_LATER


if __name__ == "__main__":
    sys.exit(main())
