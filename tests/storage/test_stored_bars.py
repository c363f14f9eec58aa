"""Where a symbol's bars lie is known to one module."""

import ast
from pathlib import Path

import pandas as pd
import pytest

from my_dagster_project.foundation.errors import ObjectMissingError
from my_dagster_project.storage.names import bars
from my_dagster_project.storage.opening import open_assets
from my_dagster_project.storage.parquet import to_parquet
from my_dagster_project.storage.stored_bars import BARS_FILE, all_bars, bars_content, read_bars

PACKAGE = Path(__file__).parents[2] / "my_dagster_project"
OWNERS = {"storage/names.py", "storage/stored_bars.py"}


@pytest.fixture
def assets(tmp_path):
    return open_assets(f"file://{tmp_path}/store", f"file://{tmp_path}/dvc")


def write(assets, symbol, close):
    files = {BARS_FILE: to_parquet(pd.DataFrame({"close": [close]}))}
    assets.write(bars(symbol), files, replace=True, record={})


def test_bars_are_read_as_they_are_stored_now(assets):
    with pytest.raises(ObjectMissingError):
        read_bars(assets, "IBM")
    assert bars_content(assets, "IBM") is None
    write(assets, "IBM", 1.0)
    before = bars_content(assets, "IBM")
    write(assets, "IBM", 2.0)
    assert read_bars(assets, "IBM")["close"].tolist() == [2.0]
    assert bars_content(assets, "IBM") != before
    assert list(all_bars(assets, ["AAPL", "IBM"])) == ["IBM"]


def test_nobody_else_spells_where_they_lie():
    for path in PACKAGE.rglob("*.py"):
        if path.relative_to(PACKAGE).as_posix() in OWNERS:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            spelled = (
                [getattr(part, "value", None) for part in node.elts] if isinstance(node, ast.Tuple) else []
            )
            assert not (len(spelled) == 3 and spelled[0] == "market" and spelled[2] == "bars"), path
            assert getattr(node, "value", None) != BARS_FILE, path
