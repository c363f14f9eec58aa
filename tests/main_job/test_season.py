"""A season and a replay keep out of each other's way."""

import io
import math
from dataclasses import replace
from datetime import date
from types import SimpleNamespace

import dagster as dg
import pytest

from my_dagster_project.cli.rounds import require_replay
from my_dagster_project.domain.alarms import Alarm
from my_dagster_project.domain.leaderboard import Leaderboard, TeamRow, TradingSummary
from my_dagster_project.foundation.console import Console
from my_dagster_project.foundation.errors import SeasonError
from my_dagster_project.main_job.afresh import start_afresh
from my_dagster_project.main_job.season_lines import print_lived
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


def test_the_session_that_opens_an_alarm_says_why_and_those_after_it_say_nothing_more():
    """A team lost its rank in the middle of a season, and the reason stood in `trading status` alone."""
    row = TeamRow(1, "red", False, 1, 20, 0.6, 0.9, 0.7, 1.0, TradingSummary(equity=math.nan))
    honest, alarmed = (
        Leaderboard(teams=(replace(row, alarms=alarms),), symbols=())
        for alarms in ((), (Alarm("IBM", "IBM: too good to be true", "leak IBM 1"),))
    )
    lived = SimpleNamespace(
        state=SimpleNamespace(session=date(2013, 2, 14)),
        seconds=1.0,
        missed={},
        problems=[],
        untold=[],
        platform=SimpleNamespace(problems={}),
    )
    told = []
    for board, before in ((honest, None), (alarmed, honest), (alarmed, alarmed), (alarmed, None)):
        out = io.StringIO()
        print_lived(Console(file=out, width=200), lived, board, before)
        told.append("red has no rank: IBM: too good to be true" in out.getvalue())
    assert told == [False, True, False, True]
