"""Ticks for whoever looks at schedules."""

import pytest

from tests.pipeline.ticks import Ticks
from tests.support.deployment import embedded_instance


@pytest.fixture
def instance(tmp_path):
    with embedded_instance(tmp_path / "dagster") as instance:
        yield instance


@pytest.fixture
def ticks(tmp_path, instance):
    return Ticks(tmp_path, instance, end=None)
