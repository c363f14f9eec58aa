"""Cron strings are judged like Dagster judges them, without importing Dagster."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from my_dagster_project.teams.cron import cron_problem

VALID = [
    "30 6 * * *",
    "0 4 * * 6",
    "*/5 * * * *",
    "0-30/10 9-16 * * mon-fri",
    "0 0 1,15 * *",
    "5 4 29 2 *",
    "0 22 * jan-mar sun",
]
INVALID = ["", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8", "a b c d e",
           "0 4 30 feb mon", "0 4 31 2,4 1-5", "*/0 * * * *", "5/10 * * * *", "10-5 * * * *", "0 0 30 2 *", "@daily", "1,,2 * * * *", "0 0 * foo *", "-1 * * * *"]  # fmt: skip


@pytest.mark.parametrize("expression", VALID)
def test_valid_expressions_pass(expression):
    assert cron_problem(expression) is None


@pytest.mark.parametrize("expression", INVALID)
def test_invalid_expressions_are_explained(expression):
    assert cron_problem(expression)


FIELD = st.sampled_from(
    ["*", "0", "1", "5", "31", "60", "*/7", "1-5", "5-1", "1,3", "mon", "jan", "1-5/2", "x", "*/0", "07"]
)


@given(st.lists(FIELD, min_size=4, max_size=6).map(" ".join))
def test_what_we_accept_dagster_accepts(expression):
    from dagster._utils.schedules import cron_string_iterator, is_valid_cron_string

    if cron_problem(expression) is None:
        assert is_valid_cron_string(expression)
        assert next(cron_string_iterator(1_356_998_400, expression, "America/New_York"))


@given(st.text(max_size=40))
def test_any_text_is_judged(expression):
    assert cron_problem(expression) is None or "\n" not in cron_problem(expression)
