"""A git host's push notice: who sent it is proven before anything is read, and what it causes is done once at a time."""

import json
import threading
from typing import TYPE_CHECKING

from my_dagster_project.foundation.settings import Settings
from my_dagster_project.people.status.asking import SilentError, ask_once
from my_dagster_project.pipeline.push_notice import on_push, verdict_on_push, verify_signature
from my_dagster_project.storage.audit import PUSH, Act, note_beside
from my_dagster_project.storage.opening import open_assets

if TYPE_CHECKING:
    from fastapi import Request

# GitHub caps its notices at 25 MB; one of a push that is no flood has some kB.
_MOST_BYTES = 2_000_000
# GitHub and GitLab take a notice for failed after 10 s.
_SECONDS = 8.0
# Who pushes waits 3 s for it (deploy/git/post_receive.py).
_VERDICT_SECONDS = 2.7
# One look goes on and one waits for it: that one begins after every push that is told meanwhile.
_looks = threading.BoundedSemaphore(2)


async def answer(request: "Request", settings: Settings) -> tuple[int, str]:
    """HTTP status and words for a notice: 404 without a secret, 403 for a wrong signature, 202 when it takes longer."""
    from starlette.concurrency import run_in_threadpool

    secret = settings.git_hook_secret
    if not secret:
        return (
            404,
            "This front takes no push notices: GIT_HOOK_SECRET is not set. Pushes are found by asking the remote.",
        )
    body = await _body(request)
    if body is None:
        return 413, f"A push notice has at most {_MOST_BYTES} bytes."
    if not verify_signature(secret, body, request.headers):
        return 403, "The signature does not fit GIT_HOOK_SECRET; enter the same secret at the git host."
    if act := pushed(body):
        note_beside(open_assets(settings.store_url, settings.dvc_url).store, act)
    return await run_in_threadpool(_look, settings, _asked(body))


def pushed(body: bytes) -> Act | None:
    """Who pushed what, as the stack's own git, GitHub, Gitea and GitLab write it; None where the notice is about something else."""
    try:
        notice = json.loads(body)
        pusher = notice.get("pusher")
        who = pusher.get("name") or pusher.get("login") if isinstance(pusher, dict) else pusher
        who = who or notice.get("user_username") or notice.get("user_name") or "?"
        refs = notice.get("refs") or [notice["ref"]]
        return Act(str(who), PUSH, " ".join(map(str, refs)))
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _asked(body: bytes) -> list[str] | None:
    """The refs that the stack's own git wants a verdict on; None for the notice of another host, which reads no answer."""
    try:
        notice = json.loads(body)
        return [str(ref) for ref in notice["refs"]] if notice.get("verdict") is True else None
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _look(settings: Settings, refs: list[str] | None) -> tuple[int, str]:
    if not _looks.acquire(blocking=False):
        return 202, "Another look is about to begin; it will see this push."

    def look() -> str:
        try:
            return on_push(settings) if refs is None else verdict_on_push(settings, refs)
        finally:
            _looks.release()

    try:
        return 200, ask_once(look, _SECONDS if refs is None else _VERDICT_SECONDS)
    except SilentError:
        return 202, "The push is being looked at."


async def _body(request: "Request") -> bytes | None:
    """The body; None when it is too large, however large it says it is."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > _MOST_BYTES:
            return None
    return bytes(body)
