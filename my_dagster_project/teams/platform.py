"""All teams at once: the registry, every team's configuration in force, and what is wrong with the others' files."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from my_dagster_project.foundation.calendar import TradingCalendar, load_calendar
from my_dagster_project.foundation.errors import ConfigError
from my_dagster_project.foundation.problems import Problem
from my_dagster_project.models.kinds.port import Kind
from my_dagster_project.models.kinds.table import KINDS
from my_dagster_project.teams.exchange_clock import ExchangeClock
from my_dagster_project.teams.last_good import LastGood
from my_dagster_project.teams.loading import load_defaults, load_registry, load_team, whole_layer
from my_dagster_project.teams.overrides import located
from my_dagster_project.teams.registry import Registry
from my_dagster_project.teams.schema import TeamConfig
from my_dagster_project.teams.sources import Source, Sources, team_path


@dataclass(frozen=True)
class Platform:
    """What is deployed.

    `sources` are the texts in force; `read` is the digest of the texts as they were found. A team whose file has a
    mistake has its message in `problems`; its last valid file stays in force, or it does not take part when there is none.
    """

    registry: Registry
    teams: dict[str, TeamConfig]
    sources: Sources
    read: str
    problems: dict[str, str] = field(default_factory=dict)
    kept: tuple[str, ...] = ()
    """In a season, the symbols that have bars already: they go on to its end, whoever gives a symbol up. What is still held of
    it can be sold, and what was predicted of it is scored on the bars that its source says now."""
    clock: ExchangeClock | None = field(default=None, compare=False, repr=False)
    """None where nothing is deployed, and a lapse cannot be told."""

    def now(self) -> datetime:
        """What time it is at the exchange (UTC), asked anew each time; raises StorageError where a lapse's cannot be read."""
        if self.clock is not None:
            return self.clock.now()
        if self.in_lapse:
            raise ConfigError("the clock of a lapse is in the asset store: load the platform of a deployment")
        return datetime.now(UTC)

    @property
    def in_lapse(self) -> bool:
        """Whether the exchange's clock shows a recorded past, and is not the wall clock."""
        return self.registry.season is not None and self.registry.season.lapse is not None

    @property
    def calendar(self) -> TradingCalendar:
        """The exchange calendar all sessions are of."""
        return load_calendar(self.registry.calendar)

    @property
    def symbols(self) -> list[str]:
        """Every symbol some team trades, or of a season has traded, sorted: bars are fetched once for all."""
        return sorted({symbol for team in self.teams.values() for symbol in team.symbols}.union(self.kept))

    @property
    def pooled(self) -> list[str]:
        """The teams that have one model of all their symbols."""
        return [name for name, config in self.teams.items() if config.pooled]

    def window_in_force(self, team: str) -> str:
        """The refit window (ISO) that holds today, by the exchange's clock: its refit predicts the session that closes next."""
        today = self.now().astimezone(self.calendar.time_zone).date()
        return self.teams[team].training.window_of(max(today, self.registry.competition.start))

    @property
    def kinds(self) -> list[Kind]:
        """The kinds of models that some team has, of whichever symbol."""
        used = {team.for_symbol(symbol).kind.name for team in self.teams.values() for symbol in team.symbols}
        return [kind for name, kind in KINDS.items() if name in used]

    @property
    def looks(self) -> int:
        """How many rows the competition's table judges: every team, and each of its symbols."""
        return sum(1 + len(team.symbols) for team in self.teams.values())

    def said_of(self, team: str, symbol: str, problem: Problem) -> str:
        """A problem of a symbol's configuration in force, with the file and line where a person mends it."""
        source, shared = self.sources.teams[team], self.sources.defaults
        if source is None:
            return problem.text
        defaults = load_defaults(shared.content, shared.path) if shared else None
        whole = whole_layer(source.content, source.path, self.registry, defaults)
        place, text = located(whole, symbol, problem)
        return f"{place.file}:{place.line}: {text}"

    def origin(self, team: str) -> str:
        """Which commit of which branch a team's configuration in force is from."""
        source = self.sources.teams.get(team)
        if source is None:
            return "nowhere"
        return _kept_origin(source) if team in self.problems else source.origin


def load_platform(sources: Sources, last_good: LastGood | None = None) -> Platform:
    """The platform of these texts; raises ConfigError only for the organiser's own files, the registry and the defaults.

    With `last_good` a team's valid file is remembered, and stands in for one that is broken or gone.
    """
    registry = load_registry(sources.registry.content, sources.registry.path)
    shared = sources.defaults
    defaults = load_defaults(shared.content, shared.path) if shared else None

    def load(source: Source) -> TeamConfig:
        if source.refusal:
            raise ConfigError(f"{source.path}:1: {source.refusal}")
        return load_team(source.content, source.path, registry, defaults)

    in_force: dict[str, Source | None] = {}
    teams, problems = {}, {}
    for name in registry.teams:
        source, config, problem = _team(name, sources, registry.teams[name].branch, load, last_good)
        in_force[name] = source
        if config is not None:
            teams[name] = config
        if problem:
            problems[name] = problem
    return Platform(registry, teams, replace(sources, teams=in_force), sources.digest, problems)


def _team(
    name: str,
    sources: Sources,
    branch: str,
    load: Callable[[Source], TeamConfig],
    last_good: LastGood | None,
) -> tuple[Source | None, TeamConfig | None, str]:
    """What is in force for a team, and what is wrong with its newest file ('' when nothing is)."""
    newest = sources.teams.get(name)
    kept = last_good.get(name) if last_good else None
    if newest is None or (newest.commit is None and kept is not None and kept.commit is not None):
        problem = (
            f"{team_path(name)}:1: there is no such file on branch {branch}; restore the branch or the file"
        )
    else:
        try:
            config = load(newest)
        except ConfigError as error:
            problem = str(error)
        else:
            if last_good is not None:
                last_good.keep(name, newest)
            return newest, config, ""
    if kept is None:
        return None, None, problem
    try:
        # Checked again: the organiser's limits may have become stricter since.
        return kept, load(kept), f"{problem}\n(in force: {_kept_origin(kept)})"
    except ConfigError:
        return None, None, problem


def _kept_origin(source: Source) -> str:
    """Where a remembered file is from: the working tree of now is no longer what it was then."""
    return (
        source.origin
        if source.commit
        else "the last valid file of the working tree, which is not there any more"
    )
