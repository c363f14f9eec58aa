"""Asks the web server what its own pages ask it, by GraphQL."""

import json
import urllib.request
from collections.abc import Mapping
from typing import Any

from my_dagster_project.foundation.sign_in import PLATFORM, USER_HEADER

LOCATION = "my_dagster_project.definitions"


def ask_dagit(
    dagit_url: str, query: str, variables: Mapping[str, Any], seconds: float = 30
) -> dict[str, Any]:
    """The data of the answer, empty where there are none; raises OSError or ValueError when there is no answer to read."""
    body = json.dumps({"query": query, "variables": dict(variables)}).encode()
    request = urllib.request.Request(  # noqa: S310 - the address is the operator's own setting
        f"{dagit_url.rstrip('/')}/graphql",
        body,
        {"Content-Type": "application/json", USER_HEADER: PLATFORM},
    )
    with urllib.request.urlopen(request, timeout=seconds) as answer:  # noqa: S310
        content = json.load(answer)
    return content.get("data") or {}
