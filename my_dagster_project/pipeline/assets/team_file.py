"""Every team's file in Dagit: which commit is in force, and a check that fails with file:line while it has a mistake."""

import dagster as dg

from my_dagster_project.foundation.settings import Settings
from my_dagster_project.pipeline.assets.keys import team_file_key
from my_dagster_project.pipeline.assets.stamp import owners_of
from my_dagster_project.reports.markdown import markdown_text
from my_dagster_project.teams.deployment import current_platform
from my_dagster_project.teams.platform import Platform
from my_dagster_project.teams.sources import team_path

VALID = "team_file_is_valid"


def team_file_assets(platform: Platform) -> list[dg.AssetSpec]:
    """One asset per team that stands for its file; nothing materializes it, a commit changes it."""
    return [
        dg.AssetSpec(
            team_file_key(team),
            group_name=team.replace("-", "_"),
            description=f"{team_path(team)} on branch {entry.branch}; in force: {markdown_text(platform.origin(team))}.",
            owners=owners_of(platform, team),
            kinds={"yaml", "git"},
            metadata={"in_force": platform.origin(team)},
        )
        for team, entry in platform.registry.teams.items()
    ]


def team_file_checks(platform: Platform, settings: Settings) -> list[dg.AssetChecksDefinition]:
    """One check per team, of the file as it is now on the branch; runs by hand and by the sensor `team_files`."""
    return [_check(team, settings) for team in platform.registry.teams]


def evaluation(platform: Platform, team: str) -> dg.AssetCheckEvaluation:
    """The check's result for the event log."""
    return dg.AssetCheckEvaluation(
        asset_key=team_file_key(team),
        check_name=VALID,
        passed=team not in platform.problems,
        description=_verdict(platform, team),
    )


def _check(team: str, settings: Settings) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=team_file_key(team),
        name=VALID,
        description="The team's file passes every check of `trading validate`.",
    )
    def team_file_is_valid() -> dg.AssetCheckResult:
        platform = current_platform(settings)
        return dg.AssetCheckResult(passed=team not in platform.problems, description=_verdict(platform, team))

    return team_file_is_valid


def _verdict(platform: Platform, team: str) -> str:
    return platform.problems.get(team) or f"Valid; in force: {platform.origin(team)}."
