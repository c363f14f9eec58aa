"""The chain as one table: a stage is a row, a job is a row, both plain data; everything that knows stages reads it here.

Assets and their keys, jobs, schedules, priorities, the phases of `trading run`, the status page, what a restoration brings
back, the figures in commit messages, `trading build` and `dvc.yaml` follow from these rows. A new stage is one row here
and one file in `pipeline/assets/`.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from my_dagster_project.models.kinds.port import Kind
from my_dagster_project.storage.manifests import Asset
from my_dagster_project.storage.names import COMPETITION, MARKET, Scope, named, without_window

_PACKAGE = "my_dagster_project."
_ASSETS = f"{_PACKAGE}pipeline.assets"


@dataclass(frozen=True)
class Stage:
    """One stage: an asset for each symbol, each symbol of each team, each team, or one for all (`scope`).

    `needs` are the stages it is made from; one of a symbol gets them handed in under their nouns, any other reads for
    itself. `jobs` make it, the first one as its own: it decides the phase of `trading run` and the DVC stage. `sessions`:
    one value per session; `windows`: one per refit window, of a team whose models are trained anew as time passes.
    `decided`: it stays as it was made at its time, whatever became of its data. `figures` of its metadata go into the
    commit; `restorable`: `trading restore` brings it back. Its file with what that calls is its recipe
    (`pipeline/recipes.py`); `code` names what computes besides (`module:function`), `kind_does` the function that it calls
    of the team's kind of model. `before` is the code version it had before recipes, where that did not follow from a
    configuration. `pooled`: a team with one model of all its symbols has one of it, not one for each. `came_later`: it came
    between others when those were there; what they made without it is adopted.
    """

    noun: str
    scope: Scope
    needs: tuple[str, ...]
    jobs: tuple[str, ...]
    code: tuple[str, ...] = ()
    sessions: bool = False
    windows: bool = False
    came_later: bool = False
    decided: bool = False
    figures: tuple[str, ...] = ()
    restorable: bool = False
    pooled: bool = False
    before: str = ""
    made_by: str = ""
    kind_does: str = ""

    @property
    def factory(self) -> tuple[str, str]:
        """Module and name of the function that makes its assets: `<noun>_asset` in a file of that name, unless told."""
        module, _, name = (self.made_by or f"{_ASSETS}.{self.noun}_asset:{self.noun}_asset").partition(":")
        return module, name

    def recipe(self, kind: Kind | None) -> tuple[str, ...]:
        """Where its recipe begins for a kind of model; of a file outside this package nothing is read but what `code` names."""
        starts = [":".join(self.factory), kind.code_of(self.kind_does) if kind and self.kind_does else ""]
        own, of_kind = ((start,) if start.startswith(_PACKAGE) else () for start in starts)
        return (*own, *self.code, *of_kind)

    @property
    def of_symbol(self) -> bool:
        """Whether it has an asset for every symbol."""
        return "symbol" in self.scope

    @property
    def of_team(self) -> bool:
        """Whether its assets belong to teams."""
        return "team" in self.scope

    def asset(self, place: "Place") -> Asset:
        """The name of its asset at a place; one that is pooled has no symbol there."""
        scope = "team" if self.pooled and not place.symbol else self.scope
        return named(scope, self.noun, place.team, place.symbol)


class Place(NamedTuple):
    """Which asset of a stage: of this team, of this symbol; '' where the stage has none."""

    team: str = ""
    symbol: str = ""


@dataclass(frozen=True)
class Job:
    """One job, or one for each team: what waits in the queue by `priority` (the higher goes first), and when it is asked for.

    `cron` is a cron line in the exchange's time zone, or for a job of teams the line of the team's `schedule` that says it.
    `sessions`: it runs for one session, or for a range of them; `one_by_one` for one after the other, each on what the one
    before left in the account, never a second time. `tried_again`: whether the daemon may start it again.
    `phase` is what `trading run` calls its part, `build` what `trading build` and `dvc.yaml` call it.
    """

    purpose: str
    priority: int
    cron: str
    says: str
    of_team: bool = True
    name: str = ""
    sessions: bool = False
    one_by_one: bool = False
    tried_again: bool = True
    phase: str = ""
    build: str = ""

    def of(self, team: str = "") -> str:
        """The job's name in Dagster, whose names take no hyphen; team names do."""
        return f"{team.replace('-', '_')}_{self.purpose}" if self.of_team else self.name or self.purpose

    def title(self, team: str = "") -> str:
        """What `trading run` calls its part of a team's, or of everybody's."""
        return f"{team}: {self.phase}" if team else self.phase


