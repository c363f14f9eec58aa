"""How long a session is tried again: until the open; in a replay a bounded while; never what will not pass."""

from datetime import UTC, datetime, timedelta

import pytest

from my_dagster_project.foundation.errors import BrokerError
from my_dagster_project.trading.broker import BrokerUnreachableError
from my_dagster_project.trading.lease import LeaseError
from my_dagster_project.trading.patience import until_the_open
from my_dagster_project.trading.submission import UncertainError

EVENING = datetime(2013, 2, 22, 22, tzinfo=UTC)
OPEN = datetime(2013, 2, 25, 14, 30, tzinfo=UTC)


class Night:
    """A clock that only sleeping moves, and an attempt that fails so many times."""

    def __init__(self, failures: int, error: Exception, starts: datetime = EVENING) -> None:
        self.now, self.failures, self.error, self.told = starts, failures, error, []

    def attempt(self) -> str:
        self.failures -= 1
        if self.failures >= 0:
            raise self.error
        return "done"

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def run(self) -> str:
        return until_the_open(
            self.attempt, OPEN, 30.0, self.told.append, sleep=self.sleep, now=lambda: self.now
        )


@pytest.mark.parametrize("error", [BrokerUnreachableError("HTTP 500"), UncertainError("who knows")])
def test_a_session_is_tried_through_the_night(error):
    night = Night(600, error)
    assert night.run() == "done"
    assert night.now - EVENING > timedelta(hours=9)
    assert len(night.told) == 600
    assert night.told[0] == f"{error}\nagain in 1 s, at the latest until 2013-02-25 14:30:00 UTC"


def test_nothing_is_tried_after_the_open():
    night = Night(10_000, BrokerUnreachableError("HTTP 500"))
    with pytest.raises(BrokerUnreachableError):
        night.run()
    assert OPEN - timedelta(minutes=2) < night.now < OPEN


def test_a_replay_waits_half_a_minute_at_most():
    night = Night(100, BrokerUnreachableError("HTTP 500"), starts=datetime(2026, 11, 28, tzinfo=UTC))
    with pytest.raises(BrokerUnreachableError):
        night.run()
    assert night.now - datetime(2026, 11, 28, tzinfo=UTC) <= timedelta(seconds=30)
    assert len(night.told) == 4


@pytest.mark.parametrize("error", [BrokerError("wrong key"), LeaseError("somebody else has it")])
def test_what_does_not_pass_is_told_at_once(error):
    night = Night(1, error)
    with pytest.raises(type(error)):
        night.run()
    assert night.now == EVENING
