"""Many teams want everything at once: the queue of our own embedded.yaml, by Dagster's own daemon, lets in what fits."""

from collections import Counter
from datetime import date

import dagster as dg
import pytest
from dagster._core.launcher import LaunchRunContext, RunLauncher
from dagster._serdes import ConfigurableClass

from my_dagster_project.foundation.dagster_private import ConfigurableClassData
from tests.support.deployment import deployed, write_project
from tests.support.draws import size

pytestmark = pytest.mark.slow
SLOTS = 2


class SlotLauncher(RunLauncher, ConfigurableClass):
    """Starts a run as every launcher does, by saying so in the event log; when it ends, the test says."""

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        self._inst_data = inst_data
        super().__init__()

    @property
    def inst_data(self):
        return self._inst_data

    @classmethod
    def config_type(cls):
        return {}

    @classmethod
    def from_config_value(cls, inst_data, config_value):
        return cls(inst_data=inst_data, **config_value)

    def launch_run(self, context: LaunchRunContext) -> None:
        run = context.dagster_run
        self._instance.report_dagster_event(
            dg.DagsterEvent("PIPELINE_START", run.job_name), run_id=run.run_id
        )

    def terminate(self, run_id: str) -> bool:
        return False


def waiting(deployment) -> list[dg.DagsterRun]:
    return list(deployment.instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED])))


def fill(deployment, teams) -> None:
    """A Saturday morning on which every schedule of every team asks at once, the trainings first."""
    deployment.tick(2026, 1, 10, 4, 0)
    for team in teams:
        deployment.predictions(team, "2026-01-09")
    deployment.tick(2026, 1, 10, 9, 0)
    deployment.bars("2026-01-09")  # until now the daily ticks have waited
    deployment.tick(2026, 1, 10, 9, 1)
    # market_daily is one more daily job
    jobs = Counter(run.job_name.rpartition("_")[2] for run in waiting(deployment))
    each = len(teams)
    assert jobs == {"train": each, "daily": each + 1, "trade": each, "settle": each, "leaderboard": 1}, jobs


def drain(deployment) -> list[list[dg.DagsterRun]]:
    """Let the queue's daemon work until it is empty; which runs were going on together, step by step."""
    together = []
    while True:
        deployment.dequeue()
        going_on = deployment.instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
        if not going_on:
            return together
        together.append(list(going_on))
        deployment.finish(going_on[-1])


@pytest.fixture(scope="module", params=[size(6, 20)])
def together(request, tmp_path_factory):
    teams = [f"team{n:02}" for n in range(request.param)]
    folder = tmp_path_factory.mktemp("queue")
    write_project(folder, teams, ["AAPL"], date(2025, 12, 1))
    with deployed(folder, launcher={"module": __name__, "class": SlotLauncher.__name__}) as deployment:
        deployment.tick(2026, 1, 10, 0, 0)
        fill(deployment, teams)
        steps = drain(deployment)
        assert waiting(deployment) == []
        yield steps


def test_never_more_runs_than_slots(together):
    assert max(map(len, together)) == SLOTS
    runs = {run.run_id: run for runs in together for run in runs}.values()
    teams = {run.job_name.removesuffix("_train") for run in runs if run.job_name.endswith("_train")}
    assert len(teams) >= 6
    assert len(runs) == 4 * len(teams) + 2


def test_a_team_never_runs_beside_itself(together):
    assert {max(Counter(run.tags["team"] for run in runs).values()) for runs in together} == {1}


def test_one_run_trains_at_a_time(together):
    assert max(sum(run.job_name.endswith("_train") for run in runs) for runs in together) == 1


def test_orders_go_first_then_predictions_and_trainings_last(together):
    order = list(
        dict.fromkeys(run.job_name.rpartition("_")[2] for runs in together for run in reversed(runs))
    )
    assert order == ["trade", "daily", "settle", "leaderboard", "train"]
