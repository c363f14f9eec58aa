"""A team's page over an account that really traded two sessions: what it shows, what it never does, where it stops."""

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, date, datetime

import pandas as pd
import pytest

from my_dagster_project.domain.evaluation import score
from my_dagster_project.history.edits import Edit
from my_dagster_project.history.log import Version
from my_dagster_project.people.front.links import Links
from my_dagster_project.people.front.team_html import team_html
from my_dagster_project.people.front.team_pages import DOWNLOADS
from my_dagster_project.people.status.dagster_state import TeamState
from my_dagster_project.people.status.page import Check, ScheduleStatus, SymbolStatus, TeamStatus
from my_dagster_project.people.status.symbol_chains import TeamChain
from my_dagster_project.people.status.teams import team_status
from my_dagster_project.people.team.forecast_charts import forecast_charts
from my_dagster_project.people.team.money_charts import equity_of_team, money_charts
from my_dagster_project.people.team.team_reader import TeamReader
from my_dagster_project.pipeline.assets import keys
from my_dagster_project.storage.parquet import from_parquet, to_parquet
from my_dagster_project.trading.fill_columns import fills_csv
from my_dagster_project.trading.journal_columns import journal_csv
from my_dagster_project.trading.results import settled_rows
from tests.support.gitrepo import empty_repo, git
from tests.support.lapse import lapse
from tests.support.trading import FIRST, SECOND, THIRD, predict, trade, trading_house

HOSTILE = "=HYPERLINK('http://example.org')<script>alert(1)</script>"


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """Red has bought after the first session, sold after the second, and knows what it says after the third."""
    house = trading_house(empty_repo(tmp_path_factory.mktemp("house") / "project"))
    git(house.settings.project, "add", "configs")
    git(house.settings.project, "commit", "-qm", "the teams")
    predict(house, FIRST, AAPL=0.01, IBM=0.01)
    predict(house, SECOND, AAPL=-0.01, IBM=0.01)
    assert trade(house, FIRST).success
    assert trade(house, SECOND).success
    assert house.materialize(keys.fills_key("red"), sessions=[FIRST, SECOND]).success
    predict(house, THIRD, AAPL=0.02, IBM=-0.01)
    bars = from_parquet(house.store.read_file(("market", "AAPL", "bars"), "bars.parquet"))
    told = [from_parquet(data) for data in house.store.read(("red", "AAPL", "predictions")).values()]
    targets = bars["session"].shift(-1).set_axis(bars["session"])
    table = pd.concat(told[:2]).assign(target_session=lambda frame: frame["session"].map(targets))
    files = {"scored.parquet": to_parquet(score(table, bars)), "report.html": b"<p>"}
    house.store.write(("red", "AAPL", "report"), files, replace=True, record={})
    curve = {name: [[FIRST, 100_000], [THIRD, 101_000]] for name in ("red", "blue", "buy-and-hold")}
    files = {"equity.json": json.dumps(curve).encode()}
    house.store.write(("competition", "leaderboard"), files, replace=True, record={})
    return house


@pytest.fixture(scope="module")
def page(house):
    return TeamReader(house.settings, house.instance).page(house.platform, "red")


def drawn(page, status=None) -> str:
    return team_html(Links("", "http://dagit", ""), page, status)


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_the_newest_predictions_and_when_the_next_ones_are_made(house, page):
    assert page.silent == {}
    assert (str(page.coming.session), page.coming.planned) == (THIRD, False)
    assert page.coming.awaited[0] == "Session 2013-02-28 is not predicted yet; `trading run` makes them."
    shown = drawn(page)
    assert "+2.000 %" in shown
    assert "which has closed since" in shown
    tick = pd.Timestamp("2026-11-30 11:30", tz="UTC").to_pydatetime()
    schedule = ScheduleStatus("s", "red_daily", "30 6 * * *", True, tick, None, Check("s", "ok", ""))
    status = TeamStatus("red", "here", Check("file", "ok", ""), schedules=(schedule,))
    coming = TeamReader(house.settings).page(house.platform, "red", status, "America/New_York").coming
    assert coming.awaited[0].endswith("; red_daily makes them, next at Mon 30 Nov 06:30 · 11:30 UTC.")


def test_orders_that_are_not_made_yet_are_promised(house):
    platform, _ = lapse(house.settings.home / "third", date(2013, 2, 26), house.platform)
    coming = TeamReader(house.settings).page(platform, "red").coming
    assert (
        coming.awaited[0]
        == "Its orders are not made yet; the season makes them as soon as its clock is there."
    )


def test_an_order_stands_beside_its_prediction_with_its_reason(house):
    platform, _ = lapse(house.settings.home / "second", date(2013, 2, 25), house.platform)
    page = TeamReader(house.settings).page(platform, "red")
    aapl, ibm = page.coming.forecasts
    assert (aapl.symbol, aapl.order.side, aapl.became) == ("AAPL", "sell", "submitted")
    assert "predicted -1.000 %, below" in aapl.why
    assert (ibm.order, "held" in ibm.why) == (None, True)
    # Nothing after the close of the lapse's session: its orders have not filled, what it predicted has not come.
    assert page.coming.awaited == ("The next ones are made after the close of session 2013-02-26.",)
    assert {str(row.session) for row in page.fills} == {FIRST}
    assert [str(one.session) for one in page.scored["AAPL"]] == [FIRST]
    assert all(str(point[0]) <= SECOND for curve in page.curves.values() for point in curve)


