"""The job `evaluate`: walks a team through a range of sessions and scores all of it. It reads bars, and asks no broker and no clock.

One job for the whole deployment, not one per team (500 jobs cost 10 s of every load). What is scored is what would have been said:
the predictions of a replay or a season are not looked at, and nothing that was evaluated ranks anybody.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import TYPE_CHECKING

import dagster as dg

from my_dagster_project.domain import plain_json
from my_dagster_project.domain.evaluation import score
from my_dagster_project.domain.scores.walked import Evaluation, evaluated, wildness
from my_dagster_project.foundation.errors import ConfigError, TradingError
from my_dagster_project.pipeline.partitions import last_session
from my_dagster_project.pipeline.rehearsing import require_trainable
from my_dagster_project.pipeline.resources import AssetStoreResource
from my_dagster_project.pipeline.retries import explained
from my_dagster_project.pipeline.training_budget import metered
from my_dagster_project.pipeline.walk_forward import Walk
from my_dagster_project.reports.evaluation_columns import evaluation_table, verdict
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.manifests import Asset
from my_dagster_project.storage.names import COMPETITION, named
from my_dagster_project.storage.stored_bars import read_bars
from my_dagster_project.teams.platform import Platform

if TYPE_CHECKING:
    import pandas as pd

JOB = "evaluate"
OP = "walk_and_score"
FILE = "evaluation.json"
_YEARS = 3


class Asked(dg.Config):
    """Whom to walk, through which sessions (ISO; the last three years without them); only some symbols are walked, not scored."""

    team: str
    first: str = ""
    last: str = ""
    symbols: list[str] = []  # noqa: RUF012 - Dagster's Config is pydantic's


def evaluation_of(team: str) -> Asset:
    """Where a team's scores lie."""
    return named("team", "evaluation", team)


def stored_evaluation(assets: AssetStore, team: str) -> Evaluation:
    """A team's scores as they were stored last; raises ObjectMissingError before the first evaluation."""
    return plain_json.from_text(Evaluation, assets.read_file(evaluation_of(team), FILE))


def scored_walk(predictions: "pd.DataFrame", bars: "pd.DataFrame") -> "pd.DataFrame":
    """What the refits of a walk said of a symbol beside what came, with the refit and how wild the market was."""
    scored = score(predictions, bars)
    refits = predictions.set_index("session")["refit"]
    return scored.assign(refit=scored["session"].map(refits), volatility=wildness(bars, scored["session"]))


def sessions_between(platform: Platform, first: str = "", last: str = "") -> list[date]:
    """The sessions of a range (ISO), of the last three years without one; raises TradingError where none has closed or it is no date.

    The last one is that whose next session has closed too, by the exchange's clock: what a lapse has not revealed is not scored.
    """
    newest = platform.calendar.previous_session(last_session(platform))
    try:
        ends = min(date.fromisoformat(last), newest) if last else newest
        begins = date.fromisoformat(first) if first else ends.replace(year=ends.year - _YEARS, day=1)
    except ValueError as error:
        raise TradingError(f"{error}: a session is a date like {newest}") from None
    sessions = platform.calendar.sessions(begins, ends) if begins <= ends else []
    if not sessions:
        raise TradingError(f"between {begins} and {ends} there is no session whose next one has closed")
    return sessions


@dataclass(frozen=True)
class Evaluating:
    """The walk of one team, in one run of Dagster's."""

    platform: Platform
    instance: dg.DagsterInstance
    run_id: str
    assets: AssetStore
    said: Callable[[str], None]

    def walked(self, team: str, symbol: str, sessions: list[date]) -> "pd.DataFrame":
        """What was said of a symbol, each session scored; what a team's trainings may take of the machine holds here, too."""
        entry = self.platform.registry.teams[team]
        walk = Walk(self.platform, team, symbol, sessions, self.assets)
        with metered(self.instance, self.run_id, team, entry.training) as bounds:
            require_trainable(self.platform, team, symbol, self.assets, bounds)
            predictions = walk.predictions(bounds, self.said)
        return scored_walk(predictions, read_bars(self.assets, symbol))

    def evaluation(self, team: str, sessions: list[date]) -> Evaluation:
        """Scores of all of a team's symbols, stored as `red/evaluation`."""
        symbols = self.platform.teams[team].symbols
        found = evaluated(team, {symbol: self.walked(team, symbol, sessions) for symbol in symbols})
        record = {"run_id": self.run_id, "sessions": f"{found.first}..{found.last}"}
        files = {FILE: plain_json.to_text(found).encode()}
        self.assets.write(evaluation_of(team), files, replace=True, record=record)
        return found


def evaluation_job(platform: Platform) -> dg.JobDefinition:
    """The job `evaluate`."""

    @dg.op(
        name=OP, description="Train the refits of a range that are not stored yet, and score what they said."
    )
    def walk_and_score(
        context: dg.OpExecutionContext, config: Asked, asset_store: AssetStoreResource
    ) -> dg.Output[None]:
        work = Evaluating(platform, context.instance, context.run_id, asset_store.open(), context.log.info)
        sessions = explained(partial(_checked, platform, config))
        for symbol in config.symbols:
            explained(partial(work.walked, config.team, symbol, sessions))
        if config.symbols:
            return dg.Output(None)
        found = explained(partial(work.evaluation, config.team, sessions))
        table = dg.MetadataValue.md(evaluation_table(found))
        return dg.Output(None, metadata={"verdict": verdict(found.whole), "scores": table})

    @dg.job(
        name=JOB,
        tags={"team": COMPETITION, "dagster/priority": "-5"},
        description="Walk a team through past sessions, refit by refit, and score what its models said.",
        executor_def=dg.in_process_executor,
    )
    def evaluating() -> None:
        walk_and_score()

    return evaluating


def _checked(platform: Platform, asked: Asked) -> list[date]:
    require_walkable(platform, asked.team, asked.symbols)
    return sessions_between(platform, asked.first, asked.last)


def require_walkable(platform: Platform, team: str, symbols: Sequence[str] = ()) -> None:
    """Raise ConfigError where there is no such team with a file in force, it trades no such symbol, or one model is for all of them."""
    if team not in platform.teams:
        why = platform.problems.get(team, f"teams are {', '.join(platform.teams)}")
        raise ConfigError(f"there is no team {team!r} with a valid file: {why}")
    if unknown := set(symbols).difference(platform.teams[team].symbols):
        raise ConfigError(f"{team} does not trade {', '.join(sorted(unknown))}")
    if platform.teams[team].pooled:
        raise ConfigError(
            f"{team} has one model for all its symbols (model.scope: team); only models of one symbol each are walked so far"
        )