# In the order in which a session's chain runs through them.
JOBS: tuple[Job, ...] = (
    Job(
        "market",
        priority=10,
        # Bars of a session are final some hours after its close; fetched before any team's chain begins.
        cron="0 5 * * *",
        says="Fetch what is missing of every symbol's daily bars, once for all teams.",
        of_team=False,
        name="market_daily",
        phase="market data",
        build="bars",
    ),
    Job(
        "train",
        priority=-5,  # training can wait
        cron="train",
        says="Compute {team}'s features and train the models that are due, one per symbol and refit window.",
        phase="features and models",
        build="models",
    ),
    Job(
        "daily",
        priority=5,
        cron="daily",
        says="Predict a session, or a range of sessions in one pass, and renew {team}'s reports.",
        sessions=True,
        phase="predictions and reports",
        build="predictions",
    ),
    Job(
        "trade",
        priority=20,  # the open is a deadline
        cron="trade",
        says="Plan and submit {team}'s orders after the close of one session.",
        sessions=True,
        one_by_one=True,
        tried_again=False,
        phase="trading",
        build="orders",
    ),
    Job(
        "settle",
        priority=1,
        # With the trading of the next session: it is when everybody knows that the bars are there.
        cron="trade",
        says="Record what became of {team}'s orders, once the session after theirs has closed.",
        sessions=True,
        phase="fills",
        build="fills",
    ),
    Job(
        "leaderboard",
        priority=0,
        # After the teams' trade times, when their fills are recorded: it scores what is on record.
        cron="0 9 * * *",
        says="Score all teams against each other and against the house teams.",
        of_team=False,
        phase="leaderboard",
        build="leaderboard",
    ),
    Job(
        "maintenance",
        priority=-10,
        # Sunday: no session closes, Saturday's trainings are over.
        cron="0 3 * * 0",
        says="Once a week: forget what nobody needs any more. Then the sensor collect_versions does its part.",
        of_team=False,
    ),
)

STAGES: tuple[Stage, ...] = (
    Stage(
        "bars",
        "symbol",
        needs=(),
        jobs=("market",),
        code=("market_data.source_kinds:make_source",),
    ),
    Stage(
        "features",
        "team-symbol",
        needs=("bars",),
        jobs=("train", "daily"),
        restorable=True,
    ),
    Stage(
        "training_rows",
        "team-symbol",
        needs=("features", "bars"),
        jobs=("train",),
        code=("domain.windows:last_close_before",),
        windows=True,
        came_later=True,
        decided=True,
    ),
    Stage(
        "model",
        "team-symbol",
        needs=("training_rows",),
        jobs=("train",),
        kind_does="fit",
        pooled=True,
        windows=True,
        decided=True,
        figures=("epochs",),
        restorable=True,
    ),
    Stage(
        "predictions",
        "team-symbol",
        needs=("features", "model", "bars"),
        jobs=("daily",),
        kind_does="predict",
        code=("domain.windows:window_of",),
        sessions=True,
        decided=True,
        restorable=True,
        before="1",
    ),
    Stage(
        "report",
        "team-symbol",
        # Of what the model in force learned from: that is what its inputs are measured against.
        needs=("predictions", "training_rows", "features", "bars"),
        jobs=("daily",),
        figures=("mase", "direction", "ic"),
        restorable=True,
        before="2",
    ),
    Stage(
        "orders",
        "team",
        needs=("predictions",),
        jobs=("trade",),
        code=("paper_broker.order_entry:place", "paper_broker.engine:advance"),
        sessions=True,
        decided=True,
    ),
    Stage(
        "fills",
        "team",
        needs=("orders",),
        jobs=("settle",),
        sessions=True,
        before="2",
    ),
    Stage(
        "leaderboard",
        "competition",
        # Buying and holding is worth what the bars say.
        needs=("bars", "orders", "fills", "report"),
        jobs=("leaderboard",),
        code=(
            "pipeline.alarming:scored_sessions",
            "pipeline.alarming:standing_alarms",
            "pipeline.alarming:stored_leaderboard",
            "pipeline.alarming:table_window",
            "pipeline.assets.competition_table:competition_table",
            "pipeline.assets.money:equity_curves",
            "pipeline.assets.money:money_of",
            "pipeline.assets.money:returns_of",
            "pipeline.assets.money:trading_summaries",
            "pipeline.assets.money:with_tries",
            "pipeline.partitions:replay_sessions",
        ),
        before="4",
    ),
)


def stage(noun: str) -> Stage:
    """The row of a noun; raises KeyError without one."""
    return {row.noun: row for row in STAGES}[noun]


def of_windows(noun: str) -> bool:
    """Whether something has a value per refit window, where the team refits."""
    return any(row.windows for row in STAGES if row.noun == noun)


def job(purpose: str) -> Job:
    """The row of a purpose; raises KeyError without one."""
    return {row.purpose: row for row in JOBS}[purpose]


def stages_of(purpose: str, *, own: bool = False) -> list[Stage]:
    """What a job makes, in order; with `own` only what is made by it in the first place."""
    return [row for row in STAGES if purpose in (row.jobs[:1] if own else row.jobs)]


