"""Evidently's snapshots as JSON beside a report, as its own workspace stores them: what its own pages read, over time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evidently.core.serialization import SnapshotModel

PARTS = ("predictions", "features")
"""The parts of a report that Evidently measures, in the order of its sections."""


def file_of(part: str) -> str:
    """The file of a part's snapshot among those of a report."""
    return f"evidently/{part}.json"


def snapshot_json(snapshot: Any, team: str, symbol: str, part: str) -> bytes:
    """A snapshot of Evidently's as JSON, with whose it is as its name and tags."""
    from evidently.legacy.utils import NumpyEncoder

    model = snapshot.to_snapshot_model()
    model.name = f"{symbol}: {part}"
    model.tags = [symbol, part]
    model.metadata = {"team": team, "symbol": symbol}
    return json.dumps(model.dict(), cls=NumpyEncoder).encode()


def read_snapshot(data: bytes) -> SnapshotModel:
    """The snapshot back from `snapshot_json`; ValueError or KeyError for none."""
    from evidently._pydantic_compat import parse_obj_as
    from evidently.core.serialization import SnapshotModel

    found: SnapshotModel = parse_obj_as(SnapshotModel, json.loads(data))
    return found
