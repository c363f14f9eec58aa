"""A desk for whoever looks at schedules."""

import pytest

from tests.pipeline.desk import Desk
from tests.support.deployment import embedded_instance


@pytest.fixture
def instance(tmp_path):
    with embedded_instance(tmp_path / "dagster") as instance:
        yield instance


@pytest.fixture
def desk(tmp_path, instance):
    return Desk(tmp_path, instance, end=None)