def jobs_of_teams() -> list[Job]:
    """The jobs that every team has, in the order of a session's chain."""
    return [row for row in JOBS if row.of_team and stages_of(row.purpose)]


def jobs_of_all(*, after_teams: bool) -> list[Job]:
    """The jobs that no team has and that make something: those from what teams made, or those before them."""
    rows = [row for row in JOBS if not row.of_team and stages_of(row.purpose)]
    return [row for row in rows if any(one.of_team for one in behind(row)) == after_teams]


def has_windows(row: Job) -> bool:
    """Whether a job makes something for each refit window, of a team that has windows."""
    return any(one.windows for one in stages_of(row.purpose, own=True))


def maker(noun: str) -> Job:
    """The job that makes a stage in the first place."""
    return job(stage(noun).jobs[0])


def job_named(name: str) -> Job | None:
    """The row of a job by its name in Dagster, whichever team's it is; None for one of Dagster's own."""
    return next((row for row in JOBS if name.endswith(row.of()) if row.of_team or name == row.of()), None)


def behind(row: Job) -> list[Stage]:
    """The stages that what a job makes is made from, and those behind them, as far as earlier jobs make them."""
    own = {one.noun for one in stages_of(row.purpose, own=True)}
    needed = set(own)
    for one in reversed(STAGES):
        if one.noun in needed:
            needed |= {*one.needs}
    return [one for one in STAGES if one.noun in needed - own]


def orders_of(row: Job) -> Stage | None:
    """What is decided one by one, where a job records session by session what became of it; None where it is about none."""
    needs = {noun for one in stages_of(row.purpose, own=True) if one.sessions for noun in one.needs}
    return next((one for one in STAGES if one.noun in needs and maker(one.noun).one_by_one), None)


def of_account() -> list[Stage]:
    """What a team's account did, session by session: a fresh account begins it anew."""
    rows = [row for row in STAGES if row.scope == "team" and row.sessions]
    return [row for row in rows if maker(row.noun).one_by_one or orders_of(maker(row.noun))]


def restore_turn(asset: Asset, *, season: bool = False) -> int | None:
    """When in a restoration an asset's turn is, in the order of the chain; None for what is never restored.

    In a season that is also what was said in time, session by session: what comes back counts from the next session on.
    """
    rows = [row for row in STAGES if row.restorable and not (season and row.sessions)]
    of, _ = without_window(asset)
    found = [turn for turn, row in enumerate(rows) if row.asset(Place(*of[:-1])) == of]
    return found[0] if found else None


def places(
    row: Stage,
    teams: Mapping[str, Sequence[str]],
    at: Place = Place(),  # noqa: B008
    kept: Iterable[str] = (),
    pooled: Collection[str] = (),
) -> Iterator[Place]:
    """Where a stage has assets, given each team's symbols; with `at` only those of its team and of its symbol.

    Of symbols that are `kept` there is what is nobody's: bars. `pooled` are the teams with one model of all their symbols.
    """
    if not row.of_team:
        symbols = sorted({symbol for traded in teams.values() for symbol in traded}.union(kept))
        mine: Iterable[Place] = [Place(symbol=symbol) for symbol in symbols] if row.of_symbol else [Place()]
    else:
        mine = dict.fromkeys(
            place_of(row, Place(team, symbol), pooled)
            for team, traded in teams.items()
            for symbol in (traded if row.of_symbol else ("",))
        )
    for place in mine:
        if all(not one or not other or one == other for one, other in zip(place, at, strict=True)):
            yield place


def place_of(row: Stage, place: Place, pooled: Collection[str]) -> Place:
    """Where a stage has what is of a symbol of a team: there, or of a team with one model of all its symbols at the team."""
    return Place(place.team) if row.pooled and place.team in pooled else place


def owner(row: Stage, place: Place) -> str:
    """Whose an asset is: a team, or the market's or the competition's."""
    return place.team or (MARKET if row.of_symbol else COMPETITION)


def owner_of(row: Job) -> str:
    """Whose a job is that no team has: the market's where all it makes is of symbols, else the competition's."""
    return MARKET if all(one.of_symbol for one in stages_of(row.purpose)) else COMPETITION


def decisive(nouns: Iterable[str]) -> Job | None:
    """The job that a run making these is like, None where no job makes any: what only one job makes decides.

    Of several first the one that must not be late, then in the order of the chain: what takes long goes before what is quick.
    """
    made = set(nouns)
    rows = [row for row in STAGES if row.noun in made]
    alone = [row for row in rows if len(row.jobs) == 1] or rows
    found = [row for row in JOBS if row.purpose in {one.jobs[0] for one in alone}]
    return min(found, key=lambda row: row.tried_again, default=None)
