"""What a person who has just pushed is told of the team file in it: the mistake and its line, or what the push will cause."""

from collections.abc import Sequence

from my_dagster_project.pipeline.refit_windows import windows_in_use
from my_dagster_project.teams.effects import effects
from my_dagster_project.teams.platform import Platform

_HEADS = "refs/heads/"
# One at a time on a worker of 2 cores, start included.
_SECONDS_PER_MODEL = 22


def verdict(before: Platform, now: Platform, refs: Sequence[str]) -> list[str]:
    """Lines about the teams whose branches moved; none about a file that changes nothing."""
    moved = {ref.removeprefix(_HEADS) for ref in refs if ref.startswith(_HEADS)}
    teams = [team for team, entry in now.registry.teams.items() if entry.branch in moved]
    return [line for team in teams for line in _of_team(team, before, now)]


def _of_team(team: str, before: Platform, now: Platform) -> list[str]:
    if problem := now.problems.get(team):
        kept = "Your push counts; until the file is mended, the last valid one stays in force."
        return [
            *problem.splitlines(),
            kept if team in now.teams else f"Until it is mended, {team} takes no part.",
        ]
    was, config = before.teams.get(team), now.teams[team]
    known = was.model_fingerprints() if was else {}
    count = sum(known.get(symbol) != model for symbol, model in config.model_fingerprints().items())
    windows = windows_in_use(now, team)
    refits = count * max(1, len(windows))
    time = f" ({refits} model{'s' * (refits > 1)}, about {refits * _SECONDS_PER_MODEL} s)" if count else ""
    caused = effects(was, config, windows, lived=now.registry.season is not None)
    return [f"configs/{team}.yaml is valid: {'; '.join(caused)}{time}."] if caused else []
