"""What a git host's push notice does: look at once instead of at the next poll. And whether the notice is genuine."""

import hashlib
import hmac
import threading
from collections.abc import Mapping, Sequence

from my_dagster_project.foundation.errors import TradingError
from my_dagster_project.foundation.settings import Settings
from my_dagster_project.pipeline.lived import LATER, session_is_open
from my_dagster_project.pipeline.push_verdict import verdict
from my_dagster_project.pipeline.reloading import reload_location
from my_dagster_project.pipeline.syncing import sync_branches
from my_dagster_project.teams.deployment import current_platform
from my_dagster_project.teams.sources import read_registry, read_sources

# GitHub and Forgejo; Gitea sends its own name as well. All are HMAC-SHA256 of the body in hex.
_SIGNATURES = ("x-hub-signature-256", "x-gitea-signature", "x-forgejo-signature")
_TOKEN = "x-gitlab-token"  # noqa: S105 - GitLab sends the secret itself, under this name
# Three pushes in a second need one look after the other, not three at once.
_turn = threading.Lock()


def on_push(settings: Settings) -> str:
    """Sync with the remote, and reload the graph when what it is made of changed; says in words what happened, also of errors.

    Takes as long as the git host and a reload take: seconds. Safe to call from several threads and processes.
    """
    with _turn:
        try:
            before = read_sources(settings.project, settings.config_mode).digest
            warnings = sync_branches(read_registry(settings.project), settings)
            changed = read_sources(settings.project, settings.config_mode).digest != before
        except TradingError as error:
            return str(error)
    done = _reload(settings) if changed else "No team file has changed."
    return " ".join([done, *warnings])


def verdict_on_push(settings: Settings, refs: Sequence[str]) -> str:
    """As `on_push`, for a person who waits: what the platform makes of the pushed files, '' when nothing; it reloads afterwards."""
    with _turn:
        try:
            before = current_platform(settings)
            sync_branches(before.registry, settings)
            now = current_platform(settings)
        except TradingError as error:
            return str(error)
    if now.read != before.read:
        threading.Thread(target=_reload, args=(settings,), daemon=True).start()
    return "\n".join(verdict(before, now, refs))


def _reload(settings: Settings) -> str:
    """Reload the graph; while a lapse's session is at work its sensor does it, once that is closed."""
    try:
        later = session_is_open(settings)
    except TradingError as error:
        return str(error)
    return LATER if later else reload_location(settings.dagit_url)


def verify_signature(secret: str, body: bytes, headers: Mapping[str, str]) -> bool:
    """Whether a notice was sent by somebody who knows the secret; compared in constant time, no secret fits nothing.

    X-Hub-Signature-256 (GitHub, Forgejo, Gitea, the stack's own git), X-Gitea-Signature, X-Gitlab-Token. The names' case
    does not matter.
    """
    if not secret:
        return False
    given = {name.lower(): value for name, value in headers.items()}
    expected = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    signatures = [given[name].removeprefix("sha256=") for name in _SIGNATURES if name in given]
    if signatures:
        return all(_same(expected, signature) for signature in signatures)
    return _same(secret, given.get(_TOKEN, ""))


def _same(expected: str, given: str) -> bool:
    # As bytes: compare_digest refuses text beyond ASCII.
    return hmac.compare_digest(expected.encode(), given.encode("utf-8", errors="surrogateescape"))
