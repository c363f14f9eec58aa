from pathlib import Path

import pytest

from tests.support.two_sides import Sides, two_sides


@pytest.fixture
def sides(tmp_path: Path) -> Sides:
    """A branch that is the same on the platform's side and on the team's, both having synchronised once."""
    made = two_sides(tmp_path)
    made.sync()
    return made
