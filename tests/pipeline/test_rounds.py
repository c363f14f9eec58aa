"""A round over the committed competition, real but for the computing: real Dagster, real records, runs executed one by one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property

import dagster as dg
import pytest

from my_dagster_project.foundation.errors import TradingError
from my_dagster_project.pipeline import chain, rounds
from my_dagster_project.pipeline.alarming import NO_ALARM
from my_dagster_project.pipeline.assets import keys
from my_dagster_project.pipeline.assets.stamp import tags_of
from my_dagster_project.pipeline.assets.turns import AFTER_TAG, require_turn
from my_dagster_project.pipeline.chain import Job, Place, Stage
from my_dagster_project.pipeline.jobs import all_jobs
from my_dagster_project.pipeline.partitions import replay_sessions, session_partitions
from my_dagster_project.teams.platform import Platform
from tests.support.committed import committed

COUNT = 3
RANGE = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")


def small_platform() -> Platform:
    platform = committed()
    competition = platform.registry.competition.model_copy(update={"replay_sessions": COUNT})
    symbols = {"red": ("AAPL", "IBM"), "blue": ("IBM",)}
    teams = {team: platform.teams[team].model_copy(update={"symbols": its}) for team, its in symbols.items()}
    return replace(
        platform, teams=teams, registry=platform.registry.model_copy(update={"competition": competition})
    )


@dataclass
class Workers:
    """Assets that compute nothing, by their real names; what is in `broken` (an asset, or its session) fails."""

    instance: dg.DagsterInstance
    broken: set[str] = field(default_factory=set)
    doubted: dict[str, str] = field(default_factory=dict)
    """By asset what its check finds, which does not keep it from being made."""
    rules: str = "1"

    def __post_init__(self) -> None:
        self.platform = small_platform()
        start, end = self.platform.registry.competition.start, self.platform.registry.market.end
        self.partitions = session_partitions(self.platform.calendar, start, end)
        self.sessions = [str(day) for day in replay_sessions(self.platform)]
        self.done: list[tuple[str, str]] = []
        self.asked: Sequence[dg.RunRequest] = []

    @cached_property
    def repository(self) -> dg.RepositoryDefinition:
        jobs = all_jobs(self.platform, self.partitions)
        ours = [rounds.round_job(), *jobs]
        sensors = [rounds.rounds_sensor(self.platform, jobs)]
        return dg.Definitions(list(self._assets()), jobs=ours, sensors=sensors).get_repository_def()

    def _assets(self) -> Iterable[dg.AssetsDefinition]:
        teams = {team: config.symbols for team, config in self.platform.teams.items()}
        for row in chain.STAGES:
            for place in chain.places(row, teams, kept=self.platform.kept):
                needs = [(need, one) for noun in row.needs for need in [chain.stage(noun)]
                         for one in chain.places(need, teams, place)]  # fmt: skip
                yield self._asset(row, place, [keys.key_at(need, one) for need, one in needs])

    def _asset(self, row: Stage, place: Place, deps) -> dg.AssetsDefinition:
        single = dg.BackfillPolicy.single_run()
        by = {"partitions_def": self.partitions, "backfill_policy": single} if row.sessions else {}
        version = self.rules if row.noun == "orders" else "1"
        key = keys.key_at(row, place)
        check = {"report": "too_good", "leaderboard": NO_ALARM}.get(row.noun)
        if check:
            by["check_specs"] = [dg.AssetCheckSpec(check, asset=key)]
        about = {"tags": tags_of(row, place), "code_version": version, "dagster_type": dg.Nothing, **by}

        @dg.asset(key=key, deps=deps, **about)
        def made(context: dg.AssetExecutionContext):
            sessions = context.partition_keys if row.sessions else [""]
            if row.noun == "orders":
                require_turn(context, key, date.fromisoformat(context.partition_key))
            for name in {"/".join(key.path), *(f"{'/'.join(key.path)} {one}" for one in sessions)}:
                if name in self.broken:
                    raise dg.Failure(f"{name} is broken")
            if check:
                said = self.doubted.get("/".join(key.path))
                told = {"red": said} if said else {}
                yield dg.AssetCheckResult(
                    check_name=check, passed=said is None, description=said, metadata=told
                )
            yield dg.Output(
                None, metadata={"last_session": "2013-03-01"}, data_version=dg.DataVersion("same")
            )

        return made

    def look(self) -> dg.SensorResult:
        with dg.build_sensor_context(self.instance, repository_def=self.repository) as context:
            return self.repository.get_sensor_def("rounds").evaluate_tick(context)

    def execute(self, request: dg.RunRequest) -> None:
        job = self.repository.get_job(request.job_name)
        run = job.execute_in_process(
            instance=self.instance,
            asset_selection=request.asset_selection,
            partition_key=request.partition_key,
            tags=request.tags,
            raise_on_error=False,
        )
        first, last = (request.tags.get(tag, request.partition_key or "") for tag in RANGE)
        what = f"{first}..{last}" if first != last else first
        self.done.append((request.job_name, what if run.success else f"{what} failed"))

    def round(self) -> dg.DagsterRun:
        """Launch the job, let the sensor tick until the round has ended; only the first run asked for is done each time."""
        self.done.clear()
        run = self.repository.get_job("round").execute_in_process(instance=self.instance).run_id
        for _ in range(60):
            asked = self.look().run_requests
            if not asked:
                found = self.instance.get_run_by_id(run)
                assert rounds.ENDED_TAG in found.tags, found.tags
                return found
            self.execute(asked[0])
        raise AssertionError(self.done[-9:])

    def of(self, job: str) -> list[str]:
        return [what for name, what in self.done if name == job]


@pytest.fixture
def workers():
    with dg.DagsterInstance.ephemeral() as instance:
        yield Workers(instance)


def test_a_round_makes_everything_in_order_and_the_next_one_finds_nothing_to_do(workers):
    assert workers.look().skip_message == "No round is going on; the job round begins one."
    first, last = workers.sessions[0], workers.sessions[-1]
    ended = workers.round()
    assert ended.tags[rounds.ENDED_TAG] == "well"
    assert workers.done[0] == ("market_daily", "")
    assert workers.done[-1] == ("leaderboard", "")
    for team in ("red", "blue"):
        own = [job for job, _ in workers.done if job.startswith(team)]
        stages = [f"{team}_{stage}" for stage in ("train", "daily", *["trade"] * COUNT, "settle")]
        assert own == stages
        assert workers.of(f"{team}_daily") == workers.of(f"{team}_settle") == [f"{first}..{last}"]
        assert workers.of(f"{team}_trade") == workers.sessions
    assert workers.round().tags[rounds.ENDED_TAG] == "well"
    assert workers.done == []


SCRATCH = (
    (Stage("volumes", "symbol", ("bars",), jobs=("market",), code=()), "market/IBM/volumes"),
    (Stage("momentum", "team-symbol", ("features",), jobs=("train",), code=()), "red/IBM/momentum"),
    (Stage("spread", "team-symbol", ("predictions",), jobs=("daily",), code=(), sessions=True), "red/IBM/spread"),
    (Stage("intents", "team", ("orders",), jobs=("trade",), code=(), sessions=True), "red/intents"),
    (Stage("exposure", "team", ("orders",), jobs=("settle",), code=(), sessions=True), "red/exposure"),
    (Stage("review", "team", ("fills",), jobs=("review",), code=()), "red/review"),
    (Stage("history", "competition", ("leaderboard",), jobs=("leaderboard",), code=()), "competition/history"),
)  # fmt: skip
REVIEW = Job("review", priority=1, cron="trade", says="Look back at {team}'s season.", phase="review")


def test_a_round_makes_stages_that_are_but_rows(monkeypatch, workers):
    """The step named the assets of four jobs by hand: of a new stage in them it asked for none, and of a new job nothing."""
    jobs = [*chain.JOBS]
    jobs.insert(jobs.index(chain.job("leaderboard")), REVIEW)
    monkeypatch.setattr(chain, "STAGES", (*chain.STAGES, *(row for row, _ in SCRATCH)))
    monkeypatch.setattr(chain, "JOBS", tuple(jobs))
    assert workers.round().tags[rounds.ENDED_TAG] == "well"
    for row, asset in SCRATCH:
        made = dg.AssetKey(asset.split("/"))
        if row.sessions:
            assert sorted(workers.instance.get_materialized_partitions(made)) == workers.sessions, asset
        else:
            assert workers.instance.get_latest_materialization_event(made), asset
    assert workers.round().tags[rounds.ENDED_TAG] == "well"
    assert workers.done == []


def test_a_failed_session_stops_its_team_and_nobody_else(workers):
    first, second = workers.sessions[:2]
    workers.broken = {f"red/orders {second}"}
    ended = workers.round()
    assert ended.tags[rounds.ENDED_TAG] == "with 1 failed run"
    assert "red: trading, 2 of 3 sessions to go" in ended.tags[rounds.PROGRESS_TAG]
    assert workers.of("red_trade") == [first, f"{second} failed"]
    assert workers.of("red_settle") == [first]
    assert workers.of("blue_trade") == workers.sessions
    assert workers.of("leaderboard") == [""]
    workers.broken = set()
    assert workers.round().tags[rounds.ENDED_TAG] == "well"
    assert workers.of("red_trade") == workers.sessions[1:]


def test_a_check_that_failed_without_failing_its_run_is_said_and_the_round_did_not_end_well(workers):
    workers.doubted = {
        "red/AAPL/report": "MASE 0.36 is too good\nand more",
        "competition/leaderboard": "leak",
    }
    ended = workers.round()
    assert ended.tags[rounds.ENDED_TAG] == (
        "with an open alarm of red: leak; a failed check too_good of red AAPL report: MASE 0.36 is too good"
    )
    edited = Workers(workers.instance)
    edited.platform = replace(edited.platform, problems={"blue": "configs/blue.yaml:3: no"})
    # The alarm is told as long as it is open, whatever there is to do.
    again = edited.round().tags[rounds.ENDED_TAG]
    mistake = "a mistake in the file of blue, whose last valid one is in force"
    assert (edited.done, again) == ([], f"with {mistake}; an open alarm of red: leak")


def test_sessions_are_queued_ahead_and_each_waits_for_the_one_before_it(workers):
    workers.repository.get_job("round").execute_in_process(instance=workers.instance)
    while not (ahead := [one for one in workers.look().run_requests if one.job_name == "red_trade"]):
        workers.execute(workers.look().run_requests[0])
    assert [one.partition_key for one in ahead] == workers.sessions
    assert [one.tags.get(AFTER_TAG) for one in ahead] == [None, *workers.sessions[:-1]]
    for one in (ahead[1], ahead[0], ahead[1]):
        workers.execute(one)
    first, second = workers.sessions[:2]
    assert workers.of("red_trade") == [f"{second} failed", first, second]


def test_a_symbol_that_cannot_be_trained_is_left_out_and_asked_once(workers):
    workers.broken = {"red/AAPL/model"}
    ended = workers.round()
    assert ended.tags[rounds.ENDED_TAG] == "with 1 failed run"
    assert len(workers.of("red_train")) == 1
    assert workers.of("red_trade") == workers.sessions


def test_new_rules_trade_no_session_again(workers):
    workers.round()
    changed = Workers(workers.instance, rules="2")
    changed.round()
    assert changed.of("red_trade") == []


def test_what_was_missed_is_not_traded_later(workers):
    workers.instance.report_runless_asset_event(
        dg.AssetMaterialization(keys.orders_key("red"), partition=workers.sessions[1])
    )
    workers.round()
    assert workers.of("red_trade") == workers.sessions[2:]


def test_inside_a_container_of_the_stack_the_main_job_refuses_and_says_what_to_do(monkeypatch):
    from my_dagster_project.cli.commands import build, run

    monkeypatch.setenv("TRADING_REDIS_URL", "redis://redis:6379/0")
    for command in (run, lambda: build("bars")):
        with pytest.raises(TradingError, match=r"here runs are the workers'.*`make round` on the server"):
            command()
