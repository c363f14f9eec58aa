"""Puts a team's page together: its parts are read side by side, and one that does not answer in time is told as such.

It only reads. Nothing is asked of a broker that could move an account, its clock included (`BrokerResource.as_it_is`).
"""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from my_dagster_project.domain.leaderboard import BUY_AND_HOLD, Curves, TeamRow
from my_dagster_project.domain.scores.walked import Evaluation
from my_dagster_project.foundation.errors import ObjectMissingError, StorageError, TradingError
from my_dagster_project.foundation.settings import Settings
from my_dagster_project.git.branch import BranchRepo
from my_dagster_project.history.edits import Edit, edits
from my_dagster_project.history.lineage import Lineage, Origin
from my_dagster_project.people.status.asking import Asking, SilentError
from my_dagster_project.people.status.page import TeamStatus
from my_dagster_project.people.team.coming_session import coming_session
from my_dagster_project.people.team.model_training import model_trainings
from my_dagster_project.people.team.team_page import ScoredPrediction, TeamPage
from my_dagster_project.pipeline.alarming import stored_curves, stored_leaderboard
from my_dagster_project.pipeline.chain import Place, place_of, stage
from my_dagster_project.pipeline.evaluating import stored_evaluation
from my_dagster_project.pipeline.partitions import last_session
from my_dagster_project.pipeline.resources import all_resources
from my_dagster_project.storage import names
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.opening import open_assets
from my_dagster_project.storage.parquet import rows_of
from my_dagster_project.teams.platform import Platform
from my_dagster_project.trading.broker import Broker, BrokerRefusedError
from my_dagster_project.trading.fill_columns import SettledRow
from my_dagster_project.trading.journal import TeamJournal, team_journal
from my_dagster_project.trading.results import settled_rows
from my_dagster_project.trading.session_money import SessionMoney, session_money
from my_dagster_project.trading.watch import AccountState, look

if TYPE_CHECKING:
    import dagster as dg

# The first page imports pandas and the broker's client; meanwhile "One moment" is shown.
SECONDS = 8.0
_NO_ACCOUNT = 401
_SHOWN = [stage(noun) for noun in ("report", "predictions", "model", "features")]


class TeamReader:
    """Reads pages of teams; questions that are still open are waited for again, never asked twice at once."""

    def __init__(self, settings: Settings, instance: "dg.DagsterInstance | None" = None) -> None:
        self._settings = settings
        self._asking = Asking()
        self._instance = instance

    def page(
        self, platform: Platform, team: str, status: TeamStatus | None = None, zone: str = "UTC"
    ) -> TeamPage:
        """A team that has a valid file, as of now; never raises for what does not answer."""
        assets = open_assets(self._settings.store_url, self._settings.dvc_url)
        last = last_session(platform)
        parts: dict[str, Callable[[], Any]] = {
            "coming": lambda: coming_session(platform, assets, team, status, zone),
            "account": lambda: self._account(platform, assets, team),
            "scored": lambda: _scored(platform, assets, team, last),
            "fills": lambda: _fills(assets, team, last),
            "edits": lambda: self._edits(platform, team),
            "curves": lambda: _curves(assets, team, last),
            "money": lambda: _money(platform, assets, team, last),
            "evaluation": lambda: _evaluation(assets, team),
            "trainings": lambda: model_trainings(platform, assets, team),
            "lineage": lambda: self._lineage(platform, assets, team),
            "standing": lambda: _standing(assets, team, last),
        }
        self._asking.start({f"{team} {part}": ask for part, ask in parts.items()})
        until, found, silent = time.monotonic() + SECONDS, dict[str, Any](), dict[str, str]()
        for part in parts:
            try:
                found[part] = self._asking.answer(f"{team} {part}", until)
            except SilentError:
                silent[part] = f"This was not found out within {SECONDS:.0f} s; load the page again."
            except TradingError as error:
                silent[part] = str(error)
        account, trips = found.pop("account", (None, TeamJournal()))
        made = TeamPage(
            team=team,
            symbols=tuple(platform.teams[team].symbols),
            branch=platform.registry.teams[team].branch,
            origin=platform.origin(team),
            starting_cash=platform.registry.competition.starting_cash,
            account=account,
            trips=trips,
            silent=silent,
        )
        return replace(made, **found)

    def _account(
        self, platform: Platform, assets: AssetStore, team: str
    ) -> tuple[AccountState | None, TeamJournal]:
        """The account and its round trips; none of a team that has no orders on record: it may have no account yet."""
        if not assets.names(names.orders(team)):
            return None, TeamJournal()
        broker = self._broker(platform, team)
        try:
            return look(team, broker), team_journal(team, broker, assets, platform.calendar)
        except BrokerRefusedError as error:
            if error.http_status == _NO_ACCOUNT:
                return None, TeamJournal()
            raise

    def _broker(self, platform: Platform, team: str) -> Broker:
        broker = all_resources(platform, self._settings).broker
        return broker.as_it_is(team, platform.registry.teams[team].account)

    def _lineage(self, platform: Platform, assets: AssetStore, team: str) -> tuple[Origin, ...]:
        import dagster as dg

        home = self._settings.instance_home
        if self._instance is None and (home / "dagster.yaml").is_file():
            self._instance = dg.DagsterInstance.from_config(str(home))
        if self._instance is None:
            return ()
        config = platform.teams[team]
        places = [(team, symbol) for symbol in config.symbols]
        objects = [
            stage.asset(place_of(stage, Place(*at), platform.pooled)) for at in places for stage in _SHOWN
        ]
        objects += [names.orders(team), names.fills(team), names.leaderboard()]
        lineage = Lineage(platform, self._settings, assets, self._instance)
        return tuple(lineage.newest(list(dict.fromkeys(objects))))

    def _edits(self, platform: Platform, team: str) -> tuple[Edit, ...]:
        """The last edits of the team's file; none of a team whose branch is not there yet."""
        repo, branch = self._settings.project, platform.registry.teams[team].branch
        git = BranchRepo(repo)
        if not git.has_branch(branch):
            return ()
        head = git.heads().get(branch) or git.resolve(f"refs/remotes/origin/{branch}")
        return tuple(edits(repo, head, team))


