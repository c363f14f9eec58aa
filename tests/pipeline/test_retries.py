"""What is tried again and what is not: real servers that fail, real Dagster runs that count their attempts."""

import socket
from datetime import date

import dagster as dg
import pytest

from my_dagster_project.foundation.errors import (
    NotYetError,
    PassingError,
    StorageError,
    StorageUnreachableError,
)
from my_dagster_project.foundation.s3_settings import S3Settings
from my_dagster_project.foundation.settings import load_settings, settings_from
from my_dagster_project.market_data.sample import SampleSource
from my_dagster_project.models.tracking import start_run
from my_dagster_project.models.tracking_server import TrackingError, TrackingUnreachableError
from my_dagster_project.pipeline.assets import keys
from my_dagster_project.pipeline.resources import BrokerResource
from my_dagster_project.pipeline.retries import NETWORK_RETRIES, explained, network_retries, training_retries
from my_dagster_project.storage.s3_store import S3Store
from tests.support.house import csv_house, failures, made
from tests.support.loopback import Reply, serving
from tests.support.minio import no_pauses

AAPL = keys.bars_key("AAPL")
BEFORE, NOW = date(2013, 2, 22), date(2013, 3, 1)
LOOKED_BACK_TO = date(2013, 2, 8)
"""Ten stored sessions are asked for again: Alpaca may have corrected them."""
DOWN = Reply("busy", 503, {"Retry-After": "0"})
ASKED_BY_THE_CLIENT = 4
"""How often market_data/http.py itself asks before a step gives up."""


def attempts(run, step="market__AAPL__bars") -> int:
    kinds = (dg.DagsterEventType.STEP_START, dg.DagsterEventType.STEP_RESTARTED)
    return sum(event.event_type in kinds and event.step_key == step for event in run.all_events)


def closed_port() -> str:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{one.getsockname()[1]}"


def pages() -> list[Reply]:
    """Alpaca's two series of the sample's last sessions, as its API gives them."""
    frame = SampleSource().fetch("AAPL", LOOKED_BACK_TO, NOW)

    def page(column):
        factor = frame[column] / frame["close"]
        bars = [
            {
                "t": f"{row.session.date()}T05:00:00Z",
                **{key: value * scale for key, value in zip("ohlc", row[2:6], strict=True)},
                "v": row.volume,
                "n": 1,
                "vw": row.close,
            }
            for row, scale in zip(frame.itertuples(), factor, strict=True)
        ]
        return Reply({"bars": {"AAPL": bars}, "next_page_token": None})

    return [page("close"), page("adj_close")]


@pytest.fixture
def house(tmp_path, environ):
    """AAPL's bars are stored up to 2013-02-22; what comes after is Alpaca's to give."""
    environ(ALPACA_DATA_KEY="PKTEST", ALPACA_DATA_SECRET="secret")
    built = csv_house(tmp_path, {"red": ["AAPL"]}, ["AAPL"], end=BEFORE)
    assert built.materialize(AAPL).success
    return built


def at(house, url):
    return house.later(source="alpaca", path=None, base_url=url, end=NOW)


def test_a_source_that_is_down_twice_is_asked_a_third_time(house):
    with serving(*[DOWN] * (2 * ASKED_BY_THE_CLIENT), *pages()) as there:
        run = at(house, there.url).materialize(AAPL)
        assert len(there.seen) == 2 * ASKED_BY_THE_CLIENT + 2
    assert (run.success, attempts(run)) == (True, 3)
    assert made(run)["market/AAPL/bars"][0].metadata["last_session"].value == "2013-03-01"


def test_a_source_that_stays_down_fails_after_two_retries_with_its_own_words(house):
    with serving(DOWN) as there:
        run = at(house, there.url).materialize(AAPL)
        assert len(there.seen) == (1 + NETWORK_RETRIES) * ASKED_BY_THE_CLIENT
    assert attempts(run) == 1 + NETWORK_RETRIES
    [message] = failures(run).values()
    assert message.startswith("alpaca: AAPL")
    assert "cannot be had: HTTP 503 (4 attempts); try later." in message


@pytest.mark.parametrize("answer", [Reply("<html>hello</html>"), Reply({"message": "no"}, 422)])
def test_bad_input_fails_at_once(house, answer):
    with serving(answer) as there:
        run = at(house, there.url).materialize(AAPL)
        assert len(there.seen) == 1
    assert (run.success, attempts(run)) == (False, 1)


