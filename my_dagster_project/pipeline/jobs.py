"""One job per team and purpose, never one per symbol: 500 jobs cost 10 s of every load."""

import dagster as dg

from my_dagster_project.foundation.dagster_private import (
    MAX_RETRIES_TAG,
    PRIORITY_TAG,
    UnresolvedAssetJobDefinition,
)
from my_dagster_project.pipeline.assets import keys
from my_dagster_project.pipeline.run_tags import PRIORITY
from my_dagster_project.teams.platform import Platform

MARKET_JOB = "market_daily"
LEADERBOARD_JOB = "leaderboard"


def train_job_name(team: str) -> str:
    """The job that computes a team's features and trains its models."""
    return f"{_safe(team)}_train"


def daily_job_name(team: str) -> str:
    """The job that brings a team's features, predictions and reports up to a session (or a range of them)."""
    return f"{_safe(team)}_daily"


def trade_job_name(team: str) -> str:
    """The job that plans and submits a team's orders of one session."""
    return f"{_safe(team)}_trade"


def settle_job_name(team: str) -> str:
    """The job that records what became of a team's orders of a session (or a range of them)."""
    return f"{_safe(team)}_settle"


def all_jobs(platform: Platform, partitions: dg.PartitionsDefinition) -> list[UnresolvedAssetJobDefinition]:
    """The organiser's jobs and four per team."""
    jobs = platform_jobs(platform.symbols) if platform.teams else []
    for team, config in platform.teams.items():
        jobs += team_jobs(team, config.symbols, partitions, platform.origin(team))
    return jobs


def platform_jobs(symbols: list[str]) -> list[UnresolvedAssetJobDefinition]:
    """The organiser's jobs: bars of every symbol, and the competition's table."""
    return [
        dg.define_asset_job(
            MARKET_JOB,
            selection=[keys.bars_key(symbol) for symbol in symbols],
            description="Fetch what is missing of every symbol's daily bars, once for all teams.",
            tags={"team": keys.MARKET, PRIORITY_TAG: str(PRIORITY["market"])},
        ),
        dg.define_asset_job(
            LEADERBOARD_JOB,
            selection=[keys.leaderboard_key()],
            description="Score all teams against each other and against the house teams.",
            tags={"team": keys.COMPETITION, PRIORITY_TAG: str(PRIORITY["leaderboard"])},
        ),
    ]


def team_jobs(
    team: str, symbols: tuple[str, ...], partitions: dg.PartitionsDefinition, origin: str
) -> list[UnresolvedAssetJobDefinition]:
    """A team's four jobs.

    The tags are what Dagit shows of a job and what a run beside the queue has; in the queue `run_tags` says them anew.
    """
    tags = {"team": team, "config": origin}
    features = [keys.features_key(team, symbol) for symbol in symbols]
    models = [keys.model_key(team, symbol) for symbol in symbols]
    predictions = [keys.predictions_key(team, symbol) for symbol in symbols]
    reports = [keys.report_key(team, symbol) for symbol in symbols]
    return [
        dg.define_asset_job(
            train_job_name(team),
            selection=[*features, *models],
            description=f"Compute {team}'s features and train one Ludwig model per symbol.",
            tags={**tags, PRIORITY_TAG: str(PRIORITY["train"])},
        ),
        dg.define_asset_job(
            daily_job_name(team),
            selection=[*features, *predictions, *reports],
            partitions_def=partitions,
            description=f"Predict a session, or a range of sessions in one pass, and renew {team}'s reports.",
            tags={**tags, PRIORITY_TAG: str(PRIORITY["daily"])},
        ),
        dg.define_asset_job(
            trade_job_name(team),
            selection=[keys.orders_key(team)],
            partitions_def=partitions,
            description=f"Plan and submit {team}'s orders after the close of one session.",
            tags={**tags, PRIORITY_TAG: str(PRIORITY["trade"]), MAX_RETRIES_TAG: "0"},
        ),
        dg.define_asset_job(
            settle_job_name(team),
            selection=[keys.fills_key(team)],
            partitions_def=partitions,
            description=f"Record what became of {team}'s orders, once the session after theirs has closed.",
            tags={**tags, PRIORITY_TAG: str(PRIORITY["settle"])},
        ),
    ]


def _safe(team: str) -> str:
    # Dagster's names take no hyphen, team names do.
    return team.replace("-", "_")