def _scored(
    platform: Platform, assets: AssetStore, team: str, last: date
) -> dict[str, list[ScoredPrediction]]:
    """By symbol what its report has scored, oldest first."""
    found = {}
    for symbol in platform.teams[team].symbols:
        with suppress(ObjectMissingError):
            rows = rows_of(assets.read_file(names.report(team, symbol), names.SCORED))
            told = (_prediction(team, symbol, row) for row in rows)
            found[symbol] = [one for one in told if one.target <= last]
    return found


def _prediction(team: str, symbol: str, row: Mapping[str, Any]) -> ScoredPrediction:
    figures = (
        "close",
        "predicted_close",
        "actual_close",
        "predicted_return",
        "actual_return",
        "probability_up",
        "hit",
    )
    return ScoredPrediction(
        team,
        symbol,
        row["session"].date(),
        row["target_session"].date(),
        **{name: row[name] for name in figures},
    )


def _fills(assets: AssetStore, team: str, last: date) -> tuple[SettledRow, ...]:
    return tuple(row for row in settled_rows(assets, team) if row.filled_in <= last)


def _money(platform: Platform, assets: AssetStore, team: str, last: date) -> tuple[SessionMoney, ...]:
    spread = Decimal(str(platform.registry.competition.cost_bps))
    return tuple(one for one in session_money(assets, team, spread) if one.session <= last)


def _evaluation(assets: AssetStore, team: str) -> Evaluation | None:
    """What a walk through the years was worth; None before the first one."""
    try:
        return stored_evaluation(assets, team)
    except ObjectMissingError:
        return None
    except (ValueError, TypeError) as error:
        raise StorageError(f"the evaluation on record is damaged: {error}") from error


def _curves(assets: AssetStore, team: str, last: date) -> Curves:
    """The team's equity and that of buying and holding; none before there is a table."""
    try:
        curves = stored_curves(assets)
    except (ValueError, TypeError, AttributeError) as error:
        raise StorageError(f"the equity curves on record are damaged: {error!r}") from error
    return {
        name: [point for point in curves.get(name, ()) if point[0] <= last.isoformat()]
        for name in (team, BUY_AND_HOLD)
    }


def _standing(assets: AssetStore, team: str, last: date) -> TeamRow | None:
    """The team's row of the table; none before there is one, or of one that knows more than the exchange's clock."""
    try:
        board = stored_leaderboard(assets)
    except ObjectMissingError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise StorageError(f"the table on record is damaged: {error!r}") from error
    rows = [row for row in board.teams if row.team == team and board.last <= last.isoformat()]
    return rows[0] if rows else None
