"""What a killed `trading run` leaves: no process of it goes on, and Dagster learns that its runs have ended."""

import os
import signal
import time
from pathlib import Path

import dagster as dg
import pytest

from my_dagster_project.main_job.abandoned import PROCESS_TAG, end_abandoned, this_process
from my_dagster_project.main_job.team_processes import run_teams
from tests.support.waiting import wait_for


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_teams_process_ends_with_the_run_that_started_it(tmp_path):
    """It went on trading for a run that was killed."""

    def trade_on(team, tell):
        (tmp_path / str(os.getpid())).touch()
        time.sleep(60)
        return []

    if (run := os.fork()) == 0:
        run_teams(["red", "blue"], trade_on, lambda news: None)
        os._exit(0)
    count = min(2, os.cpu_count() or 1)
    wait_for(lambda: len(list(tmp_path.iterdir())) == count, 30, every=0.01)
    teams = [int(file.name) for file in tmp_path.iterdir()]
    os.kill(run, signal.SIGKILL)
    os.waitpid(run, 0)
    wait_for(lambda: not any(map(_is_alive, teams)), 10, every=0.01)


@pytest.mark.parametrize("status", [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTED])
def test_runs_of_a_process_that_is_gone_do_not_stay_as_they_are(status):
    def _run(instance: dg.DagsterInstance, **tags: str) -> str:
        return instance.add_run(dg.DagsterRun(job_name="red_daily", status=status, tags=tags)).run_id

    host, pid, start = this_process().split(" ")
    with dg.DagsterInstance.ephemeral() as instance:
        mine = _run(instance, **{PROCESS_TAG: this_process()})
        others = [_run(instance), _run(instance, **{PROCESS_TAG: f"elsewhere {pid} 1"})]
        gone = [
            _run(instance, **{PROCESS_TAG: f"{host} {dead}"}) for dead in (f"{2**22 + 1} {start}", f"{pid} 1")
        ]
        assert sorted(end_abandoned(instance)) == sorted(gone)
        for run in [mine, *others]:
            assert instance.get_run_by_id(run).status == status
        for run in gone:
            assert instance.get_run_by_id(run).status == dg.DagsterRunStatus.FAILURE
        assert end_abandoned(instance) == []
