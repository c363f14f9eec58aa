"""A team's fresh start: another account, and nothing current of what the old one did.

What was recorded is not lost: it stays in the versions on the team's branch, the runs in Dagster's log, and each fresh
start in the store, beside the halts: `.trading/resets/red/<time>-<id>.json` says who, when, why.
"""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from uuid import uuid4

import dagster as dg

from my_dagster_project.foundation.errors import BrokerError, SeasonError
from my_dagster_project.pipeline import chain
from my_dagster_project.pipeline.assets.keys import key_at, orders_key
from my_dagster_project.pipeline.chain import Place
from my_dagster_project.pipeline.resources import BrokerResource
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.season import SeasonBook
from my_dagster_project.trading.sent import forget

_RESETS = ".trading/resets"


@dataclass(frozen=True)
class Reset:
    """One fresh start of a team: who, when (UTC), why, and the sessions that were on record by then (ISO)."""

    team: str
    by: str
    at: str
    reason: str
    sessions: tuple[str, ...]


def start_afresh(
    team: str, broker: BrokerResource, assets: AssetStore, instance: dg.DagsterInstance, by: str, reason: str
) -> Reset:
    """Give the team a fresh account, and make all its sessions due again.

    It may die at any step and be done again. Raises, with nothing changed, BrokerError for an account outside and SeasonError
    in a season.
    """
    require_bundled(team, broker)
    if SeasonBook(assets.store).read() is not None:
        raise SeasonError(f"a season is lived in {assets.store.url}: {team} keeps its account")
    made = _note(assets, team, by, reason)
    # First what says that sessions are done: without it the next replay starts afresh by itself.
    keys = [key_at(row, Place(team)) for row in chain.of_account()]
    if known := [key for key in keys if instance.get_materialized_partitions(key)]:
        instance.wipe_assets(known)
    for key in keys:
        assets.clear(tuple(key.path), {"reset": made.at})
    broker.reset(team)
    forget(assets, team)
    return made


def require_bundled(team: str, broker: BrokerResource) -> None:
    """Raise BrokerError unless the team's account is at the bundled broker."""
    if not broker.is_bundled:
        raise BrokerError(
            f"team {team} trades at {broker.url}: a real account cannot be reset from here, and nothing is changed. Open a"
            " new paper account there and put its keys into .env.secrets; its first session takes it as it is"
        )


def _note(assets: AssetStore, team: str, by: str, reason: str) -> Reset:
    now = datetime.now(UTC)
    sessions = tuple(name.partition(".")[0] for name in assets.names(tuple(orders_key(team).path)))
    made = Reset(team, by, f"{now:%Y-%m-%d %H:%M:%S.%f} UTC", reason, sessions)
    body = json.dumps(asdict(made), indent=1, ensure_ascii=False).encode()
    assets.store.put(f"{_RESETS}/{team}/{now:%Y%m%dT%H%M%S%fZ}-{uuid4().hex}.json", body)
    return made
