"""A season and a replay keep out of each other's way."""

import dagster as dg
import pytest

from my_dagster_project.cli.rounds import require_replay
from my_dagster_project.foundation.errors import SeasonError
from my_dagster_project.main_job.afresh import start_afresh
from my_dagster_project.pipeline.resources import all_resources
from my_dagster_project.storage.opening import open_assets
from tests.support.committed import committed
from tests.support.lapse import FIRST, lapse


def test_a_replay_is_refused_where_a_season_is_lived(tmp_path):
    platform, settings = lapse(tmp_path, FIRST)
    # Also where the section was taken out of the registry in the middle of it.
    for now in (platform, committed()):
        with pytest.raises(
            SeasonError, match=r"`trading run` says .* season autumn is lived.*checkout of its own"
        ):
            require_replay(settings, now, "`trading run`")
    assets = open_assets(settings.store_url, settings.dvc_url)
    with pytest.raises(SeasonError, match="red keeps its account"):
        start_afresh(
            "red",
            all_resources(platform, settings).broker,
            assets,
            dg.DagsterInstance.ephemeral(),
            "olga",
            "",
        )


def test_a_replay_is_refused_where_a_season_is_to_be_lived(tmp_path):
    platform, settings = lapse(tmp_path)
    with pytest.raises(SeasonError, match="the registry's section season says that one is lived"):
        require_replay(settings, platform, "`trading build`")
    require_replay(settings, committed(), "`trading build`")
