"""200 sessions in which every request goes wrong once, and runs killed with kill -9, end in the books of a quiet replay."""

import shutil
import subprocess
import sys
import time
from datetime import date
from itertools import cycle
from random import Random

import pytest

from my_dagster_project.foundation.errors import BrokerError
from tests.trading.replay import SESSIONS, books, open_account, team, world
from tests.trading.street import Fate, Killed, open_street, predictions, run_session

# What the server does; `lost` and `late` are the network's: the request never arrives, or its answer does not.
KINDS = ("500", "504_after_accept", "429", "half_open", "hang", "lost", "late")


class EveryRequestOnce:
    """Lets each request of a session go wrong the first time it is made, in turn in every way there is."""

    def __init__(self, street) -> None:
        self.street, self.kinds, self.seen, self.faults = street, cycle(KINDS), set(), 0

    def session(self) -> None:
        self.seen.clear()

    def wrap(self, client):
        import requests

        adapter = client._transport._client._session.get_adapter("http://")
        real = adapter.send

        def send(request, *args, **options):
            path = request.path_url.partition("?")[0]
            # A list of orders may be asked for twice in a session, which is two requests that both go wrong.
            what = (request.method, request.path_url, request.body)
            if what in self.seen:
                return real(request, *args, **options)
            self.seen.add(what)
            self.faults += 1
            kind = next(self.kinds)
            # The account's clock is the one route the server never lets go wrong.
            if path.startswith("/paper/") and kind not in ("lost", "late"):
                kind = "late"
            if kind == "lost":
                raise requests.ConnectionError("the network is down")
            if kind == "late":
                real(request, *args, **options)
                raise requests.ReadTimeout("nothing came back")
            self.street.admin.fault(kind, method=request.method, path=path, seconds=0)
            return real(request, *args, **options)

        adapter.send = send
        return client


@pytest.mark.full
def test_200_sessions_with_every_request_failing_once_end_in_the_same_books(tmp_path):
    market, one = world(), team()
    with predictions(market):
        with open_street(tmp_path / "quiet", market) as quiet:
            open_account(quiet)
            for session in SESSIONS[:200]:
                run_session(quiet, one, session)
            expected = books(quiet, one)
        with open_street(tmp_path / "broken", market) as broken:
            open_account(broken)
            trouble, failures = EveryRequestOnce(broken), 0
            honest = broken.client
            broken.client = lambda name, fate=None: trouble.wrap(honest(name, fate))
            for session in SESSIONS[:200]:
                trouble.session()
                for _ in range(40):
                    try:
                        run_session(broken, one, session)
                        break
                    except BrokerError:
                        failures += 1
                else:
                    raise AssertionError(f"{session} did not get through")
            broken.client = honest
            assert books(broken, one) == expected
    assert trouble.faults > 1500
    assert failures > 20
    assert len(expected["orders"]) > 150


def test_a_run_that_dies_at_each_of_its_steps_in_turn_ends_in_the_same_books(tmp_path):
    """No step of a session is one at which dying costs or doubles an order, whether before or after it is done."""
    market, one, days = world(), team(), SESSIONS[:4]
    with predictions(market):
        with open_street(tmp_path / "quiet", market) as quiet:
            open_account(quiet)
            steps = []
            for session in days:
                fate = Fate()
                run_session(quiet, one, session, fate)
                steps.append(fate.steps)
            expected = books(quiet, one)
        for before in (True, False):
            with open_street(tmp_path / f"dying-{before}", market) as dying:
                open_account(dying)
                died = 0
                for session, count in zip(days, steps, strict=True):
                    for step in range(1, count + 1):
                        try:
                            run_session(dying, one, session, Fate(step, before))
                        except Killed:
                            died += 1
                    run_session(dying, one, session)
                assert books(dying, one) == expected
                assert died > 3 * len(days)


@pytest.mark.full
def test_processes_that_are_killed_with_kill_9_end_in_the_same_books(tmp_path):
    market, one, rng = world(), team(), Random(9)
    with predictions(market), open_street(tmp_path / "quiet", market) as quiet:
        open_account(quiet)
        for session in SESSIONS[:40]:
            run_session(quiet, one, session)
        expected = books(quiet, one)
    with open_street(tmp_path / "killed", market) as made:
        open_account(made)
    kills = 0
    while _child(tmp_path / "killed", rng.uniform(0.05, 0.6) if kills < 6 else None):
        kills += 1
    assert kills == 6
    with open_street(tmp_path / "killed", market) as street:
        assert books(street, one) == expected
    shutil.rmtree(tmp_path)


def _child(folder, lives_s: float | None) -> bool:
    """Trade in a process of its own; True when it was killed this long after it began to trade."""
    command = [sys.executable, "-m", "tests.trading.replay", str(folder), "40"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline().strip() == "trading"
        if lives_s is None:
            assert process.wait(120) == 0
            return False
        time.sleep(lives_s)
        process.kill()
        return process.wait() == -9
    finally:
        process.stdout.close()


def test_the_replays_market_has_splits_and_halts():
    market = world()
    assert market.feed.splits
    assert any(market.feed.bar(symbol, day) is None for symbol in market.feed.bars for day in market.sessions)
    assert market.sessions[0] == date(2012, 1, 3)
