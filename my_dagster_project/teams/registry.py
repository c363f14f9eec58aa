"""The registry `configs/teams.yaml`: which teams exist, what each may do. The organiser's, on main only."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from my_dagster_project.foundation.calendar import TradingCalendar, load_calendar
from my_dagster_project.foundation.errors import TradingError
from my_dagster_project.foundation.problems import Problem, show, suggestion
from my_dagster_project.foundation.strict import Strict
from my_dagster_project.market_data.source_kinds import SOURCES
from my_dagster_project.teams.registry_names import BranchName, OwnerName, SlotName, SymbolName, TeamName
from my_dagster_project.teams.schema import SYMBOL
from my_dagster_project.teams.season_section import Season
from my_dagster_project.teams.sections import Mode
from my_dagster_project.teams.team_limits import Limits

# The only words that let an order go where money is real.
LIVE_TRADING = "yes, real money"
# What bokeh_sampledata 2026.1 holds, 2000-03-01 to 2013-03-01 (FB from 2012-05-18).
SAMPLE_SYMBOLS = ("AAPL", "FB", "GOOG", "IBM", "MSFT")


if TYPE_CHECKING:
    type SourceName = str
else:
    SourceName = Literal[tuple(SOURCES)]

type Visibility = Literal["open", "own"]
type NotifyKind = Literal["success", "failure", "bad_configuration", "drift", "alarm"]


class Plausible(Strict):
    """From where on a price needs an explanation (domain/quality.py); beside it counts what is usual for the symbol."""

    step: Annotated[float, Field(gt=1, le=100)] = 1.08
    """A factor between the last price of a session and the first of the next, on a day of ordinary volume for such a step."""
    spike: Annotated[float, Field(gt=1, le=1000)] = 1.3
    """A factor between a price and those of the sessions around it."""
    busy: Annotated[float, Field(gt=1, le=1000)] = 3.0
    """Times the median volume of the 20 sessions before, in shares and in dollars: the day had news. (Of a step below 1.43
    less is asked, down to four tenths, and what was usual in half a year counts too.)"""


class Market(Strict):
    """Where bars come from. `end` only for a source that has ended; the other options belong to one source each."""

    source: SourceName
    start: date
    end: date | None = None
    path: str | None = None
    """Folder of the csv source."""
    symbols: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """What teams trade that name no symbols of their own."""
    base_url: str | None = None
    """Another host for a network source (tests, a proxy)."""
    feed: Literal["iex", "sip"] | None = None
    """Feed of the alpaca source."""
    timeout: Annotated[float, Field(gt=0, le=300)] = 30.0
    """Seconds to wait for a network source."""
    plausible: Plausible = Plausible()
    accepted: dict[SymbolName, Annotated[tuple[date, ...], Field(strict=False)]] = Field(default_factory=dict)
    """By symbol, sessions whose bar is true whatever a rule says (a crash), or truly missing (a halt)."""


class SymbolCosts(Strict):
    """What trading one symbol costs, where it is something else than for all."""

    cost_bps: Annotated[float | None, Field(ge=0, le=1000)] = None
    impact: Annotated[float | None, Field(ge=0, le=100)] = None


class Competition(Strict):
    """The round. `start`: the first session that may be predicted; no model may have seen its close."""

    start: date
    salt: Annotated[str, Field(max_length=100)] = ""
    """What the seeds of all trainings are drawn from, with team, symbol and window. Another one is another season's."""
    replay_sessions: Annotated[int, Field(ge=1, le=2600)] = 60
    starting_cash: Annotated[float, Field(gt=0, le=1e9)] = 100_000
    """Dollars."""
    cost_bps: Annotated[float, Field(ge=0, le=1000)] = 5
    """Cost of a trade in hundredths of a per cent of its value: half the spread."""
    impact: Annotated[float, Field(ge=0, le=100)] = 0
    """What the bundled broker takes for an order's size: this x volatility x sqrt(order / volume). 0 is none, about 1 usual."""
    symbol_costs: dict[SymbolName, SymbolCosts] = Field(default_factory=dict)
    """By symbol, where it is something else."""
    borrow_fee: Annotated[float | None, Field(ge=0, le=10)] = None
    """Lets teams sell short: what the shares cost, a fraction of their value a year. Without it nobody does."""
    commission: Annotated[float, Field(ge=0, le=100)] = 0
    """Dollars a share that the bundled broker charges on top."""
    partial_fills: Annotated[float, Field(ge=0, le=1)] = 0
    """Share of orders that the bundled broker executes in two parts, 0.1 as Alpaca's paper accounts do."""
    live_trading: Literal["yes, real money"] | None = None
    """Lets orders go to Alpaca's live endpoint, if that is what TRADING_BROKER_URL says; no other words will do."""
    missed_sessions: Literal["catch_up", "report"] = "catch_up"
    """What becomes of sessions whose daily tick came while nothing was running. Their orders are only ever reported."""
    frozen: dict[str, Annotated[str, Field(pattern=r"^[0-9a-f]{7,40}$")]] = Field(default_factory=dict)
    """Teams whose configuration is that of a commit, not of the branch: a round that has begun."""

    def costs_of(self, symbol: str) -> tuple[float, float]:
        """Half spread (hundredths of a per cent) and coefficient of impact of a symbol."""
        own = self.symbol_costs.get(symbol, SymbolCosts())
        return (
            self.cost_bps if own.cost_bps is None else own.cost_bps,
            self.impact if own.impact is None else own.impact,
        )


