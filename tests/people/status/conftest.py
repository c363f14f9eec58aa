from datetime import date

import pytest

from my_dagster_project.foundation.settings import load_settings
from tests.support.deployment import deployed, write_project

SYMBOLS = ("IBM", "MSFT")


@pytest.fixture
def deployment(tmp_path):
    """Team red with two symbols on a live source, its schedules running, nothing computed yet."""
    write_project(tmp_path / "project", ["red"], SYMBOLS, date(2026, 11, 2), replay_sessions=3)
    with deployed(tmp_path / "project") as one:
        yield one


@pytest.fixture
def settings(deployment):
    return load_settings()