def test_what_is_due_between_two_sessions_of_a_lapse_is_no_thing_to_do(house):
    platform, settings = lapse(house.settings.home / "due", date(2013, 2, 25), house.platform)
    due = SymbolStatus("IBM", {"model": False}, None, None, 0, Check("IBM", "warn", "due: model", "run it"))
    state = TeamState((), (), TeamChain((due,), None))
    [replayed, lived] = [
        team_status(one, settings, "red", state, None).symbols[0].check for one in (house.platform, platform)
    ]
    assert (replayed.state, replayed.todo) == ("warn", "run it")
    assert (lived.state, lived.said) == ("ok", "due: model: the season computes it")


def test_the_account_and_its_round_trips_are_the_brokers_own(house, page):
    held = {one.symbol: one.qty for one in house.account().positions()}
    assert {one.symbol: one.qty for one in page.account.positions} == held
    sold = page.trips.trips[0]
    assert (sold.trip.symbol, sold.exit.prediction) == ("AAPL", -0.01)
    shown = drawn(page)
    for text in (
        ("Open orders", "round trips gained", "Positions") if page.account.open_orders else ("Positions",)
    ):
        assert text in shown


def test_the_pictures_are_of_what_is_on_record(page):
    """Two sessions: bought at the open of the second, some sold at that of the third."""
    first, second, third = page.money
    assert (first.equity, first.costs, first.positions) == (100_000.0, 0.0, {})
    assert second.costs > 0
    assert second.exposure == pytest.approx(sum(second.positions.values()) / second.equity)
    assert third.traded == pytest.approx(
        sum(
            float(fill.order.filled_qty * fill.order.price)
            for fill in page.fills
            if fill.filled_in == third.session
        )
    )
    charts = {one.id: one for one in (equity_of_team(page), *money_charts(page), *forecast_charts(page))}
    assert {"equity", "drawdown", "months", "exposure", "positions", "directions"} <= charts.keys()
    before_costs = next(one for one in charts["equity"].series if one.name == "before costs")
    assert before_costs.y[-1] == pytest.approx(third.equity + second.costs + third.costs)
    assert charts["directions"].rows()[0][0] == "all"
    figure = charts["directions"].figure()
    assert len(figure["data"][0]["error_x"]["array"]) == len(figure["data"][0]["y"]) == 2


def test_an_edit_stands_on_the_curve_at_the_first_session_it_counted_for(page):
    version = Version("ab" * 20, datetime(2013, 1, 1, tzinfo=UTC), "somebody", "<a href='http://x'>wider</a>")
    early, late = (Edit(version, since=since) for since in ("2001-01-02", SECOND))
    chart = equity_of_team(replace(page, edits=(late, early, Edit(version))))
    [marks] = [one for one in chart.series if one.name == "edits"]
    assert list(marks.x) == [FIRST, THIRD]
    assert "<" not in "".join(marks.labels)


def test_every_figure_has_its_run_and_its_version(house, page):
    [fills] = [one for one in page.lineage if one.asset == ("red", "fills")]
    assert house.instance.get_run_by_id(fills.run_id)
    assert f"http://dagit/runs/{fills.run_id}" in drawn(page)


def test_downloads_are_the_same_tables(house, page):
    files = {file: text(page) for file, (_, text) in DOWNLOADS.items()}
    assert files["fills.csv"] == fills_csv(settled_rows(house.store, "red"))
    assert files["round-trips.csv"] == journal_csv(page.trips.trips)
    told = rows_of(files["predictions.csv"])
    assert [(one["symbol"], one["session"]) for one in told] == [
        ("AAPL", FIRST), ("AAPL", SECOND), ("AAPL", THIRD), ("IBM", THIRD),
    ]  # fmt: skip
    # What nobody knows yet is empty.
    assert (told[1]["right"], told[2]["actual_close"]) == ("0.0", "")


def test_what_a_team_wrote_is_text_on_the_page_and_in_a_spreadsheet(page):
    forecast = replace(page.coming.forecasts[0], why=HOSTILE)
    fill = replace(page.fills[0], order=replace(page.fills[0].order, reason=HOSTILE))
    hostile = replace(page, coming=replace(page.coming, forecasts=(forecast,)), fills=(fill,))
    shown = drawn(hostile)
    assert "<script>alert" not in shown
    assert "&lt;script&gt;alert(1)" in shown
    [row] = rows_of(fills_csv(hostile.fills))
    assert row["reason"] == f"'{HOSTILE}"
    assert float(row["slippage"]) == float(fill.order.slippage)  # a negative number stays one


def test_looking_moves_nothing_and_makes_no_account(house, tmp_path):
    def stands():
        account = house.account()
        return account.equity_history()[-1], account.orders(), account.account()

    before = stands()
    TeamReader(house.settings).page(house.platform, "red")
    assert stands() == before
    fresh = trading_house(empty_repo(tmp_path / "fresh"))
    page = TeamReader(fresh.settings).page(fresh.platform, "red")
    assert (page.account, page.silent) == (None, {})
    assert not (fresh.settings.home / "broker").exists()
    assert "begins with $100,000.00 in cash" in drawn(page)


@pytest.fixture
def damaged(house):
    """The store with curves that nobody can read."""
    of, good = ("competition", "leaderboard"), house.store.read(("competition", "leaderboard"))
    house.store.write(of, {"equity.json": b"{"}, replace=True, record={})
    yield
    house.store.write(of, good, replace=True, record={})


@pytest.mark.usefixtures("damaged")
def test_a_part_that_cannot_be_read_is_said_and_the_others_are_shown(house):
    page = TeamReader(house.settings).page(house.platform, "red")
    assert set(page.silent) == {"curves"}
    assert "damaged" in drawn(page)
    assert page.fills
