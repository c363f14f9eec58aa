"""Whatever blocks says why wherever a failure is told: terminal, status page, messages."""

from datetime import UTC, datetime
from pathlib import Path

import dagster as dg

import my_dagster_project
from my_dagster_project.people.status.last_runs import last_run
from my_dagster_project.pipeline.assets.gates import Gate
from my_dagster_project.pipeline.failures import problem_of
from my_dagster_project.pipeline.finished_runs import causes_of
from tests.support.deployment import embedded_instance

GATE = Gate("is_sound", "Holds.")
KEY = dg.AssetKey(["market", "AAPL", "bars"])
WHY = "AAPL: no bar on 2013-01-09. Fetch the bars anew."


@dg.asset(key=KEY, check_specs=[GATE.spec(KEY)], output_required=False, retry_policy=dg.RetryPolicy(2))
def refused():
    yield from GATE.answer(WHY, passed=False)
    yield dg.Output(1)


@dg.asset(deps=[KEY])
def after_it():
    return 2


def test_a_failed_gate_ends_the_step_with_its_own_words_everywhere(tmp_path):
    job = dg.define_asset_job("market_daily", [KEY, after_it.key])
    with embedded_instance(tmp_path / "dagster") as instance:
        code = dg.Definitions([refused, after_it], jobs=[job])
        run = code.resolve_job_def("market_daily").execute_in_process(instance=instance, raise_on_error=False)
        told = last_run(instance, "market_daily")
        causes = causes_of(instance, run.run_id)
    [failed] = [event for event in run.all_events if event.event_type == dg.DagsterEventType.STEP_FAILURE]
    assert problem_of(failed).message == WHY
    assert causes == [("market/AAPL/bars", WHY)]
    assert told.check.said == f"market/AAPL/bars: {WHY}"
    assert told.ended <= datetime.now(UTC)
    [answer] = run.get_asset_check_evaluations()
    assert (answer.passed, answer.blocking, answer.description) == (False, True, WHY)
    assert run.get_asset_materialization_events() == []


def test_a_warning_stops_nothing():
    [answer] = GATE.answer("late", passed=False, severity=dg.AssetCheckSeverity.WARN)
    assert not answer.passed


def test_no_blocking_check_is_declared_beside_the_gates():
    package = Path(my_dagster_project.__file__).parent
    found = [path.name for path in package.rglob("*.py") if "blocking=True" in path.read_text()]
    assert found == ["gates.py"]
