"""Which sessions a model may answer for."""

from datetime import date

import pandas as pd

from my_dagster_project.domain.predictions import by_earlier_models, model_from_the_future

THROUGH = date(2012, 12, 3)


def test_a_model_answers_for_sessions_after_its_last_training_close():
    assert model_from_the_future(THROUGH, [date(2012, 12, 4), date(2012, 12, 5)]) is None


def test_not_for_the_last_session_it_has_seen_nor_for_any_before():
    assert "must not predict 2012-12-03;" in model_from_the_future(THROUGH, [date(2012, 12, 4), THROUGH])
    both = model_from_the_future(THROUGH, [date(2012, 11, 30), THROUGH, date(2012, 12, 4)])
    assert "must not predict 2012-11-30 and 1 more sessions;" in both


def test_predictions_that_an_earlier_model_made_are_told_apart_where_files_say_so():
    table = pd.DataFrame({"session": pd.bdate_range("2012-01-02", periods=4)[::-1]})
    assert by_earlier_models(table).empty
    assert by_earlier_models(table.iloc[:0].assign(model=[])).empty
    found = by_earlier_models(table.assign(model=["new", "new", "old", None]))
    assert [session.date() for session in found["session"]] == [date(2012, 1, 3)]
