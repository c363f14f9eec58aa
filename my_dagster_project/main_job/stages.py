"""The stages of the competition, each computing only what is due: bars, models, predictions, orders, leaderboard."""

from collections.abc import Mapping, Sequence
from datetime import date

import dagster as dg

from my_dagster_project.domain.revisions import Revision
from my_dagster_project.foundation.errors import TradingError
from my_dagster_project.foundation.settings import Settings
from my_dagster_project.main_job.abandoned import end_abandoned
from my_dagster_project.main_job.afresh import start_afresh
from my_dagster_project.main_job.phases import Tell, phase
from my_dagster_project.main_job.runner import Runner
from my_dagster_project.pipeline import chain
from my_dagster_project.pipeline.alarming import alarms_changed, blocking_checks
from my_dagster_project.pipeline.assets import keys
from my_dagster_project.pipeline.assets.bars_asset import AGAIN_TAG
from my_dagster_project.pipeline.chain import Job
from my_dagster_project.pipeline.code_location import build_definitions
from my_dagster_project.pipeline.due import Due
from my_dagster_project.pipeline.failures import Problem
from my_dagster_project.pipeline.partitions import replay_sessions
from my_dagster_project.pipeline.resources import BrokerResource, all_resources
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.opening import open_assets
from my_dagster_project.storage.revised import noted_revisions, settle_revisions
from my_dagster_project.teams.platform import Platform
from my_dagster_project.trading.lease import lease, leases_of
from my_dagster_project.trading.replays import tries


