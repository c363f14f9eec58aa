"""`trading ui` ends when it is asked to, however it was started."""

import os
import signal
import time

import pytest
from dagster._utils.interrupts import setup_interrupt_handlers

from my_dagster_project.deploy.dagit import dev


@pytest.fixture
def ignored():
    """As a shell starts what a script puts into the background."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_what_a_script_has_put_into_the_background_ends_by_sigterm(ignored, monkeypatch):
    """Dagster does at SIGTERM what Ctrl-C does, which there was nothing: the daemon and the server lasted 15 s each too."""

    def dagster_dev() -> None:
        setup_interrupt_handlers()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)

    monkeypatch.setattr(dev._dev, "dev_command", dagster_dev)
    monkeypatch.setattr(dev, "end_all", lambda processes: None)
    with pytest.raises(KeyboardInterrupt):
        dev.main()
