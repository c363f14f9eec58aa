"""What Dagster is told of every asset, from its row in the chain's table: the one place where rows become specs."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from my_dagster_project.foundation.adopted import BEFORE_RECIPES, CAME_LATER
from my_dagster_project.models.kinds.port import Kind
from my_dagster_project.pipeline import chain
from my_dagster_project.pipeline.chain import Place, Stage
from my_dagster_project.pipeline.partitions import session_partitions
from my_dagster_project.pipeline.refit_windows import window_partitions
from my_dagster_project.pipeline.versions import code_version, version_before_recipes
from my_dagster_project.teams.platform import Platform


def stamped(
    platform: Platform,
    noun: str,
    place: Place,
    *kinds: str,
    configuration: Sequence[object] = (),
    metadata: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The keyword arguments of `dg.asset` that follow from the row: key, inputs, sessions, group, owners, tags, versions.

    `configuration` is what its result depends on besides inputs and code.
    """
    row = chain.stage(noun)
    owner = chain.owner(row, place)
    return {
        "key": dg.AssetKey(row.asset(place)),
        **_inputs(platform, row, place),
        "partitions_def": _partitions(platform, row, place),
        "group_name": owner.replace("-", "_"),
        "owners": owners_of(platform, place.team),
        "tags": tags_of(row, place),
        "kinds": set(kinds),
        "code_version": code_version(row, configuration, _kind_of(platform, place)),
        "metadata": {
            **(metadata or {}),
            BEFORE_RECIPES: version_before_recipes(row, configuration),
            **_came_later(row, place),
        },
    }


def _kind_of(platform: Platform, place: Place) -> Kind | None:
    """The kind of model of a symbol of a team, or of the team; None elsewhere."""
    config = platform.teams.get(place.team)
    if config is None:
        return None
    return (config.for_symbol(place.symbol) if place.symbol else config).kind


def tags_of(row: Stage, place: Place) -> dict[str, str]:
    """The tags of an asset: whose it is, of which symbol, and which jobs make it."""
    symbol = {"symbol": place.symbol.replace(".", "_")} if place.symbol else {}
    return {"team": chain.owner(row, place), **symbol, **dict(job_tag(purpose) for purpose in row.jobs)}


def owners_of(platform: Platform, team: str) -> list[str]:
    """Whose something is, for assets, jobs and schedules alike: the team, and the people the registry names."""
    return [f"team:{team}", *platform.registry.teams[team].owners] if team else []


def job_tag(purpose: str) -> tuple[str, str]:
    """The tag by which a job selects its assets."""
    return f"job/{purpose}", "yes"


def partitions_of(platform: Platform) -> dg.PartitionsDefinition:
    """The sessions of the competition.

    Of a source that has ended the last one whose next session it still has: of the very last nothing is ever known.
    """
    registry, calendar = platform.registry, platform.calendar
    end = registry.market.end
    # By the wall clock, as Dagster's own partitions: those of a lapse are all there from the beginning, and an op refuses one
    # that its clock has not reached.
    closed = calendar.last_closed(datetime.now(UTC))
    last = None if end is None else calendar.previous_session(min(closed, end))
    return session_partitions(calendar, registry.competition.start, last)


def _partitions(platform: Platform, row: Stage, place: Place) -> dg.PartitionsDefinition | None:
    if row.windows:
        return window_partitions(platform, place.team)
    return partitions_of(platform) if row.sessions else None


def _came_later(row: Stage, place: Place) -> dict[str, Any]:
    """Which of its inputs came between it and others when it was there already."""
    later = [chain.stage(noun).asset(place) for noun in row.needs if chain.stage(noun).came_later]
    return {CAME_LATER: dg.AssetKey(later[0]).to_user_string()} if later else {}


def _inputs(platform: Platform, row: Stage, place: Place) -> dict[str, Any]:
    """An asset of a symbol is handed its inputs by their nouns; what is about many symbols only comes after them."""
    teams = {team: config.symbols for team, config in platform.teams.items()}
    needed = {
        noun: [
            dg.AssetKey(chain.stage(noun).asset(one))
            for one in chain.places(chain.stage(noun), teams, place, pooled=platform.pooled)
        ]
        for noun in row.needs
    }
    if place.symbol:
        each = dg.TimeWindowPartitionMapping()
        windowed = {
            noun
            for noun in row.needs
            if row.sessions and chain.stage(noun).windows and window_partitions(platform, place.team)
        }
        return {
            "ins": {
                noun: dg.AssetIn(key, partition_mapping=each if noun in windowed else None)
                for noun, (key,) in needed.items()
            }
        }
    return {"deps": [key for keys in needed.values() for key in keys]}
