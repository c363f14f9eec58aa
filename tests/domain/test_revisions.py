"""What was revised: value by value, and a stretch that was multiplied by one factor as one line."""

from datetime import date
from functools import cache

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from my_dagster_project.domain.revisions import (
    BAR,
    EVERYWHERE,
    FIELDS,
    from_json,
    revision_lines,
    revisions,
)
from my_dagster_project.market_data.sample import SampleSource
from tests.support.draws import draws

START, END = date(2000, 3, 1), date(2013, 3, 1)


@cache
def ibm():
    return SampleSource().fetch("IBM", START, END)


rows = st.integers(1, len(ibm()) - 2)


@draws(20)
@given(rows, st.sampled_from(FIELDS), st.floats(1e-6, 100))
def test_a_value_that_is_another_is_named_with_both(row, field, factor):
    after = ibm().copy()
    after.loc[row, field] *= 1 + factor
    [one] = revisions(ibm(), after)
    old, new = ibm().loc[row, field], after.loc[row, field]
    assert (one.session, one.field, one.old, one.new) == (ibm()["session"][row].date(), field, old, new)
    assert from_json(one.to_json()) == one
    assert not one.is_adjustment


@draws(20)
@given(rows)
def test_a_bar_that_went_or_came_between_others_is_named(row):
    without = ibm().drop(index=row).reset_index(drop=True)
    [gone], [come] = revisions(ibm(), without), revisions(without, ibm())
    assert (gone.field, come.field) == (BAR, BAR)
    assert (gone.old, gone.new, come.old, come.new) == (ibm()["close"][row], None, None, ibm()["close"][row])


def test_new_sessions_and_another_start_are_no_revision():
    assert revisions(ibm().head(3000), ibm()) == []
    assert revisions(ibm(), ibm().tail(1000).reset_index(drop=True)) == []
    assert revisions(ibm().tail(1000).reset_index(drop=True), ibm()) == []
    assert revisions(ibm().head(5), ibm().tail(5).reset_index(drop=True)) == []


def test_noise_of_floats_is_no_revision():
    after = ibm().copy()
    after[["open", "close", "adj_close"]] *= 1 + 3e-16
    assert revisions(ibm(), after) == []


def test_a_dividend_moves_the_level_of_adjusted_closes_and_that_is_one_line():
    after = ibm().copy()
    older = after["session"] < pd.Timestamp("2013-02-06")
    after.loc[older, "adj_close"] = (after["adj_close"] * 0.9958).round(2)
    [one] = revisions(ibm(), after)
    assert one.is_adjustment
    assert (one.session, one.through, one.sessions) == (START, date(2013, 2, 5), int(older.sum()))
    assert f"{START} to 2013-02-05 ({one.sessions} sessions): adj_close " in revision_lines([one])[0]


def test_a_few_of_many_are_told_and_how_many_more():
    after = ibm().copy()
    after.loc[100:300:4, "close"] += 1
    found = revisions(ibm(), after)
    assert len(found) == 51
    assert revision_lines(found)[-1] == f"and 41 more, up to {ibm()['session'][300].date()}"


def test_the_bars_of_another_symbol_are_a_line_per_field_and_no_adjustment():
    found = revisions(ibm(), SampleSource().fetch("MSFT", START, END))
    assert {one.field for one in found} == {EVERYWHERE.format(field) for field in FIELDS}
    assert {(one.session, one.through) for one in found} == {(START, END)}
    assert not any(one.is_adjustment for one in found)
    assert "adj_close, by no common factor" in "\n".join(revision_lines(found))


def test_a_declared_dividend_that_is_another_is_a_revision_and_one_that_is_new_to_the_source_is_none():
    said = ibm().assign(split_ratio=1.0, dividend=0.0)
    other = said.copy()
    other.loc[99, "dividend"], other.loc[99, "split_ratio"] = 0.3, float("nan")
    found = revisions(said, other)
    assert [(one.field, one.old, one.new) for one in found] == [("dividend", 0.0, 0.3)]
    assert revisions(ibm(), other) == revisions(other, ibm()) == []
