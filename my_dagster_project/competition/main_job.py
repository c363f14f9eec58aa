"""The main job: all teams compete on real prices, from bars to a leaderboard; only what changed is computed.

bars -> per team: features, models, predictions, reports -> session by session: orders -> leaderboard -> versions
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

import dagster as dg

from my_dagster_project.assets import keys
from my_dagster_project.automation.jobs import (
    LEADERBOARD_JOB,
    MARKET_JOB,
    daily_job_name,
    trade_job_name,
    train_job_name,
)
from my_dagster_project.automation.partitions import last_session
from my_dagster_project.automation.versions import record_versions
from my_dagster_project.competition.runner import Problem, Runner
from my_dagster_project.competition.screen import Screen
from my_dagster_project.competition.staleness import Freshness
from my_dagster_project.definitions import build_definitions
from my_dagster_project.resources import BrokerResource, all_resources, open_assets
from my_dagster_project.settings import Settings
from my_dagster_project.storage.versions import Committed
from my_dagster_project.teams.platform import Platform


@dataclass
class Result:
    """What the main job did: the sessions it was about, what failed, the commits it made, whether it computed anything."""

    sessions: list[date]
    problems: list[Problem] = field(default_factory=list)
    commits: list[Committed] = field(default_factory=list)
    changed: bool = False


def replay_sessions(platform: Platform) -> list[date]:
    """The sessions after whose close predictions are made: the last ones whose next session has ended too.

    So every prediction can be scored, and every order has filled.
    """
    registry = platform.registry
    newest = last_session(platform.calendar, registry.market.end)
    last = platform.calendar.previous_session(newest)
    return platform.calendar.sessions(registry.competition.start, last)[
        -registry.competition.replay_sessions :
    ]


class MainJob:
    """One pass over the whole competition in this process."""

    def __init__(self, platform: Platform, settings: Settings, screen: Screen) -> None:
        self._platform, self._settings, self._screen = platform, settings, screen
        self._definitions = build_definitions(platform, settings)
        self._instance = dg.DagsterInstance.get()
        self._runner = Runner(self._definitions, self._instance)
        self._result = Result(replay_sessions(platform))
        self._sessions = [session.isoformat() for session in self._result.sessions]

    def run(self) -> Result:
        """Bring everything up to date; problems of one team or symbol leave the others untouched."""
        self.market()
        for team in self._platform.teams:
            self.models(team)
            self.predictions(team)
        for team in self._platform.teams:
            self.orders(team)
        self.leaderboard()
        return self.record()

    def market(self) -> None:
        """Bring the bars of every symbol up to date."""
        due = self._stale(keys.bars_key(symbol) for symbol in self._platform.symbols)
        self._phase("market data", MARKET_JOB, due)

    def models(self, team: str) -> None:
        """Compute a team's features and train its models, where something they depend on has changed."""
        symbols = self._platform.teams[team].symbols
        wanted = [key(team, symbol) for symbol in symbols for key in (keys.features_key, keys.model_key)]
        self._phase(f"{team}: features and models", train_job_name(team), self._stale(wanted))

    def predictions(self, team: str) -> None:
        """Predict all sessions in one pass and write a team's reports."""
        symbols = self._platform.teams[team].symbols
        wanted = [key(team, symbol) for symbol in symbols for key in (keys.predictions_key, keys.report_key)]
        due = self._stale(wanted)
        self._phase(f"{team}: predictions and reports", daily_job_name(team), due, self._sessions)

    def orders(self, team: str) -> None:
        """Trade a team's sessions one by one: from where an interrupted replay stopped, or all of them anew."""
        freshness = Freshness(self._definitions, self._instance)
        due = freshness.missing_after_fresh(keys.orders_key(team), self._sessions)
        if due == []:
            self._screen.up_to_date(f"{team}: trading")
            return
        if due is None or due == self._sessions:
            self._start_afresh(team)
        self._replay(team, due or self._sessions)

    def _start_afresh(self, team: str) -> None:
        """A replay says what would have happened, so a changed team gets a new account, not a second try in the old one."""
        broker = all_resources(self._platform, self._settings)["broker"]
        if isinstance(broker, BrokerResource) and broker.url is None:
            broker.embedded().reset(team)

    def _replay(self, team: str, sessions: list[str]) -> None:
        with self._screen.phase(f"{team}: trading", len(sessions)) as phase:
            for session in sessions:
                selection = [keys.orders_key(team)]
                if not self._runner.run(trade_job_name(team), selection, phase.heard, [session]):
                    return
                phase.advance(f"{session}")
        self._result.changed = True

    def leaderboard(self) -> None:
        """Score all teams."""
        due = self._stale([keys.leaderboard_key()])
        self._phase("leaderboard", LEADERBOARD_JOB, due)

    def record(self) -> Result:
        """Commit the versions of all that is stored, also what an earlier run could not commit, and tell the result."""
        self._result.problems = self._runner.problems
        assets = open_assets(self._settings.store_url, self._settings.dvc_url)
        self._result.commits = record_versions(self._platform, self._settings, assets)
        return self._result

    def _stale(self, wanted: Iterable[dg.AssetKey]) -> list[dg.AssetKey]:
        return Freshness(self._definitions, self._instance).stale(wanted, self._sessions)

    def _phase(self, title: str, job: str, due: list[dg.AssetKey], sessions: list[str] | None = None) -> None:
        if not due:
            self._screen.up_to_date(title)
            return
        with self._screen.phase(title, len(due)) as phase:
            self._runner.run(job, due, phase.heard_step, sessions or [])
        self._result.changed = True
