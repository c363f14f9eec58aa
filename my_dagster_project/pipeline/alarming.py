"""What the table judges and what casts doubt on it: scored sessions of one window, failed checks, clearances on record."""

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from datetime import date
from functools import partial
from typing import TYPE_CHECKING

import dagster as dg

from my_dagster_project.domain.alarms import Alarm, check_alarm, leak_alarms, with_clearances
from my_dagster_project.domain.controls import likely_column
from my_dagster_project.domain.evaluation import score
from my_dagster_project.domain.leaderboard import Curves, Leaderboard, curves_from_json, from_json
from my_dagster_project.foundation.advice import everything_due
from my_dagster_project.foundation.errors import ObjectMissingError
from my_dagster_project.pipeline import chain
from my_dagster_project.pipeline.partitions import replay_sessions
from my_dagster_project.storage import names
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.parquet import from_parquet, from_session_files
from my_dagster_project.storage.stored_bars import read_bars
from my_dagster_project.teams.platform import Platform
from my_dagster_project.trading.clearances import cleared_alarms
from my_dagster_project.trading.results import Result

if TYPE_CHECKING:
    from pandas import DataFrame

NO_ALARM = "no_alarm"
"""The table's own check; its metadata has by team what is open, and under OPEN the alarms' ids."""
OPEN = "open alarms"
_FAILED = "FAILED"


def table_window(platform: Platform, results: Mapping[str, Result]) -> list[date]:
    """The sessions that forecasts and money are judged on alike: the replayed ones, and those traded before them.

    Predictions of an earlier replay stay in the store; scored, they would stand beside money that does not cover them.
    """
    window = replay_sessions(platform)
    if not window:
        return []
    first = min([window[0], *(session for result in results.values() for session in result.traded)])
    return platform.calendar.sessions(first, window[-1])


def scored_sessions(
    assets: AssetStore, platform: Platform, window: list[date]
) -> "dict[tuple[str, str], DataFrame]":
    """By team and symbol what each stored report scored within the window; a symbol without such a report is left out.

    In a season also what a team predicted of symbols that it has given up since: a bad record is not dropped with its symbol.
    """
    import pandas as pd

    found = {}
    for team, config in platform.teams.items():
        for symbol in config.symbols:
            with suppress(ObjectMissingError):
                found[team, symbol] = from_parquet(assets.read_file(names.report(team, symbol), names.SCORED))
        for symbol in _given_up(assets, team, config.symbols) if platform.registry.season else ():
            told = from_session_files(assets.read(names.predictions(team, symbol)))
            found[team, symbol] = score(told, read_bars(assets, symbol))
    days = pd.DatetimeIndex(window)
    return {of: frame[frame["session"].isin(days)].reset_index(drop=True) for of, frame in found.items()}


def _given_up(assets: AssetStore, team: str, symbols: Collection[str]) -> list[str]:
    """The symbols of which a team has predictions on record and trades no more."""
    keys = [info.key.split("/") for info in assets.store.list(f"{team}/")]
    return sorted({key[1] for key in keys if "predictions" in key[2:3]}.difference(symbols))


def blocking_checks(assets: Iterable[object]) -> list[dg.AssetCheckKey]:
    """The checks of teams' assets that keep a bad result from being stored."""
    specs = [spec for asset in assets if isinstance(asset, dg.AssetsDefinition) for spec in asset.check_specs]
    return [spec.key for spec in specs if spec.blocking and chain.stage(spec.asset_key.path[-1]).of_symbol]


def standing_alarms(
    instance: dg.DagsterInstance,
    assets: AssetStore,
    platform: Platform,
    guards: Iterable[dg.AssetCheckKey],
    evidences: "Mapping[tuple[str, str], DataFrame]",
) -> dict[str, tuple[Alarm, ...]]:
    """By team its alarms: figures too good to be true, checks that failed when last asked; the cleared ones marked."""
    failed = failed_checks(instance, platform, guards)
    return {
        team: with_clearances(
            [
                *leak_alarms(
                    {symbol: one for (owner, symbol), one in evidences.items() if owner == team},
                    platform.looks,
                    config.model_fingerprints(),
                    partial(_likely, assets, team),
                ),
                *failed.get(team, ()),
            ],
            cleared_alarms(assets, team),
        )
        for team, config in platform.teams.items()
    }


def _likely(assets: AssetStore, team: str, symbols: list[str]) -> str:
    """The feature that says most of what came, on the sessions that were scored of these symbols."""
    import pandas as pd

    found = []
    for symbol in symbols:
        with suppress(ObjectMissingError):
            table = from_parquet(assets.read_file(names.features(team, symbol), names.FEATURES))
            scored = from_parquet(assets.read_file(names.report(team, symbol), names.SCORED))
            found.append(table.merge(scored[["session", "actual_return"]], on="session"))
    if not found:
        return "no features are stored of these sessions"
    rows = pd.concat(found, ignore_index=True)
    return likely_column(rows, [name for name in rows if name not in ("session", "actual_return")])


def failed_checks(
    instance: dg.DagsterInstance, platform: Platform, guards: Iterable[dg.AssetCheckKey]
) -> dict[str, list[Alarm]]:
    """By team an alarm for each of these checks that failed when it was last asked."""
    found: dict[str, list[Alarm]] = {}
    for key in guards:
        team, *of = key.asset_key.path[:-1]
        record = instance.get_latest_asset_check_evaluation_record(key) if team in platform.teams else None
        if record and record.status.value == _FAILED and record.evaluation:
            config = platform.teams[team]
            model = config.for_symbol(of[0] if of else "").model_fingerprint()
            said = record.evaluation.description or "no reason given"
            found.setdefault(team, []).append(
                check_alarm(of[0] if of else ", ".join(config.symbols), key.name, said, model)
            )
    return found


def stored_leaderboard(assets: AssetStore) -> Leaderboard:
    """The current table; raises ObjectMissingError before the first main job, ValueError or KeyError when it is none."""
    try:
        data = assets.read_file(names.leaderboard(), names.LEADERBOARD)
    except ObjectMissingError:
        raise ObjectMissingError(f"There is no leaderboard yet; {everything_due()} makes it.") from None
    return from_json(data.decode())


def stored_curves(assets: AssetStore) -> Curves:
    """The equity curves beside the current table, those of teams and of buying and holding; none beside one from before they were kept."""
    try:
        return curves_from_json(assets.read_file(names.leaderboard(), names.EQUITY).decode())
    except ObjectMissingError:
        return {}


def alarms_changed(
    assets: AssetStore,
    instance: dg.DagsterInstance,
    platform: Platform,
    guards: Iterable[dg.AssetCheckKey],
) -> bool:
    """Whether a check has failed or passed, or an alarm was cleared, since the table was made: no version tells."""
    try:
        board = stored_leaderboard(assets)
    except (ObjectMissingError, ValueError, KeyError):
        return False
    guards = list(guards)
    failed = failed_checks(instance, platform, guards)
    checks = {key.name for key in guards}
    for row in board.teams:
        cleared = cleared_alarms(assets, row.team)
        if any(bool(alarm.cleared) != (alarm.id in cleared) for alarm in row.alarms):
            return True
        told = {alarm.id for alarm in row.alarms if alarm.id.partition(" ")[0] in checks}
        if told != {alarm.id for alarm in failed.get(row.team, ())}:
            return True
    return False
