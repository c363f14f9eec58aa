import pytest

from tests.support.house import House
from tests.support.trading import brief_pauses, trading_house

brief = pytest.fixture(autouse=True)(brief_pauses)


@pytest.fixture
def house(tmp_path) -> House:
    """Red with AAPL and IBM, their bars, and an empty account at the bundled broker."""
    return trading_house(tmp_path)