class Retention(Strict):
    """How long the weekly maintenance keeps what nobody needs any more."""

    runs_days: Annotated[int, Field(ge=7, le=3650)] = 90
    """Runs and their events; the latest result of every asset and session is kept for ever."""
    mlflow_days: Annotated[int, Field(ge=7, le=3650)] = 365
    """Experiments' runs; those of current models are kept for ever."""


class TrainingBudget(Strict):
    """What a team's trainings may take of the machine, which all teams share. Of one model, and of all in 24 hours."""

    weights: Annotated[int, Field(ge=1000, le=10**10)] = 5_000_000
    """Most weights of one model, as counted from its settings."""
    seconds: Annotated[float, Field(gt=0, le=86_400)] = 900
    """Longest training of one model, by the clock."""
    memory_mb: Annotated[int, Field(ge=256, le=10**6)] = 1024
    """Memory of one training, beyond that of the process it runs in; a worker of the stack has 4 GB for two and itself."""
    seconds_per_day: Annotated[float, Field(gt=0, le=10**7)] = 14_400
    """Seconds of CPU that all trainings of the last 24 hours may have taken together."""
    runs_per_day: Annotated[int, Field(ge=1, le=1440)] = 4
    """How often a team's schedule may train."""


class TeamEntry(Strict):
    """One team. `account` names a credential slot: RED is ALPACA_RED_KEY and ALPACA_RED_SECRET."""

    branch: BranchName
    owners: Annotated[tuple[OwnerName, ...], Field(strict=False)] = ()
    account: SlotName
    limits: Limits = Limits()
    training: TrainingBudget = TrainingBudget()
    notify: Annotated[tuple[NotifyKind, ...], Field(strict=False)] = (
        "failure",
        "bad_configuration",
        "drift",
        "alarm",
    )
    """What the team is told of, at NOTIFY_<TEAM>_WEBHOOK and NOTIFY_<TEAM>_EMAIL."""
    mode: Mode | None = None
    """Forces how the team trades; without it the team's file decides."""


class Registry(Strict):
    """The whole registry. Instances that come from `loading.load_registry` have passed `registry_problems`."""

    calendar: str = "XNYS"
    market: Market
    competition: Competition
    season: Season | None = None
    """Whether a season is lived; without it what is computed is a replay. Of no recipe: the clock changes no result."""
    visibility: Visibility = "open"
    """Whether everybody may look at everything, or a team at its own only; of the organiser and the leaderboard it hides nothing."""
    platform_branch: BranchName = "platform"
    retention: Retention = Retention()
    notify: Annotated[tuple[NotifyKind, ...], Field(strict=False)] = ("failure", "bad_configuration", "alarm")
    """What the organiser is told of, of every team and of the platform itself."""
    teams: Annotated[dict[TeamName, TeamEntry], Field(min_length=1, max_length=200)]

    def branch_of(self, owner: str) -> str:
        """The branch with the versions of an owner's objects: a team's own, the platform's of the market and the competition."""
        return self.teams[owner].branch if owner in self.teams else self.platform_branch


def registry_problems(registry: Registry) -> list[Problem]:
    """Every problem of a well-formed registry."""
    return [*_market_problems(registry.market), *_shared_names(registry), *_round_problems(registry)]


