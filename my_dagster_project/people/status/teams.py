"""A team's part of the page, from the platform, the store and what Dagster's book says."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from my_dagster_project.domain.alarms import Alarm
from my_dagster_project.domain.revisions import STAYS, Revision, revision_lines
from my_dagster_project.foundation.advice import everything_due
from my_dagster_project.foundation.errors import ObjectMissingError
from my_dagster_project.foundation.settings import Settings
from my_dagster_project.people.status.dagster_state import TeamState
from my_dagster_project.people.status.page import Check, SymbolStatus, TeamStatus
from my_dagster_project.pipeline.alarming import stored_leaderboard
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.revised import noted_revisions
from my_dagster_project.teams.platform import Platform
from my_dagster_project.teams.sources import team_path
from my_dagster_project.trading.halts import Halts, read_halts
from my_dagster_project.trading.modes import mode_of
from my_dagster_project.trading.records import Stopped, stopped


@dataclass(frozen=True)
class Stored:
    """What the store says: whose versions wait for their commit, who may not trade, which alarms are open, what was revised,
    which symbols stood still in the last session."""

    waiting: tuple[str, ...]
    halts: Halts
    alarms: tuple[tuple[str, Alarm], ...] = ()
    revised: Mapping[str, list[Revision]] = field(default_factory=dict)
    stopped: Mapping[str, tuple[Stopped, ...]] = field(default_factory=dict)


def stored(assets: AssetStore, teams: Iterable[str]) -> Stored:
    """Ask the store; raises StorageError when it does not answer."""
    return Stored(
        tuple(assets.pending.owners()),
        read_halts(assets),
        _open_alarms(assets),
        noted_revisions(assets),
        {team: stopped(assets, team) for team in teams},
    )


def revised_bars(found: Stored | None) -> tuple[Check, ...]:
    """A line per symbol whose source has changed bars that sessions were made on; a new level of adjusted closes is no worry."""
    revised = found.revised if found else {}
    return tuple(
        Check(
            f"{symbol} bars",
            "ok" if all(one.is_adjustment for one in of) else "warn",
            f"revised by the source: {'; '.join(revision_lines(of))}",
            STAYS,
        )
        for symbol, of in revised.items()
    )


def team_status(
    platform: Platform, settings: Settings, team: str, book: TeamState | None, found: Stored | None
) -> TeamStatus:
    """One team; `book` and `found` are None where what they are read from does not answer."""
    return TeamStatus(
        name=team,
        origin=platform.origin(team),
        file=_file(platform, team),
        last_traded=book.chain.last_traded if book else None,
        schedules=book.schedules if book else (),
        runs=book.runs if book else (),
        symbols=_symbols(platform, book.chain.symbols) if book else _unknown(platform, team),
        trading=_trading(platform, settings, team, found),
        versions=_versions(team, found),
        alarms=_alarms(team, found),
        stopped=_stopped(team, found),
    )


def _open_alarms(assets: AssetStore) -> tuple[tuple[str, Alarm], ...]:
    """Of the table as it is; none where there is no table yet, or one that another version made."""
    try:
        return tuple(stored_leaderboard(assets).open_alarms)
    except (ObjectMissingError, ValueError, KeyError, TypeError):
        return ()


def _alarms(team: str, found: Stored | None) -> tuple[Check, ...]:
    todo = f"it has no rank until that is explained: `trading clear {team} --reason ...`, or mend the model"
    return tuple(
        Check("alarm", "red", alarm.said, todo)
        for owner, alarm in (found.alarms if found else ())
        if owner == team
    )


def _stopped(team: str, found: Stored | None) -> tuple[Check, ...]:
    return tuple(
        Check(f"{one.symbol} not traded", "warn", f"in session {one.session}: {one.reason}")
        for one in (found.stopped.get(team, ()) if found else ())
    )


def _file(platform: Platform, team: str) -> Check:
    path, problem = team_path(team), platform.problems.get(team, "")
    if not problem:
        return Check(path, "ok", platform.origin(team))
    branch = platform.registry.teams[team].branch
    return Check(
        path, "red", problem, f"mend {path}, `trading validate {team}`, commit it on branch {branch}"
    )


def _trading(platform: Platform, settings: Settings, team: str, found: Stored | None) -> Check | None:
    config = platform.teams.get(team)
    if config is None:
        return None
    if found and (reason := found.halts.reason(team)):
        return Check("trading", "warn", reason, f"`trading resume {team}` once the reason is gone")
    mode = mode_of(platform.registry.teams[team], config, broker_url=settings.broker_url)
    return Check("trading", "off" if mode.mode == "off" else "ok", str(mode))


def _versions(team: str, found: Stored | None) -> Check | None:
    if found is None or team not in found.waiting:
        return None
    todo = f"the sensor record_versions commits them within a minute; so does {everything_due()}"
    return Check("versions", "warn", "versions not committed yet", todo)


def _symbols(platform: Platform, symbols: tuple[SymbolStatus, ...]) -> tuple[SymbolStatus, ...]:
    """What is due between two sessions of a lapse is no thing to do: the season computes it."""
    if not platform.in_lapse:
        return symbols
    return tuple(
        replace(
            one,
            check=replace(one.check, state="ok", said=f"{one.check.said}: the season computes it", todo=""),
        )
        if one.check.state == "warn"
        else one
        for one in symbols
    )


def _unknown(platform: Platform, team: str) -> tuple[SymbolStatus, ...]:
    config = platform.teams.get(team)
    unread = Check("", "off", "not known while Dagster's storage does not answer")
    return tuple(
        SymbolStatus(symbol, {}, None, None, 0, replace(unread, name=symbol))
        for symbol in (config.symbols if config else ())
    )
