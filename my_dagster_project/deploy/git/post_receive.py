"""The post-receive hook of the teams' repository: tells the platform at once, signed as GitHub signs its webhooks.

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

from my_dagster_project.deploy.git.rules import PLATFORM

# Long enough for a refusal to come back; the platform works on while the person's push is over.
_SECONDS = 1.0
_LATER = "The platform looks for pushes by itself every few seconds, so yours will be found all the same."


def main() -> int:
    """Tell GIT_HOOK_URL which refs moved; always 0."""
    url, user = os.environ.get("GIT_HOOK_URL", ""), os.environ.get("REMOTE_USER", "")
    secret = Path(os.environ.get("GIT_HOOK_SECRET_FILE") or "/run/secrets/GIT_HOOK_SECRET")
    refs = [line.split()[2] for line in sys.stdin if line.strip()]
    # The platform knows its own pushes; telling it would make it look again for nothing.
    if not url or user == PLATFORM or not secret.is_file():
        return 0
    problem = tell(url, secret.read_text(encoding="utf-8").strip(), {"refs": refs, "pusher": user})
    if problem:
        print(f"{problem} {_LATER}", file=sys.stderr)
    return 0


def tell(url: str, secret: str, payload: dict[str, object]) -> str:
    """POST the payload with its X-Hub-Signature-256; '' when it was taken or is being worked on, else what went wrong."""
    body = json.dumps(payload).encode()
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/json", "X-Hub-Signature-256": f"sha256={signature}"}
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=_SECONDS)
    try:
        connection.request("POST", parts.path or "/", body, headers)
    except OSError as error:
        return f"The platform could not be told ({error})."
    try:
        status = connection.getresponse().status
    except TimeoutError:
        return ""
    except (OSError, http.client.HTTPException) as error:
        return f"The platform did not answer ({error})."
    finally:
        connection.close()
    return (
        ""
        if status < http.client.BAD_REQUEST
        else f"The platform answered {status} to the news of this push."
    )


if __name__ == "__main__":
    sys.exit(main())
