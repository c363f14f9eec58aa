"""Failures as they were stored: by this release, and by one in which the error's module lay elsewhere."""

import dagster as dg
import pytest
from dagster import DagsterEventType
from dagster._core.execution.plan.objects import StepFailureData

from my_dagster_project.foundation.dagster_private import SerializableErrorInfo
from my_dagster_project.foundation.errors import BrokerError
from my_dagster_project.pipeline.failures import problem_of


def failure(message, cause=None):
    error = SerializableErrorInfo(message, [], "Error", cause=cause)
    return dg.DagsterEvent(
        DagsterEventType.STEP_FAILURE.value,
        "a_job",
        step_key="red__orders",
        event_specific_data=StepFailureData(error=error, user_failure_data=None),
    )


ROOMS = [BrokerError.__module__, *(f"my_dagster_project{room}.errors" for room in ("", ".elsewhere"))]


@pytest.mark.parametrize("module", ROOMS)
def test_of_an_error_of_ours_the_text_says_it_all(module):
    ours = SerializableErrorInfo(f"{module}.BrokerError: the disk is full\n", [], "BrokerError")
    problem = problem_of(failure("dagster.StepError: while storing\n", cause=ours))
    assert (problem.step, problem.message) == ("red/orders", "the disk is full")


def test_of_another_error_the_class_is_said_too():
    assert problem_of(failure("some.ValueError: 3\n")).message == "some.ValueError: 3"
