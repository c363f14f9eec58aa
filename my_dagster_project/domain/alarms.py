"""Alarms: what casts doubt on a team's figures. One that is open costs the rank until the organiser has looked into it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from my_dagster_project.domain.chance import suspicions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pandas import DataFrame


@dataclass(frozen=True)
class Alarm:
    """Something found about a team: of which symbols, in words; `cleared` says who cleared it, when and why, '' while open.

    `id` is what a clearance names. It holds the models' fingerprints: what was cleared stays so from session to session,
    and another model must be looked at again.
    """

    of: str
    said: str
    id: str
    cleared: str = ""


def leak_alarms(
    symbols: Mapping[str, DataFrame],
    looks: int,
    models: Mapping[str, str],
    likely: Callable[[list[str]], str],
) -> list[Alarm]:
    """Alarms about figures of one team that are too good to be true.

    `symbols` is the evidence by symbol, `looks` how many rows the table judges (`chance.suspicions`), `models` the
    fingerprint of each symbol's model; `likely` says which column of some symbols may be to blame, asked only where there is one.
    """
    return [
        Alarm(
            found.of,
            f"{found}; {likely(found.of.split(', '))}",
            _id("leak", found.of, *(models.get(name, "") for name in found.of.split(", "))),
        )
        for found in suspicions(symbols, looks)
    ]


def check_alarm(symbol: str, check: str, said: str, model: str) -> Alarm:
    """The alarm of a check that has failed, with its first line; `model` is the fingerprint of the symbol's model."""
    line, *more = said.splitlines() or ["no reason given"]
    text = f"{line} (and {len(more)} lines more)" if more else line
    return Alarm(symbol, f"{symbol}: check {check} failed: {text}", _id(check, symbol, model))


def with_clearances(alarms: Iterable[Alarm], cleared: Mapping[str, str]) -> tuple[Alarm, ...]:
    """The alarms, those marked whose id is in `cleared` (who, when, why by id)."""
    return tuple(replace(alarm, cleared=cleared.get(alarm.id, "")) for alarm in alarms)


def _id(kind: str, of: str, *models: str) -> str:
    return f"{kind} {of} {hashlib.sha256(' '.join(models).encode()).hexdigest()[:12]}"
