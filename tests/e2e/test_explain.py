"""A figure of the table is walked back to its objects and made once more; whatever somebody put among them shows."""

import json

import pandas as pd
import pytest

from my_dagster_project.foundation.errors import TradingError
from my_dagster_project.foundation.settings import settings_from
from my_dagster_project.pipeline.recomputing import Recomputing
from my_dagster_project.reports.figure_addresses import TABLES, address_of, figures_of
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.opening import open_assets
from my_dagster_project.storage.parquet import from_parquet, to_parquet
from my_dagster_project.teams.platform import load_platform
from my_dagster_project.teams.sources import read_sources

pytestmark = pytest.mark.slow

BOARD, REPORT, PREDICTIONS = (
    ("competition", "leaderboard"),
    ("blue", "IBM", "report"),
    ("blue", "IBM", "predictions"),
)


def opened(project) -> AssetStore:
    settings = settings_from({"TRADING_HOME": str(project.home)}, project.folder)
    return open_assets(settings.store_url, settings.dvc_url)


def differing(project, figure: str) -> list[str]:
    platform = load_platform(read_sources(project.folder))
    found = list(Recomputing(platform, opened(project), address_of(figure)).findings())
    assert None not in {one.equal for one in found}
    return [one.what for one in found if not one.equal]


def forge(project, asset, name: str, change) -> None:
    """Put another file among an asset's, with everything in order around it, as whoever has the store's keys can."""
    assets = opened(project)
    files = assets.read(asset)
    assets.write(asset, files | {name: change(files[name])}, replace=asset[-1] != "predictions", record={})


def test_a_figure_is_what_its_objects_say(finished):
    for figure in ("blue.mase", "red.AAPL.ic", "red.equity"):
        assert differing(finished.project, figure) == []


def test_a_table_that_its_reports_do_not_bear_out_is_found(copied):
    def better(data: bytes) -> bytes:
        board = json.loads(data)
        next(row for row in board["teams"] if row["team"] == "blue")["mase"] = 0.9
        return json.dumps(board).encode()

    forge(copied, BOARD, "leaderboard.json", better)
    assert differing(copied, "blue.mase") == ["blue.mase"]
    done = copied.trading("explain", "blue.mase", COLUMNS="250")
    assert done.code == 1
    for named in ("blue/IBM/report ", "blue/IBM/model ", "market/IBM/bars ", "blue/IBM/features  equal"):
        assert named in done.out
    assert "0.9 is stored, but the reports' scored sessions make it" in done.out
    assert "competition/leaderboard: stored is" in done.out  # its run wrote another


def test_scores_and_predictions_that_nothing_bears_out_are_found(copied):
    def halved(column: str):
        def change(data: bytes) -> bytes:
            frame: pd.DataFrame = from_parquet(data)
            return to_parquet(frame.assign(**{column: frame[column] / 2}))

        return change

    forge(copied, REPORT, "scored.parquet", halved("error"))
    assert differing(copied, "blue.IBM.mase") == ["blue.IBM.mase", "blue/IBM/report"]
    session = opened(copied).names(PREDICTIONS)[2]
    forge(copied, PREDICTIONS, session, halved("predicted_return"))
    assert differing(copied, "blue.IBM.ic") == ["blue/IBM/report", "blue/IBM/predictions"]


@pytest.mark.parametrize("table", TABLES)
def test_every_figure_of_a_table_has_an_address(table):
    of = {"team": "red.", "symbol": "red.BRK.B.", "evaluation": "red.evaluation.2011."}[table]
    names = [name for column in TABLES[table] for name in figures_of(column)]
    assert [address_of(of + name).figure for name in names] == names
    assert all(str(address_of(of + name)) == of + name for name in names)


@pytest.mark.parametrize("text", ["", "mase", "red.skill", "red.", ".mase", "red.AAPL.equity"])
def test_what_is_no_figure_is_told_with_those_that_there_are(text):
    with pytest.raises(TradingError, match="is no figure: write TEAM"):
        address_of(text)
