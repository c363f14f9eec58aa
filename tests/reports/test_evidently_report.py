import functools
import json
import math
import re
import time
import timeit

import numpy as np
import pytest

from my_dagster_project.domain.evaluation import Metrics
from my_dagster_project.domain.targets import NEXT_DIRECTION, NEXT_RETURN
from my_dagster_project.reports.evidently_report import FEWEST_SESSIONS, build_report, read_metrics
from my_dagster_project.reports.evidently_snapshots import read_snapshot
from my_dagster_project.reports.report_tests import NO_LEAK, report_tests
from tests.reports.samples import SYMBOL, sample_bars, sample_features, sample_scored, split_features

TARGETS = [NEXT_RETURN, NEXT_DIRECTION]


@pytest.fixture(scope="module")
def bars():
    return sample_bars()


@pytest.fixture(scope="module")
def features(bars):
    return split_features(sample_features(bars))


def report_of(scored, features, target=NEXT_RETURN, team="red"):
    return build_report(scored, *features, target, team, SYMBOL)


@pytest.fixture(scope="module")
def honest(bars, features):
    """By target: the report of an honest model, made once."""
    return functools.cache(lambda target: report_of(sample_scored(bars, target), features, target))


def statuses(report):
    return {test.name: test.status for test in report.tests}


def found(report, name):
    return next(test.description for test in report.tests if test.name == name)


@pytest.mark.parametrize("target", TARGETS)
def test_an_honest_model_passes_every_test(honest, target):
    report = honest(target)
    assert report.status == "ok"
    assert report.warnings == ()
    assert statuses(report) == {spec.name: "pass" for spec in report_tests(target)}


def test_sessions_that_earlier_models_predicted_are_dated(bars, features, honest):
    scored = sample_scored(bars)
    earlier = [session.date() for session in scored["session"][:20]]
    files = build_report(scored, *features, NEXT_RETURN, "red", SYMBOL, earlier=earlier).files
    assert f"(20 up to {earlier[-1]} by earlier models)" in files["report.html"].decode()
    assert json.loads(files["report.json"])["earlier"] == 20
    assert "earlier models" not in honest(NEXT_RETURN).files["report.html"].decode()


def test_the_same_inputs_give_the_same_json(bars, features, honest):
    again = report_of(sample_scored(bars), features)
    assert again.files["report.json"] == honest(NEXT_RETURN).files["report.json"]


@pytest.mark.parametrize("target", TARGETS)
def test_the_json_holds_our_figures_the_tests_and_evidentlys(honest, target):
    report = honest(target)
    content = json.loads(report.files["report.json"])
    assert (content["team"], content["symbol"], content["target"], content["status"]) == (
        "red",
        SYMBOL,
        target,
        "ok",
    )
    assert (content["first"], content["last"]) == ("2012-12-03", "2013-02-28")
    assert content["metrics"]["direction"] == pytest.approx(report.metrics.direction)
    assert [test["name"] for test in content["tests"]] == [spec.name for spec in report_tests(target)]
    assert len(content["evidently"]) == 2


def test_the_page_shows_figures_beside_baselines_and_needs_no_network(honest):
    report = honest(NEXT_RETURN)
    page = report.files["report.html"].decode()
    ours = page.split('<details id="evidently-fold">')[0]
    assert "red · AAPL" in ours
    assert f"${report.metrics.mae:.2f}" in ours
    assert f"${report.metrics.naive_mae:.2f} for “no change”" in ours
    # It fetches nothing; its links are the front's own pages, and hidden in a file that somebody opens.
    assert re.search(r'(src="(?!data:)|href="(?!/[^/]?)|<link)', page) is None
    assert 'href="/teams/red#AAPL"' in ours
    assert '<nav id="front" hidden>' in ours
    assert len(page) < 2_500_000


def test_evidentlys_part_is_folded_and_speaks_of_sessions_and_whole_numbers(honest):
    """A page was 16,851 px long, drew over "Index binned" and counted 60.000 rows."""
    page = honest(NEXT_RETURN).files["report.html"].decode()
    data = re.search(r'id="evidently-data">(.*?)</script>', page, re.S)[1]
    assert "Index binned" not in data
    assert '"2013-02-28"' in data
    assert '"value":"60"' in data
    assert '"60.000"' not in data


