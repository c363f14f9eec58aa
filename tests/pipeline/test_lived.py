"""A lapse on the workers: the sensor `rounds` queues what each session needs, closes it, and goes on with the next one."""

from dataclasses import replace
from datetime import date, timedelta

import dagster as dg
import pytest

from my_dagster_project.foundation.errors import SeasonError
from my_dagster_project.foundation.run_at_work import ROUND_TAG
from my_dagster_project.foundation.settings import load_settings
from my_dagster_project.pipeline import rounds
from my_dagster_project.pipeline.assets.keys import bars_key
from my_dagster_project.pipeline.code_location import build_definitions
from my_dagster_project.pipeline.lived import keep_texts, platform_of, round_of
from my_dagster_project.pipeline.season_jobs import season_jobs
from my_dagster_project.pipeline.session_step import Asked
from my_dagster_project.storage.opening import open_store
from my_dagster_project.storage.season import State
from my_dagster_project.teams.deployment import on_its_clock, season_book
from my_dagster_project.teams.season_terms import first_state
from tests.pipeline.test_rounds import Workers, small_platform
from tests.support.committed import committed
from tests.support.lapse import FIRST, LAST, lapse

SECOND = date(2012, 12, 4)


@pytest.fixture
def season(tmp_path, environ):
    platform, settings = lapse(tmp_path, FIRST, small_platform())
    environ(TRADING_HOME=str(tmp_path))
    season_book(settings).set("olga", "as fast as it goes", session_every=0.0)
    with dg.DagsterInstance.ephemeral() as instance:
        workers = Workers(instance)
        workers.platform = platform
        yield workers, season_book(settings)


def live(workers: Workers) -> None:
    """Let the sensor tick, and all that it asks for be executed, until it has closed the session at work.

    In the tick that closes it the next one begins: what that asks for is executed when this one is lived.
    """
    workers.done.clear()
    book = season_book(load_settings())
    session = book.require().session
    for _ in range(20):
        requests, workers.asked = workers.asked or workers.look().run_requests, []
        if book.require().session != session:
            workers.asked = requests
            return
        for request in requests:
            workers.execute(request)
    raise AssertionError(workers.done)


def test_a_session_is_bars_predictions_orders_fills_of_the_one_before_and_the_table(season):
    workers, book = season
    live(workers)
    first = [("red_train", ""), ("red_daily", str(FIRST)), ("red_trade", str(FIRST))]
    assert workers.done[0] == ("market_daily", "")
    assert [one for one in workers.done if one[0].startswith("red")] == first
    assert workers.done[-1] == ("leaderboard", "")
    assert book.read().session == SECOND
    live(workers)
    second = [("red_daily", str(SECOND)), ("red_trade", str(SECOND)), ("red_settle", str(FIRST))]
    assert [one for one in workers.done if one[0].startswith("red")] == second


def test_what_failed_is_written_down_and_never_made_later(season):
    workers, book = season
    workers.broken = {f"blue/IBM/predictions {FIRST}", f"red/orders {FIRST}"}
    live(workers)
    lacking = {"blue": "no prediction of IBM", "red": "no orders"}
    assert book.read().missed == {str(FIRST): lacking}
    workers.broken = set()
    live(workers)
    assert [what for job, what in workers.done if job == "red_trade"] == [str(SECOND)]
    assert book.read().missed == {str(FIRST): lacking}


def test_a_session_that_takes_too_long_is_closed_with_what_is_there(season, monkeypatch):
    workers, book = season
    assert workers.look().run_requests
    monkeypatch.setattr(rounds, "_PATIENCE_SECONDS", -timedelta(days=1).total_seconds())
    assert workers.look().run_requests[0].tags[ROUND_TAG] == round_of(book.require())
    assert book.read().missed == {
        str(FIRST): {
            "red": "no prediction of AAPL, IBM, no orders",
            "blue": "no prediction of IBM, no orders",
        }
    }


def test_a_pause_lets_the_session_at_work_end_and_begins_no_other(season):
    workers, book = season
    workers.look()
    book.set("olga", "paused", paused=True)
    assert workers.look().skip_message == "The season is paused; session 2012-12-03 comes next."
    book.set("olga", "resumed", paused=False)
    for request in workers.look().run_requests:
        workers.execute(request)
    book.set("olga", "paused", paused=True)
    live(workers)
    assert workers.look().skip_message == "The season is paused; session 2012-12-04 comes next."
    book.set("olga", "slower", paused=False, session_every=3600.0)
    assert "a session every 3600 s" in workers.look().skip_message


