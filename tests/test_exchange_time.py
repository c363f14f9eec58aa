"""One place says what time it is at the exchange; whoever else looks at the wall clock is listed here with what for."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from my_dagster_project.foundation.calendar import load_calendar
from my_dagster_project.foundation.errors import ConfigError
from my_dagster_project.pipeline.due import open_session, recorded_sessions
from my_dagster_project.pipeline.partitions import last_session, replay_sessions
from my_dagster_project.teams.deployment import season_book
from tests.support.committed import committed
from tests.support.lapse import FIRST, LAST, lapse

PACKAGE = Path(__file__).parents[1] / "my_dagster_project"
XNYS = load_calendar()
ASKS = re.compile(r"datetime\.now|date\.today|get_current_datetime|time\.time\(|utcnow|Timestamp\.now")

WALL_CLOCK = {
    "foundation/dagster_private.py": "the scheduler's clock, which ticks are of",
    "git/fast_import.py": "when a commit was made",
    "git/rebase.py": "when a commit was made",
    "git/work_tree_edits.py": "when a commit was made",
    "history/gc.py": "how old a content is",
    "main_job/afresh.py": "when a person began afresh",
    "main_job/season_home.py": "when a season was put away",
    "main_job/season_plan.py": "when a real season is to begin",
    "models/tracking.py": "when a training ran",
    "operations/archive.py": "when a backup was made",
    "operations/dagster_history.py": "how old a run is",
    "operations/mlflow_history.py": "how old a run is",
    "people/front/season_clock.py": "in how many seconds a lapse's next session begins",
    "people/status/daemons.py": "how old a heartbeat is",
    "people/status/reader.py": "when the page was made",
    "pipeline/assets/stamp.py": "which partitions Dagster has",
    "pipeline/finished_runs.py": "how long ago a run ended",
    "pipeline/killed_trainings.py": "which failures were looked at",
    "pipeline/notification_sensor.py": "when a letter is due",
    "pipeline/rounds.py": "how long a session of a lapse has waited",
    "pipeline/sessions.py": "whether a tick of a schedule is late; in a lapse there is none",
    "pipeline/refit_windows.py": "which refit windows Dagster has",
    "pipeline/training_budget.py": "what was trained in the last 24 hours",
    "storage/audit.py": "when somebody did something",
    "storage/pending.py": "when a version was written",
    "storage/season.py": "when a season's state changed, and that a session to be closed has closed",
    "teams/exchange_clock.py": "the real clock",
    "teams/platform.py": "the real clock",
    "trading/clearances.py": "when a person cleared an alarm",
    "trading/halts.py": "when a person halted",
    "trading/patience.py": "how long to wait for a broker",
    "trading/reconcile.py": "when a person accepted an account",
    "trading/replays.py": "when an edit was tried",
}  # fmt: skip


def test_who_asks_the_wall_clock_is_listed_with_what_for():
    """For what time it is at the exchange ask `Platform.now()`: in a lapse it is another."""
    asking = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if ASKS.search(path.read_text(encoding="utf-8"))
    }
    assert asking == WALL_CLOCK.keys()


def test_without_a_season_it_is_the_real_time():
    before = datetime.now(UTC)
    assert before <= committed().now() <= datetime.now(UTC)


def test_a_lapse_is_not_told_without_its_store(tmp_path):
    platform, _ = lapse(tmp_path)
    with pytest.raises(ConfigError, match="in the asset store"):
        replace(platform, clock=None).now()


def test_a_lapse_that_has_not_begun_stands_before_its_first_session(tmp_path):
    platform, _ = lapse(tmp_path)
    assert platform.now() == XNYS.close_at(date(2012, 11, 30))
    assert (replay_sessions(platform), open_session(platform)) == ([], None)


def test_what_is_due_follows_the_clock(tmp_path):
    platform, settings = lapse(tmp_path, FIRST)
    assert (last_session(platform), replay_sessions(platform)) == (FIRST, [])
    assert open_session(platform) == FIRST
    season_book(settings).close(XNYS, FIRST, "driver")
    following = date(2012, 12, 4)
    assert platform.now() == XNYS.close_at(following)
    assert (last_session(platform), replay_sessions(platform)) == (following, [FIRST])
    assert recorded_sessions(platform) == ["2012-12-03", "2012-12-04"]


def test_nothing_can_be_ordered_after_the_last_session(tmp_path):
    platform, _ = lapse(tmp_path, LAST)
    assert open_session(platform) is None
    assert recorded_sessions(platform)[-1] == "2013-02-28"