def test_evidentlys_figures_agree_with_ours(honest):
    report = honest(NEXT_RETURN)
    measured = json.loads(report.files["report.json"])["evidently"]["Predictions of the scored sessions"]
    mae = next(value for name, value in measured.items() if name.startswith("MAE"))
    assert mae["mean"] == pytest.approx(report.metrics.mae)


def test_a_model_worse_than_naive_fails(bars, features):
    scored = sample_scored(bars, skill=-1.0)
    report = report_of(scored, features)
    assert statuses(report)["mae_vs_naive"] == "fail"
    assert statuses(report)["direction_sane"] == "warn"
    assert re.search(r"MAE \$\d+\.\d\d, no change \$\d+\.\d\d", found(report, "mae_vs_naive"))


def test_a_model_that_is_sure_and_wrong_fails(bars, features):
    scored = sample_scored(bars, NEXT_DIRECTION, skill=-1.0)
    assert statuses(report_of(scored, features, NEXT_DIRECTION))["log_loss_vs_coin"] == "fail"


def test_a_model_that_has_seen_the_future_fails_and_its_page_says_so(bars, features):
    report = report_of(sample_scored(bars, skill=0.9), features)
    assert statuses(report)["no_leak_alarm"] == "fail"
    assert "AAPL: too good to be true" in report.warnings[0]
    assert report.warnings[0] in report.files["report.html"].decode()


def test_features_that_moved_warn_and_are_named(bars, features):
    current, reference = features
    moved = current.assign(return_1=current["return_1"] + 1, volatility_21=5.0, intraday=9.0)
    report = report_of(sample_scored(bars), (moved, reference))
    assert statuses(report)["feature_drift"] == "warn"
    assert found(report, "feature_drift").startswith("3 of 4 features moved")
    assert "volatility_21" in found(report, "feature_drift")


def test_missing_and_infinite_feature_values_fail_and_are_counted(bars, features):
    current = features[0].copy()
    current.iloc[0, current.columns.get_loc("return_1")] = math.nan
    current.iloc[1, current.columns.get_loc("intraday")] = math.inf
    report = report_of(sample_scored(bars), (current, features[1]))
    assert statuses(report)["features_complete"] == "fail"
    assert "return_1 1, intraday 1" in found(report, "features_complete")


def test_a_feature_without_any_value_and_a_new_one_do_not_stop_the_report(bars, features):
    current = features[0].assign(intraday=math.nan, fresh=1.0)
    report = report_of(sample_scored(bars), (current, features[1]))
    assert "intraday 60" in found(report, "features_complete")
    assert " of 3 features moved" in found(report, "feature_drift")


def test_constant_features_do_not_stop_the_report(bars, features):
    flat = tuple(frame.assign(return_1=0.0, weekday="1") for frame in features)
    assert statuses(report_of(sample_scored(bars), flat))["feature_drift"] == "pass"


def test_missing_predictions_fail_and_the_rest_is_still_measured(bars, features):
    scored = sample_scored(bars)
    scored.loc[:4, ["predicted_return", "predicted_close", "error", "hit"]] = math.nan
    report = report_of(scored, features)
    assert statuses(report)["predictions_complete"] == "fail"
    assert found(report, "predictions_complete") == "5 of 60 scored sessions have no prediction."
    assert statuses(report)["mae_vs_naive"] == "pass"


@pytest.mark.parametrize("target", TARGETS)
def test_a_model_that_predicted_nothing_gets_a_report_that_says_so(bars, features, target):
    scored = sample_scored(bars, target)
    empty = ["predicted_return", "predicted_close", "error", "probability_up", "hit"]
    scored[empty] = math.nan
    report = report_of(scored, features, target)
    assert statuses(report)["predictions_complete"] == "fail"
    assert statuses(report)["direction_sane"] == "skip"


def test_a_model_that_always_says_the_same_is_measured(bars, features):
    scored = sample_scored(bars, NEXT_DIRECTION).assign(probability_up=0.9)
    assert statuses(report_of(scored, features, NEXT_DIRECTION))["log_loss_vs_coin"] == "fail"


def test_a_market_that_only_rose_has_no_log_loss_test(bars, features):
    scored = sample_scored(bars, NEXT_DIRECTION)
    rose = scored.assign(actual_return=scored["actual_return"].abs() + 0.001)
    assert statuses(report_of(rose, features, NEXT_DIRECTION))["log_loss_vs_coin"] == "skip"


