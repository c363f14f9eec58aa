"""The main job: all teams compete on real prices, from bars to a leaderboard; only what changed is computed.

bars -> per team, side by side: features, models, predictions, reports, orders session by session
     -> leaderboard -> versions on the teams' branches
"""

import gc
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from my_dagster_project.domain.revisions import Revision
from my_dagster_project.foundation.errors import BrokerError, StorageError, VersioningError
from my_dagster_project.foundation.settings import Settings
from my_dagster_project.history.commits import Committed, NotAllCommittedError
from my_dagster_project.main_job.dvc_yaml import missing_teams
from my_dagster_project.main_job.phases import Tell
from my_dagster_project.main_job.stages import Stages
from my_dagster_project.main_job.team_processes import can_fork, run_teams
from my_dagster_project.pipeline import chain
from my_dagster_project.pipeline.failures import Problem
from my_dagster_project.pipeline.recording import record_versions
from my_dagster_project.pipeline.resources import all_resources
from my_dagster_project.pipeline.syncing import sync_branches
from my_dagster_project.storage.opening import open_assets
from my_dagster_project.teams.platform import Platform
from my_dagster_project.trading.modes import mode_of


@dataclass(frozen=True)
class Result:
    """What failed, the commits that record what was made, what the git remote had to say, what was revised."""

    problems: list[Problem]
    commits: list[Committed]
    warnings: list[str] = field(default_factory=list)
    revised: Mapping[str, list[Revision]] = field(default_factory=dict)
    """By symbol, what sources revised in bars that sessions had been made on."""


def require_broker(platform: Platform, settings: Settings) -> None:
    """Raise, in sentences, where orders go to a server and no team's can, before anything is made.

    ConfigError without the bundled broker's token; BrokerError where nothing answers, something else does, it does not take the
    token, or every team lacks its keys for an account outside. What one team lacks is its own problem, later.
    """
    if not (settings.paper_broker_url or settings.broker_url):
        return
    broker, entries, refused = all_resources(platform, settings).broker, platform.registry.teams, []
    for team, config in platform.teams.items():
        if mode_of(entries[team], config, broker_url=broker.url).mode == "off":
            continue
        try:
            broker.open(team, entries[team].account)
        except BrokerError as error:
            if broker.is_bundled:
                raise
            refused.append(str(error))
        else:
            return
    if refused:
        raise BrokerError("\n".join(refused))


def run_main_job(platform: Platform, settings: Settings, tell: Tell, remake: date | None = None) -> Result:
    """Bring the whole competition up to date; problems of one team or symbol leave the others untouched.

    With `remake` the past from that session on is made anew on today's bars.
    """

    def team_chain(team: str, tell_parent: Tell) -> list[Problem]:
        own = Stages(platform, settings, tell_parent, remake=remake)
        own.team(team)
        return own.problems

    stages = Stages(platform, settings, tell, remake=remake)
    stages.tidy()
    for row in chain.jobs_of_all(after_teams=False):
        stages.phase(row.purpose)
    if stages.training_is_due() and can_fork():
        _import_what_teams_share(platform)
    problems = run_teams(list(platform.teams), team_chain, tell)
    for row in chain.jobs_of_all(after_teams=True):
        stages.phase(row.purpose)
    result = recorded(platform, settings, [*stages.problems, *problems])
    unknown = missing_teams(settings.project, platform.registry.teams)
    said = [f"dvc.yaml lacks {', '.join(unknown)}: `trading dvc-yaml` writes it anew"] if unknown else []
    said += [settings.unused_token] if settings.unused_token else []
    if remake is not None and not result.problems:
        stages.settle()
    pushed = _pushed(platform, settings, replace(result, warnings=[*result.warnings, *said]))
    return replace(pushed, revised=stages.revised())


def _pushed(platform: Platform, settings: Settings, result: Result) -> Result:
    """The same with what the git remote had to say. What does not reach it now is pushed by the next run or by the sensor.

    Put on top of what another clone pushed, a branch may lack sessions of one of the two; then its head is made good.
    """
    warnings = sync_branches(platform.registry, settings)
    if settings.git_remote:
        again = recorded(platform, settings, [])
        if again.commits:
            warnings = [*again.warnings, *sync_branches(platform.registry, settings)]
            result = replace(result, commits=[*result.commits, *again.commits])
    return replace(result, warnings=[*result.warnings, *warnings])


def recorded(platform: Platform, settings: Settings, problems: list[Problem]) -> Result:
    """Commit the versions of all that is stored, also what an earlier run could not commit.

    Versions that cannot be committed are one more problem, not the end: the tables and the other problems are still said.
    """
    try:
        assets = open_assets(settings.store_url, settings.dvc_url)
        commits = record_versions(platform, settings, assets)
    except NotAllCommittedError as error:
        commits, problems = error.committed, [*problems, Problem("versions", str(error))]
    except (StorageError, VersioningError) as error:
        return Result([*problems, Problem("versions", str(error))], [])
    return Result(problems, commits, [said for one in commits for said in one.warnings])


def _import_what_teams_share(platform: Platform) -> None:
    import evidently  # noqa: F401
    import mlflow  # noqa: F401

    for kind in platform.kinds:
        kind.preload()
    # The collector would write into every shared page and so copy it in every fork.
    gc.collect()
    gc.freeze()
