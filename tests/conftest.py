"""Fixtures shared by all rooms."""

from collections.abc import Iterator

import pytest

from tests.support import minio


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
