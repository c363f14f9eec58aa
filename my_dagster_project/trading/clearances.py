"""Which alarms the organiser has looked into: objects of their own in the store, beside the halts, never changed.

.trading/cleared/red/20261128T130501123456Z-<id>.json     who cleared which alarms of red, when and why
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from uuid import uuid4

from my_dagster_project.foundation.errors import StorageError
from my_dagster_project.storage.assets import AssetStore

_CLEARED = ".trading/cleared/"


@dataclass(frozen=True)
class Clearance:
    """Alarms of a team that no longer cost its rank: who said so, when (UTC), why, and the alarms' ids."""

    team: str
    by: str
    at: str
    reason: str
    alarms: tuple[str, ...]

    def __str__(self) -> str:
        return f"cleared by {self.by} at {self.at}: {self.reason}"


def clear(assets: AssetStore, team: str, alarms: Sequence[str], by: str, reason: str) -> Clearance:
    """Put on record that these alarms (ids) were looked into; raises StorageError when that could not be written."""
    now = datetime.now(UTC)
    made = Clearance(team, by, f"{now:%Y-%m-%d %H:%M:%S} UTC", reason, tuple(alarms))
    body = json.dumps(asdict(made), indent=1, ensure_ascii=False).encode()
    assets.store.put(f"{_CLEARED}{team}/{now:%Y%m%dT%H%M%S%fZ}-{uuid4().hex}.json", body)
    return made


def clearances(assets: AssetStore) -> list[Clearance]:
    """Every clearance on record, oldest first; raises StorageError for one that cannot be read."""
    return [
        _read(assets, info.key) for info in sorted(assets.store.list(_CLEARED), key=lambda info: info.key)
    ]


def cleared_alarms(assets: AssetStore, team: str) -> dict[str, str]:
    """By alarm id who cleared it, when and why, of a team."""
    return {alarm: str(one) for one in clearances(assets) if one.team == team for alarm in one.alarms}


def _read(assets: AssetStore, key: str) -> Clearance:
    try:
        told = json.loads(assets.store.get(key))
        return Clearance(**{**told, "alarms": tuple(told["alarms"])})
    except (ValueError, TypeError, KeyError) as error:
        raise StorageError(
            f"the clearance {key} is damaged ({error!r}); remove it, then clear the alarm anew"
        ) from error
