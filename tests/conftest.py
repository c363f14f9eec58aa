"""Fixtures shared by all rooms."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.support import minio

# What waits 30 s for a server to come back waits a moment here, in child processes too.
os.environ.setdefault("TRADING_RETRY_SECONDS", "0.02")

# No deadline: two cores are shared, and the first example of a room pays for pandas. In CI the same examples every time,
# so that a red run can be run again; at home new ones.
settings.register_profile("home", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "home")


@pytest.fixture(scope="session")
def s3(tmp_path_factory) -> Iterator[minio.S3Server]:
    """A real MinIO, one for the whole session; use `s3.new_bucket()` to be alone in it."""
    with minio.s3_server(tmp_path_factory.mktemp("minio")) as server:
        yield server


def pytest_terminal_summary(terminalreporter) -> None:
    """Say in the summary what did not run on the real part."""
    line = minio.summary_line()
    if line:
        terminalreporter.write_line(line, yellow=True)
