"""What a changed team file makes due: the training of the symbols it changed, once their bars are there."""

import dagster as dg

from my_dagster_project.foundation.dagster_private import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
)
from my_dagster_project.pipeline import chain
from my_dagster_project.pipeline.assets.keys import MARKET, bars_key, key_at
from my_dagster_project.pipeline.chain import Place
from my_dagster_project.pipeline.dagster_records import symbols_with_bars
from my_dagster_project.pipeline.refit_windows import windows_in_use
from my_dagster_project.teams.platform import Platform

type Fingerprints = dict[str, dict[str, str]]
"""By team and symbol: what its model depends on in the team's file."""


def fingerprints(platform: Platform) -> Fingerprints:
    """Those of the files in force."""
    return {team: config.model_fingerprints() for team, config in platform.teams.items()}


def due_trainings(
    platform: Platform, instance: dg.DagsterInstance, before: Fingerprints
) -> tuple[list[dg.RunRequest], Fingerprints]:
    """The runs to request, and the fingerprints to remember: those of a symbol without bars stay as they were.

    A team may add a symbol that nobody had: its bars are asked for at once, and its training at the tick that finds them.
    Of a lapse none: an edit counts from its next session on, and whoever drives it asks for what that one needs.
    """
    now = fingerprints(platform)
    if platform.in_lapse:
        return [], now
    changed = {team: _changed(models, before.get(team, {})) for team, models in now.items()}
    wanted = {symbol for symbols in changed.values() for symbol in symbols}
    there = set(symbols_with_bars(instance, wanted, platform.registry.market.start)) if wanted else set()
    requests = [_bars(wanted - there)] if wanted - there else []
    for team, symbols in changed.items():
        ready = [symbol for symbol in symbols if symbol in there]
        if ready:
            requests.append(_training(platform, team, {symbol: now[team][symbol] for symbol in ready}))
        for symbol in set(symbols) - there:
            _forget(now[team], symbol, before.get(team, {}).get(symbol))
    return requests, now


def _changed(now: dict[str, str], before: dict[str, str]) -> list[str]:
    return [symbol for symbol, fingerprint in now.items() if before.get(symbol) != fingerprint]


def _forget(models: dict[str, str], symbol: str, before: str | None) -> None:
    if before is None:
        del models[symbol]
    else:
        models[symbol] = before


def _bars(symbols: set[str]) -> dg.RunRequest:
    names, job = sorted(symbols), chain.maker("bars").of()
    return dg.RunRequest(
        run_key=f"{job}:new:{','.join(names)}",
        job_name=job,
        asset_selection=[bars_key(symbol) for symbol in names],
        tags={"team": MARKET},
    )


def _training(platform: Platform, team: str, models: dict[str, str]) -> dg.RunRequest:
    job = chain.maker("model")
    rows = chain.stages_of(job.purpose, own=True)
    selected = dict.fromkeys(
        key_at(row, chain.place_of(row, Place(team, symbol), platform.pooled))
        for symbol in models
        for row in rows
    )
    windows = windows_in_use(platform, team)
    ends = (
        {ASSET_PARTITION_RANGE_START_TAG: windows[0], ASSET_PARTITION_RANGE_END_TAG: windows[-1]}
        if windows[1:]
        else {}
    )
    return dg.RunRequest(
        run_key=f"{team}:{':'.join(models.values())}",
        job_name=job.of(team),
        asset_selection=[*selected],
        partition_key=windows[0] if len(windows) == 1 else None,
        tags={"team": team, "config": platform.origin(team), **ends},
    )