class Stages:
    """The stages over one Dagster instance, in this process. Problems of one team or symbol leave the others untouched."""

    def __init__(
        self, platform: Platform, settings: Settings, tell: Tell, *, remake: date | None = None
    ) -> None:
        """With `remake` models, and predictions from that session on, are made anew where bars were revised, and traded."""
        self._remake = remake
        self._platform, self._settings, self._tell = platform, settings, tell
        self._definitions = build_definitions(platform, settings)
        self._instance = dg.DagsterInstance.get()
        self._runner = Runner(self._definitions, self._instance)
        self._sessions = [session.isoformat() for session in replay_sessions(platform)]

    @property
    def problems(self) -> list[Problem]:
        """Every step that failed so far."""
        return self._runner.problems

    def tidy(self) -> None:
        """Say of runs whose process was killed that they have ended."""
        end_abandoned(self._instance)

    def phase(self, purpose: str, team: str = "") -> None:
        """One job's part of the chain, computed where it is due: of one team, or of all."""
        row = chain.job(purpose)
        if row.one_by_one:
            self._trade(row, team)
        if chain.orders_of(row):
            self._settle(row, team)
        elif row in chain.jobs_of_all(after_teams=False):
            self.market(row)
        elif row in chain.jobs_of_all(after_teams=True):
            self._score(row)
        elif not row.one_by_one:
            sessions = [one for one in self._sessions if self._remake is None or one >= str(self._remake)]
            if chain.has_windows(row) and self._platform.teams[team].training.refits:
                self._refit(row, team, sessions)
            else:
                wanted = self._due().makeable(purpose, team, sessions)
                self._bring_up_to_date(row, team, wanted, sessions)

    def market(self, row: Job, symbols: Sequence[str] = (), *, again: bool = False) -> None:
        """Bring the bars of every symbol, or of some, up to date; `again` fetches all of them, whatever is stored."""
        due = self._due()
        wanted = [key for key in due.makeable(row.purpose) if not symbols or key.path[1] in symbols]
        tags = {AGAIN_TAG: "yes"} if again else {}
        self._materialize(row, "", wanted if again else due.of(wanted), tags=tags)

    def revised(self) -> Mapping[str, list[Revision]]:
        """By symbol, what sources revised since the sessions were made."""
        return noted_revisions(self._assets)

    def settle(self) -> None:
        """Take what was revised for said: everything has been made anew on it."""
        settle_revisions(self._assets)

    def team(self, team: str) -> None:
        """A team's whole chain."""
        for row in chain.jobs_of_teams():
            self.phase(row.purpose, team)

    def training_is_due(self) -> bool:
        """Whether any team has a model to train, which is what needs the heavy libraries."""
        due, row = self._due(), chain.maker("model")
        parts = [part for team in self._platform.teams for part in due.parts(row, team, self._sessions)]
        return any(key.path[-1] == "model" for part in parts for key in part.assets)

    def _refit(self, row: Job, team: str, sessions: list[str]) -> None:
        """Train what is due of the windows that hold these sessions, in one run as far as they lack the same."""
        due = self._due()
        if not due.makeable(row.purpose, team):
            return  # "up to date" would be a lie where nothing could be made.
        parts = due.parts(row, team, sessions)
        with phase(self._tell, row.title(team), sum(len(part.assets) for part in parts)) as work:
            for part in parts:
                # What failed in one run is not said again by the next: the rest waits for the next `trading run`.
                if not self._runner.run(row.of(team), part.assets, work.heard_step, part.sessions):
                    return

    def _trade(self, row: Job, team: str) -> None:
        """Trade a team's sessions one by one, in one run: from where an interrupted replay stopped, or all of them anew.

        It has the account to itself from asking what is due to the last session: a session that somebody traded in between
        would be missing from the account that was started afresh.
        """
        broker, name = self._broker, self._platform.registry.teams[team].account
        try:
            with lease(
                leases_of(self._instance, broker.leases), broker.account_name(team, name), "`trading run`"
            ):
                self._trade_sessions(row, team)
        except TradingError as error:
            # Of the lease or the fresh start: no step of Dagster's is there to say it.
            self._runner.problems.append(Problem(f"{team}/orders", str(error)))

    def _trade_sessions(self, row: Job, team: str) -> None:
        now = self._due()
        due = now.fresh.missing_after_fresh(keys.orders_key(team), self._sessions)
        if self._remake is not None:
            due = None
        if due and not now.has_a_model(team):
            return  # Nothing was ever predicted, and why has been said.
        made = now.makeable(row.purpose, team)
        with phase(self._tell, row.title(team), len(self._sessions if due is None else due)) as work:
            if due == []:
                return
            if due is None or due == self._sessions:
                self._start_afresh(team)
            if due is None:
                work.note = self._why_anew(team)
            for key in made:
                # A session that fails ends its run: the next one would be planned on an account that is not where it should be.
                heard = work.heard_session if key == keys.orders_key(team) else work.heard
                if not self._runner.run(row.of(team), [key], heard, due or self._sessions):
                    return

    def _settle(self, row: Job, team: str) -> None:
        """Record in one pass what became of all orders; of a replay that stopped, up to the session it stopped at."""
        # Whatever was revised: what was traded is on record, also of a remake that began in the middle.
        left = self._due(revised=False).fresh.missing_after_fresh(keys.orders_key(team), self._sessions)
        traded = [] if left is None else self._sessions[: len(self._sessions) - len(left)]
        if traded:
            wanted = [key for key in self._due().makeable(row.purpose, team) if not keys.is_decision(key)]
            self._bring_up_to_date(row, team, wanted, traded)

    def _score(self, row: Job) -> None:
        """Score all teams; without one that has a valid file the table stays as it is."""
        wanted = self._due().makeable(row.purpose) if self._platform.teams else []
        due = wanted if wanted and self._alarms_changed() else self._due().of(wanted)
        if wanted:
            self._materialize(row, "", due)

    def _alarms_changed(self) -> bool:
        guards = blocking_checks(self._definitions.assets or ())
        return alarms_changed(self._assets, self._instance, self._platform, guards)

    def _start_afresh(self, team: str) -> None:
        """A replay says what would have happened, so a changed team gets a new account, not a second try in the old one."""
        # At an account outside nothing can be begun anew, so nothing is forgotten either.
        if self._broker.is_bundled:
            by = "trading run" if self._remake is None else "trading remake"
            why = "a replay from its first session on"
            start_afresh(team, self._broker, self._assets, self._instance, by, why)

    def _why_anew(self, team: str) -> str:
        account = "on a fresh account" if self._broker.is_bundled else "as far as the account allows"
        why = (
            "on today's bars"
            if self._remake
            else "because its file, or how the platform makes something, changed"
        )
        return f"all sessions anew {account}, {why}{self._tries(team)}"

    def _tries(self, team: str) -> str:
        """Say how many edits were replayed on these sessions, this one included, and what the first try returned."""
        window = replay_sessions(self._platform)
        known = tries(self._assets, team, window) if window else []
        edits = {one.configuration for one in known} | {self._platform.teams[team].trial_fingerprint()}
        if not known or len(edits) < 2:
            return ""
        first = known[0].total_return
        came = "" if first is None else f"; the first try returned {first:+.1%}"
        return f" (edits replayed on these sessions: {len(edits) - 1}{came})"

    @property
    def _assets(self) -> AssetStore:
        return open_assets(self._settings.store_url, self._settings.dvc_url)

    @property
    def _broker(self) -> BrokerResource:
        return all_resources(self._platform, self._settings).broker

    def _due(self, *, revised: bool | None = None) -> Due:
        revised = self._remake is not None if revised is None else revised
        graph = self._definitions.resolve_asset_graph()
        return Due(self._platform, graph, self._instance, self._settings, revised=revised)

    def _bring_up_to_date(self, row: Job, team: str, wanted: list[dg.AssetKey], sessions: list[str]) -> None:
        if wanted:  # "up to date" would be a lie where nothing could be made.
            self._materialize(row, team, self._due().of(wanted, sessions), sessions)

    def _materialize(
        self,
        row: Job,
        team: str,
        due: list[dg.AssetKey],
        sessions: Sequence[str] = (),
        tags: Mapping[str, str] | None = None,
    ) -> None:
        with phase(self._tell, row.title(team), len(due)) as work:
            if due:
                self._runner.run(row.of(team), due, work.heard_step, sessions if row.sessions else (), tags)