def test_the_organiser_pauses_and_goes_on_in_dagit(season):
    workers, book = season
    jobs = {job.name: job for job in season_jobs(workers.platform)}

    def launch(name: str, **config: object) -> State:
        op = f"{name.removeprefix('season_')}_season"
        jobs[name].execute_in_process(
            instance=workers.instance, run_config={"ops": {op: {"config": config}}} if config else None
        )
        return book.require()

    assert launch("season_pause").paused
    assert launch("season_next").until == FIRST
    live(workers)
    assert (book.require().session, book.require().paused, book.require().until) == (SECOND, True, None)
    assert launch("season_next", sessions=2).until == date(2012, 12, 5)
    assert (launch("season_resume").paused, book.require().until) == (False, None)
    assert launch("season_speed", every="2m").session_every == 120
    with pytest.raises(dg.Failure, match="fast"):
        launch("season_speed", every="fast")
    assert [one.by.startswith("Dagit run") for one in book.log()[-2:]] == [True, True]


def test_a_lapses_definitions_load_as_a_code_server_loads_them(season):
    workers, _ = season
    loaded = build_definitions(workers.platform, load_settings()).get_repository_def()
    loaded.load_all_definitions()
    assert {"season_next", "season_pause", "season_resume", "season_speed"} <= set(loaded.job_names)


def test_a_lapse_begins_with_the_registrys_line_and_never_on_a_replays_store(tmp_path, environ):
    platform, settings = lapse(tmp_path, platform=small_platform())
    environ(TRADING_HOME=str(tmp_path))
    store = open_store(settings.store_url, settings.s3)
    store.put("red/orders/2012-12-04.json", b"{}")
    with dg.DagsterInstance.ephemeral() as instance:
        workers = Workers(instance)
        workers.platform = platform
        assert "session 2012-12-04 was traded here by red without a season" in workers.look().skip_message
        store.delete("red/orders/2012-12-04.json")
        assert [one.job_name for one in workers.look().run_requests] == ["market_daily"]
    assert season_book(settings).require().session == FIRST


def test_orders_whose_worker_was_killed_are_asked_for_again_in_time_and_not_for_ever(season):
    """By the same ids: nothing is sent twice. In a replay the organiser launches another round."""
    workers, book = season
    _, state = workers.look(), book.require()

    def asked(reason: dict[str, str], kills: int) -> Asked:
        tags = {ROUND_TAG: round_of(state), **reason}
        status = dg.DagsterRunStatus.FAILURE
        return Asked.of_session([dg.DagsterRun(job_name="red_trade", tags=tags, status=status)] * kills)

    assert len(asked({}, 3).killed) == 3
    assert asked({}, 3).failed("red_trade") == []
    assert asked({}, 4).killed == []
    assert asked({"dagster/failure_reason": "STEP_FAILURE"}, 1).killed == []
    assert asked({"dagster/will_retry": "true"}, 1).killed == []


def test_whoever_goes_on_with_a_session_has_the_texts_it_was_begun_with(tmp_path):
    platform, settings = lapse(tmp_path, FIRST)
    state = season_book(settings).read()
    keep_texts(state, platform, settings)
    other = small_platform()
    keep_texts(state, other, settings)
    assert platform_of(state, settings).teams == platform.teams
    assert platform_of(state, settings).read == platform.read
    assert state.last == LAST


def test_the_terms_of_a_season_stay(tmp_path):
    platform, settings = lapse(tmp_path)
    state = season_book(settings).begin(first_state("autumn", platform.registry), "olga")
    competition = platform.registry.competition.model_copy(update={"starting_cash": 5.0})
    changed = replace(platform, registry=platform.registry.model_copy(update={"competition": competition}))
    with pytest.raises(SeasonError, match=r"competition\.starting_cash"):
        keep_texts(state, changed, settings)


def test_bars_of_a_symbol_that_its_only_team_gave_up_go_on(season, tmp_path):
    """Its last order could not fill, and its last prediction was never scored."""
    workers, _ = season
    _, settings = lapse(tmp_path)
    open_store(settings.store_url).put("market/MSFT/bars/bars.parquet", b"fetched while somebody traded it")
    workers.platform = on_its_clock(workers.platform, settings)
    assert workers.platform.symbols == ["AAPL", "IBM", "MSFT"]
    assert on_its_clock(committed(), settings).kept == (), "a replay is of what teams trade"
    live(workers)
    made = workers.instance.get_latest_materialization_event(bars_key("MSFT"))
    assert made is not None