def test_an_input_that_is_not_there_is_no_reason_to_wait(house):
    run = house.materialize(keys.model_key("red", "AAPL"))
    assert attempts(run, "red__AAPL__model") == 1
    assert "There is no red/AAPL/training_rows" in failures(run)["red__AAPL__model"]


def test_orders_have_one_attempt_even_when_the_broker_is_down(house, environ):
    environ(ALPACA_RED_KEY="PKTEST", ALPACA_RED_SECRET="secret")
    with serving(Reply("busy", 503)) as there:
        broker = house.resources["broker"].model_dump()
        house.resources["broker"] = BrokerResource(**{**broker, "url": there.url})
        run = house.materialize(keys.orders_key("red"), sessions=["2013-02-21"])
        assert there.seen
    retried = [event for event in run.all_events if event.event_type == dg.DagsterEventType.STEP_UP_FOR_RETRY]
    assert (run.success, retried) == (False, [])


def test_no_step_that_places_orders_has_a_policy_and_every_other_one_has(house):
    for asset in house.assets:
        if isinstance(asset, dg.AssetsDefinition):
            policies = {node.name: node.retry_policy for node in asset.node_def.iterate_op_defs()}
            trades = asset.key.path[-1] == "orders"
            assert all((policy is None) == trades for policy in policies.values()), policies


@pytest.mark.parametrize(
    ("error", "again"),
    [(NotYetError("later"), True), (StorageUnreachableError("gone"), True), (StorageError("damaged"), False)],
)
def test_only_what_may_pass_is_allowed_another_try(error, again):
    def work():
        raise error

    with pytest.raises(dg.Failure, match=str(error)) as caught:
        explained(work)
    assert caught.value.allow_retries is again


def test_a_bug_is_not_tried_again_and_keeps_its_traceback():
    def work():
        return {}["session"]

    with pytest.raises(dg.Failure, match="KeyError: 'session'") as caught:
        explained(work)
    assert not caught.value.allow_retries
    assert isinstance(caught.value.__cause__, KeyError)


def test_by_default_it_is_asked_again_after_30_and_90_seconds(monkeypatch):
    monkeypatch.delenv("TRADING_RETRY_SECONDS")
    load_settings.cache_clear()
    try:
        network, training = network_retries(), training_retries()
    finally:
        load_settings.cache_clear()
    assert [network.calculate_delay(attempt) for attempt in (1, 2)] == [30, 90]
    assert (network.max_retries, training.max_retries) == (2, 1)


@pytest.mark.parametrize("text", ["soon", "-1", "nan", "1e9"])
def test_a_delay_that_is_none_is_refused(tmp_path, text):
    with pytest.raises(
        Exception, match=r"TRADING_RETRY_SECONDS is .*; it is a number of seconds from 0 to 3600"
    ):
        settings_from({"TRADING_RETRY_SECONDS": text}, tmp_path)


def s3_error(url):
    store = S3Store("bucket", "", S3Settings(url, "key", "secret"))
    with pytest.raises(StorageError) as caught:
        store.get("red/AAPL/model.onnx")
    return caught.value


def test_a_store_that_is_down_may_come_back_and_one_that_refuses_will_not(monkeypatch):
    no_pauses(monkeypatch)
    assert isinstance(s3_error(closed_port()), StorageUnreachableError)
    with serving(Reply("<Error><Code>SlowDown</Code></Error>", 503)) as there:
        assert isinstance(s3_error(there.url), StorageUnreachableError)
    with serving(Reply("<Error><Code>AccessDenied</Code></Error>", 403)) as there:
        assert not isinstance(s3_error(there.url), PassingError)


def mlflow_error(url):
    with pytest.raises(TrackingError) as caught, start_run(url, "red", "red-AAPL", {}):
        pass
    return caught.value


def test_an_mlflow_that_is_down_may_come_back_and_one_that_refuses_will_not(monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    assert isinstance(mlflow_error(closed_port()), TrackingUnreachableError)
    with serving(Reply("busy", 503)) as there:
        assert isinstance(mlflow_error(there.url), TrackingUnreachableError)
    with serving(Reply({"error_code": "PERMISSION_DENIED", "message": "no"}, 403)) as there:
        assert not isinstance(mlflow_error(there.url), PassingError)
