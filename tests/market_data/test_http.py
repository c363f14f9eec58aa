"""Asking over a real socket: retries, pauses, timeouts, and keys that stay secret."""

import logging
import socket

import pytest

from my_dagster_project.foundation.errors import MalformedDataError, RateLimitedError, SourceUnavailableError
from my_dagster_project.market_data.http import JsonApi
from tests.support.loopback import Reply, serving

KEY = "SECRET+KEY/123"


def api(url, pauses=None, timeout=5.0):
    sleep = (lambda seconds: None) if pauses is None else pauses.append
    return JsonApi("there", url, timeout, headers={"X-Key": KEY}, secrets=(KEY,), sleep=sleep)


def test_an_answer_comes_back_with_status_and_body():
    with serving(Reply({"a": 1}, status=404)) as there:
        answer = api(there.url).get("/x", {"q": "1 2"}, "AAPL")
    assert (answer.status, answer.body) == (404, {"a": 1})
    assert (there.seen[0].path, there.seen[0].query) == ("/x", {"q": "1 2"})
    assert there.seen[0].headers["x-key"] == KEY


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_it_waits_and_asks_again_after(status):
    pauses = []
    with serving(Reply("busy", status=status), Reply("busy", status=status), Reply({"a": 1})) as there:
        assert api(there.url, pauses).get("/", {}, "AAPL").body == {"a": 1}
    assert pauses == [1.0, 2.0]


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 422])
def test_it_asks_only_once_when_the_answer_is_final(status):
    with serving(Reply({}, status=status)) as there:
        api(there.url).get("/", {}, "AAPL")
    assert len(there.seen) == 1


@pytest.mark.parametrize(
    ("asked", "paused"), [("7", 7.0), ("900", 60.0), ("Wed, 21 Oct 2026 07:28:00 GMT", 1.0)]
)
def test_the_server_s_retry_after_counts_within_reason(asked, paused):
    pauses = []
    with serving(Reply("", status=429, headers={"Retry-After": asked}), Reply({})) as there:
        api(there.url, pauses).get("/", {}, "AAPL")
    assert pauses == [paused]


def test_too_many_requests_to_the_end_is_a_rate_limit():
    pauses = []
    with (
        serving(Reply("", status=429)) as there,
        pytest.raises(RateLimitedError, match=r"there: AAPL: .*HTTP 429, 4 times"),
    ):
        api(there.url, pauses).get("/", {}, "AAPL")
    assert (len(there.seen), pauses) == (4, [1.0, 2.0, 4.0])


def test_faults_to_the_end_are_an_unavailable_source():
    with (
        serving(Reply("", status=503)) as there,
        pytest.raises(SourceUnavailableError, match="HTTP 503") as caught,
    ):
        api(there.url).get("/", {}, "AAPL")
    assert not isinstance(caught.value, RateLimitedError)
    assert len(there.seen) == 4


def test_a_server_that_hangs_is_given_up_in_time():
    with (
        serving(Reply(hang=True)) as there,
        pytest.raises(SourceUnavailableError, match=r"no answer within 0\.1 s"),
    ):
        api(there.url, timeout=0.1).get("/", {}, "AAPL")
    assert len(there.seen) == 4


def test_a_hang_is_survived_when_the_next_answer_comes():
    with serving(Reply(hang=True), Reply({"a": 1})) as there:
        assert api(there.url, timeout=0.2).get("/", {}, "AAPL").body == {"a": 1}


def test_nobody_listening_is_an_unavailable_source():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(
            SourceUnavailableError, match=r"there: AAPL: 127\.0\.0\.1:\d+ .*refused.*4 attempts"
        ):
            api(url).get("/", {"apikey": KEY}, "AAPL")


def test_an_answer_cut_off_is_asked_for_again():
    torn = Reply('{"a":', headers={"Content-Length": "1000"})
    with serving(torn, Reply({"a": 1})) as there:
        assert api(there.url, timeout=0.5).get("/", {}, "AAPL").body == {"a": 1}


@pytest.mark.parametrize("body", ["", "<html>down for maintenance</html>", '{"a": 1', b"\xff\xfe\x00"])
def test_what_is_not_json_is_malformed_and_not_asked_again(body):
    with serving(Reply(body)) as there, pytest.raises(MalformedDataError, match=r"there: AAPL: .* not JSON"):
        api(there.url).get("/", {}, "AAPL")
    assert len(there.seen) == 1


def test_a_redirect_is_not_followed_because_it_would_carry_the_keys():
    with serving(Reply({})) as elsewhere:
        away = Reply("", status=302, headers={"Location": elsewhere.url})
        with serving(away) as there, pytest.raises(SourceUnavailableError, match="redirects"):
            api(there.url).get("/", {}, "AAPL")
    assert elsewhere.seen == []


def test_keys_show_in_no_error_no_log_and_no_repr(caplog):
    caplog.set_level(logging.DEBUG)
    texts = []
    with serving(Reply(f"<html>key {KEY} unknown")) as there:
        texts.append(_error(there.url))
    texts.append(_error("http://127.0.0.1:1"))
    texts.append(_error("http://no.such.host.invalid"))
    assert "urllib3.connectionpool" in {record.name for record in caplog.records}
    for text in [*texts, caplog.text, repr(api("http://there"))]:
        assert KEY not in text
        assert "SECRET" not in text


def _error(url):
    with pytest.raises((SourceUnavailableError, MalformedDataError)) as caught:
        api(url).get("/", {"apikey": KEY}, "AAPL")
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    return str(caught.value)