def symbol_problems(symbols: Sequence[str], market: Market) -> Iterator[Problem]:
    """What is wrong with a list of symbols: spelling, duplicates, and whether the source can have them."""
    for index, symbol in enumerate(symbols):
        if not SYMBOL.fullmatch(symbol):
            text = f"{show(symbol)} is no symbol: capital letters, digits, . and -, like AAPL or BRK.B"
            yield Problem((index,), text)
        elif symbol in symbols[:index]:
            yield Problem((index,), f"{symbol} is there twice")
        elif market.source == "sample" and symbol not in SAMPLE_SYMBOLS:
            text = f"the sample data has no {symbol}" + suggestion(symbol, SAMPLE_SYMBOLS)
            yield Problem((index,), text)


def _market_problems(market: Market) -> Iterator[Problem]:
    """Options that are missing, or that belong to another source."""
    for option, what in SOURCES[market.source].needed.items():
        if not getattr(market, option):
            yield Problem(("market",), f"source {market.source} needs {option}, {what}")
    options = dict.fromkeys(option for terms in SOURCES.values() for option in terms.options)
    for option in options:
        owners = [name for name, terms in SOURCES.items() if option in terms.options]
        if getattr(market, option) is not None and market.source not in owners:
            yield Problem(("market", option), f"belongs to source {' or '.join(owners)}, not {market.source}")
    yield from (problem.below(("market", "symbols")) for problem in symbol_problems(market.symbols, market))
    if market.end is not None and market.end <= market.start:
        yield Problem(("market", "end"), f"{market.end} must be after start, {market.start}")


def _shared_names(registry: Registry) -> Iterator[Problem]:
    """Two teams on one branch would overwrite each other; two on one account would trade each other's money.

    Names that differ in case alone are one file on many disks, and git cannot have both `red` and `red/x`.
    """
    branches, accounts = {registry.platform_branch: "the platform"}, dict[str, str]()
    for name, entry in registry.teams.items():
        for key, value, taken in (("branch", entry.branch, branches), ("account", entry.account, accounts)):
            clash = next((other for other in taken if _clash(value, other)), None)
            if clash == value:
                yield Problem(("teams", name, key), f"{value} is already that of {taken[clash]}")
            elif clash is not None:
                text = f"{value} and {clash}, that of {taken[clash]}, cannot be beside each other"
                yield Problem(("teams", name, key), text)
            taken.setdefault(value, name)


def _clash(one: str, other: str) -> bool:
    one, other = one.lower(), other.lower()
    return one == other or one.startswith(f"{other}/") or other.startswith(f"{one}/")


def _round_problems(registry: Registry) -> Iterator[Problem]:
    """The round must consist of sessions of the calendar, inside the data, and freeze teams there are."""
    try:
        calendar = load_calendar(registry.calendar)
    except TradingError as error:
        yield Problem(("calendar",), str(error))
        return
    outside = list(_dates_outside(calendar, registry))
    yield from outside or _window_problems(calendar, registry)
    for team in registry.competition.frozen:
        if team not in registry.teams:
            yield Problem(("competition", "frozen", team), "is no team" + suggestion(team, registry.teams))


def _dates_outside(calendar: TradingCalendar, registry: Registry) -> Iterator[Problem]:
    market, start = registry.market, registry.competition.start
    for *loc, day in (
        ("market", "start", market.start),
        ("market", "end", market.end),
        ("competition", "start", start),
    ):
        try:
            _ = day is None or calendar.is_session(day)
        except TradingError as error:
            yield Problem(tuple(loc), str(error))


def _window_problems(calendar: TradingCalendar, registry: Registry) -> Iterator[Problem]:
    start, market = registry.competition.start, registry.market
    if not calendar.is_session(start):
        text = f"{start} is no session of {registry.calendar}; the next one is {calendar.next_session(start)}"
        yield Problem(("competition", "start"), text)
    elif start <= market.start or (market.end is not None and start >= market.end):
        text = f"{start} lies outside the market data, {market.start} to {market.end or 'today'}"
        yield Problem(("competition", "start"), text)
    elif market.end is not None:
        known = len(calendar.sessions(start, market.end)) - 1  # the last session's outcome is not known
        wanted = registry.competition.replay_sessions
        if wanted > known:
            text = f"{wanted} sessions, but only {known} from {start} have a known outcome"
            yield Problem(("competition", "replay_sessions"), text)
    elif registry.season and registry.season.lapse:
        text = "a lapse shows a recorded past, and market.end has to say with which session it ends"
        yield Problem(("season", "clock"), text)
