"""Who may do what here: the administrator everything, everybody else what is on the list, and that is looking.

MLflow's own `default_permission = READ` lets every account make experiments, with an artifact folder of its choice anywhere in
the server's file system or in the bucket, and register models. So what is not listed is denied, also what a later version adds
(tests/deploy/test_mlflow_readers.py asks every route of the installed one).
"""

import json
import os
import re
import threading
import time
import urllib.request
from typing import Any

_PAGES = r"/|/version|/build/.+|/static-files/.+|/get-artifact|/model-versions/get-artifact"
_LOOKS = {
    "GET": [
        "artifacts/list",
        "experiments/get",
        "experiments/get-by-name",
        "experiments/search",
        "logged-models/[^/]+",
        "logged-models/[^/]+/artifacts/(directories|files)",
        "metrics/get-history",
        "metrics/get-history-bulk",
        "metrics/get-history-bulk-interval",
        "model-versions/get",
        "model-versions/get-download-uri",
        "model-versions/search",
        "registered-models/alias",
        "registered-models/get",
        "registered-models/get-latest-versions",
        "registered-models/search",
        "runs/get",
        "ui-telemetry",
        "users/current",
        "users/current/permissions",
    ],
    # Questions that are too long for an address.
    "POST": [
        "experiments/search",
        "experiments/search-datasets",
        "logged-models/search",
        "registered-models/get-latest-versions",
        "runs/search",
        "traces/metrics",
        "traces/search",
    ],
}
_API = r"/(ajax-)?api/\d\.\d"
_ALLOWED = {
    method: re.compile("|".join(f"{_API}/mlflow/{path}" for path in paths))
    for method, paths in _LOOKS.items()
}
_ARTIFACTS = re.compile(rf"{_API}/mlflow-artifacts/artifacts(/.+)?")


def may_look(method: str, path: str) -> bool:
    """Whether an account that only reads may ask this."""
    method = "GET" if method == "HEAD" else method
    if method == "GET" and (re.fullmatch(_PAGES, path) or _ARTIFACTS.fullmatch(path)):
        return True
    # What the schema behind it calls mutations are searches.
    if (method, path) == ("POST", "/graphql"):
        return True
    allowed = _ALLOWED.get(method)
    return bool(allowed and allowed.fullmatch(path))


_SECONDS = 15.0


class Sight:
    """Whether teams see their own only: what the front says of the registry; of MLflow alone, without a front, no."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._own = bool(os.environ.get("TRADING_VISIBILITY_URL"))
        self._asked = -_SECONDS

    @property
    def own(self) -> bool:
        """As of the last seconds. While the front is away what it said last, and from a start on: yes."""
        url = os.environ.get("TRADING_VISIBILITY_URL")
        with self._lock:
            if url and time.monotonic() - self._asked > _SECONDS:
                try:
                    with urllib.request.urlopen(url, timeout=3) as answer:  # noqa: S310 - the compose file's address
                        self._own = json.load(answer)["visibility"] != "open"
                except (OSError, ValueError, KeyError, TypeError):
                    pass
                self._asked = time.monotonic()
            return self._own


_sight = Sight()


def limit(auth: Any, account: str) -> None:
    """Let an account that reads see every experiment, or where teams see their own only the one that has its name."""
    wanted = "NO_PERMISSIONS" if _sight.own else "READ"
    if auth.auth_config.default_permission != wanted:
        auth.auth_config = auth.auth_config._replace(default_permission=wanted)
    if _sight.own:
        from mlflow.server.handlers import _get_tracking_store

        found = _get_tracking_store().get_experiment_by_name(account)
        if found:
            auth.store.grant_user_permission(account, "experiment", found.experiment_id, "READ")


def authenticate() -> Any:
    """MLflow's hook (`authorization_function`): the request's account, or the answer that refuses it."""
    from flask import Response, make_response, request
    from mlflow.server import auth

    found = auth.authenticate_request_basic_auth()
    if isinstance(found, Response) or found.username == auth.auth_config.admin_username:
        return found
    if may_look(request.method, request.path):
        limit(auth, found.username)
        return found
    said = f"The account {found.username} reads; experiments, runs and models are made by the platform.\n"
    return make_response(said, 403)
