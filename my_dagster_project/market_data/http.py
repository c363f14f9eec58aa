"""Asking a JSON API politely: explicit timeouts, few retries, and no key in any text."""

import json
import logging
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from my_dagster_project.foundation.asking_again import ask_again, retry_after
from my_dagster_project.foundation.errors import MalformedDataError, RateLimitedError, SourceUnavailableError
from my_dagster_project.foundation.redaction import redact

_PAUSES_S = (1.0, 2.0, 4.0)
_ATTEMPTS = len(_PAUSES_S) + 1
_TOO_MANY_REQUESTS = 429


class _HideKeys(logging.Filter):
    """urllib3 logs whole URLs at DEBUG, and Alpha Vantage takes its key nowhere but in the URL."""

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        if "apikey=" in text:
            record.msg, record.args = re.sub(r"apikey=[^&\s\"]*", "apikey=***", text), ()
        return True


_HIDE_KEYS = _HideKeys()


@dataclass(frozen=True)
class Answer:
    """What came back: the HTTP status and the body, parsed from JSON."""

    status: int
    body: Any


@dataclass(frozen=True)
class JsonApi:
    """One HTTP API answering in JSON."""

    name: str
    """The source's name, at the head of every error."""
    base_url: str
    timeout: float = 10.0
    """Seconds, for connecting and again between two pieces of the answer."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    params: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Sent with every request, for an API that takes its key in the URL."""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    sleep: Callable[[float], None] = time.sleep
    longest_pause: float = max(_PAUSES_S)
    """Seconds: our own pauses are cut to this; what a server asks for is not."""

    def get(self, path: str, params: Mapping[str, str], where: str) -> Answer:
        """GET until there is an answer other than 429 or 5xx, at most four times with growing pauses.

        Raises RateLimitedError or SourceUnavailableError when there is none, MalformedDataError when the answer is no JSON;
        `where` (the symbol) and the source's name begin every message.
        """
        place = f"{self.name}: {where}"
        response, fault = ask_again(
            lambda: self._try(path, params),
            while_=lambda tried: _may_pass(tried[0]),
            pauses=[min(pause, self.longest_pause) for pause in _PAUSES_S],
            wanted=lambda tried: None if tried[0] is None else retry_after(tried[0].headers),
            sleep=self.sleep,
        )
        if _may_pass(response):
            raise self._gave_up(place, response, fault)
        return self._parse(response, place)

    def redact(self, text: str) -> str:
        """The text without secrets, those of this API included."""
        return redact(text, *self.secrets)

    def _try(self, path: str, params: Mapping[str, str]) -> tuple[Any, str]:
        """The response, or None and why there is none."""
        import requests

        logging.getLogger("urllib3.connectionpool").addFilter(_HIDE_KEYS)
        try:
            # A redirect would carry our key headers to another host; no source we know needs one.
            response = requests.get(
                self.base_url + path,
                params={**self.params, **params},
                headers=dict(self.headers),
                timeout=(self.timeout, self.timeout),
                allow_redirects=False,
            )
        except requests.Timeout:
            return None, f"no answer within {self.timeout:g} s"
        except requests.RequestException as broken:
            return None, self.redact(str(broken).rpartition(": ")[2].rstrip("'\")>"))
        return response, f"HTTP {response.status_code}"

    def _parse(self, response: Any, place: str) -> Answer:
        if 300 <= response.status_code < 400:
            raise SourceUnavailableError(f"{place}: {self._host} redirects elsewhere; check base_url.")
        try:
            return Answer(response.status_code, json.loads(response.content))
        except ValueError:
            start = self.redact(response.text[:80])
            raise MalformedDataError(
                f"{place}: {self._host} answered HTTP {response.status_code} with something that is not JSON: {start!r}"
            ) from None

    def _gave_up(self, place: str, response: Any, fault: str) -> SourceUnavailableError:
        if response is not None and response.status_code == _TOO_MANY_REQUESTS:
            return RateLimitedError(
                f"{place}: {self._host} says we ask too often (HTTP 429, {_ATTEMPTS} times); try later."
            )
        return SourceUnavailableError(
            f"{place}: {self._host} cannot be had: {fault} ({_ATTEMPTS} attempts); try later."
        )

    @property
    def _host(self) -> str:
        return urlsplit(self.base_url).netloc


def _may_pass(response: Any) -> bool:
    return response is None or response.status_code == _TOO_MANY_REQUESTS or response.status_code >= 500