def test_without_training_rows_the_drift_is_skipped(bars, features):
    report = report_of(sample_scored(bars), (features[0], features[1].iloc[:0]))
    assert statuses(report)["feature_drift"] == "skip"
    assert statuses(report)["mae_vs_naive"] == "pass"


def test_a_short_record_warns(bars, features):
    scored = sample_scored(bars, sessions=25)
    assert statuses(report_of(scored, features))["enough_sessions"] == "warn"


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("sessions", [0, 1, FEWEST_SESSIONS - 1])
def test_too_few_sessions_are_said_plainly(bars, features, sessions, target):
    scored = sample_scored(bars, target).iloc[:sessions]
    report = report_of(scored, (features[0].iloc[:sessions], features[1]), target)
    assert report.status == "too few sessions"
    assert set(statuses(report).values()) == {"skip"}
    assert [test.name for test in report.tests] == [spec.name for spec in report_tests(target)]
    assert f"Too few sessions: {sessions} scored, 20 are needed" in report.files["report.html"].decode()
    assert json.loads(report.files["report.json"])["metrics"]["n"] == sessions
    assert sessions or report.metrics == Metrics()


def test_what_is_not_measured_is_said_and_the_leak_alarm_is_asked_all_the_same(bars, features):
    scored = sample_scored(bars)
    whole, bare = (
        build_report(scored, *features, NEXT_RETURN, "red", SYMBOL, measured=measured)
        for measured in (True, False)
    )
    assert (bare.status, bare.picture, bare.metrics) == ("not measured", None, whole.metrics)
    assert {name for name, status in statuses(bare).items() if status != "skip"} == {NO_LEAK.name}
    assert statuses(bare)[NO_LEAK.name] == statuses(whole)[NO_LEAK.name]
    assert "Evidently measures with the last session of each week" in bare.files["report.html"].decode()
    assert whole.picture is not None


def test_names_are_escaped(bars, features):
    report = report_of(sample_scored(bars).iloc[:3], features, team="<script>alert(1)</script>")
    assert "<script>alert" not in report.files["report.html"].decode()


def test_inputs_are_left_alone_and_plotly_too(bars, features):
    import plotly.io

    template, scored = plotly.io.templates.default, sample_scored(bars)
    copies = [frame.copy() for frame in (scored, *features)]
    report_of(scored, features)
    assert plotly.io.templates.default == template
    assert all(frame.equals(copy) for frame, copy in zip((scored, *features), copies, strict=True))


@pytest.mark.parametrize("target", TARGETS)
def test_its_snapshots_are_kept_and_speak_of_returns_errors_and_features_but_no_prices(
    bars, features, target
):
    scored = sample_scored(bars, target)
    returns = scored["actual_return"].sample(len(features[1]), replace=True, random_state=1)
    files = build_report(scored, *features, target, "red", SYMBOL, returns_reference=returns).files
    assert {"evidently/predictions.json", "evidently/features.json"} <= files.keys()
    snapshot = read_snapshot(files["evidently/features.json"])
    assert (snapshot.name, snapshot.metadata["team"]) == (f"{SYMBOL}: features", "red")
    params = [
        one.dict()["metric_value_location"]["metric"]["params"] for one in snapshot.metric_results.values()
    ]
    drifted = {one["column"] for one in params if one["type"].endswith(":ValueDrift")}
    # A probability that names no return has no error in returns.
    outcomes = {"actual_return_percent", *(["error_percent"] if target == NEXT_RETURN else [])}
    assert drifted == {*features[0].columns, *outcomes} - {"session"}


def test_a_warm_report_is_cheap(bars, features, honest):
    scored = sample_scored(bars)
    honest(NEXT_RETURN)
    seconds = timeit.repeat(lambda: report_of(scored, features), timer=time.process_time, number=1, repeat=2)
    assert min(seconds) < 2.5


def test_booleans_and_whole_numbers_are_features_too(bars, features):
    typed = tuple(
        frame.assign(
            up=frame["return_1"] > 0,
            rank=np.arange(len(frame)) % 7,
            weekday=frame["weekday"].astype("category"),
        )
        for frame in features
    )
    assert "of 6 features moved" in found(report_of(sample_scored(bars), typed), "feature_drift")


def test_the_metrics_come_back_from_a_stored_report(bars, features):
    for scored in (sample_scored(bars), sample_scored(bars).iloc[:1]):
        report = report_of(scored, features)
        assert read_metrics(report.files["report.json"]) == report.metrics
