"""The kill switch in Dagit: two jobs for the whole deployment, not two per team (500 jobs cost 10 s of every load).

`trading_halt` halts everybody as it stands, with one click on Launch; with `team: red` it halts red. They wait in the
queue like any run; `trading halt` on a command line does not.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from my_dagster_project.pipeline.resources import AssetStoreResource, BrokerResource
from my_dagster_project.pipeline.retries import explained
from my_dagster_project.pipeline.run_tags import FIRST_OF_ALL
from my_dagster_project.teams.platform import Platform
from my_dagster_project.trading.halts import EVERYBODY, check_scope, halt, lift
from my_dagster_project.trading.open_orders import cancel_open

HALT_JOB = "trading_halt"
RESUME_JOB = "trading_resume"
# Before everything else that waits; without the tag `team`, by which the queue lets one run of a team wait for another.
_TAGS = {"dagster/priority": str(FIRST_OF_ALL), "dagster/max_retries": "0"}
_REASON = dg.Field(str, default_value="", description="Why, for the record.")
_HALT: Mapping[str, Any] = {
    "team": dg.Field(str, default_value=EVERYBODY, description="A team; everybody without it."),
    "reason": _REASON,
    "cancel_open": dg.Field(bool, default_value=False, description="Cancel open orders too."),
}
# No default: whom to let trade again is to be said.
_RESUME: Mapping[str, Any] = {
    "team": dg.Field(str, description=f"A team, or {EVERYBODY} to lift the halt of everybody."),
    "reason": _REASON,
}


def halt_jobs(platform: Platform) -> list[dg.JobDefinition]:
    """The jobs `trading_halt` and `trading_resume`."""
    pull, release = _halt_op(platform), _resume_op(platform)

    @dg.job(name=HALT_JOB, tags=_TAGS, description="Stop trading: of everybody, or of the config's team.")
    def halting() -> None:
        pull()

    @dg.job(name=RESUME_JOB, tags=_TAGS, description="Let a team trade again, or lift the halt of everybody.")
    def resuming() -> None:
        release()

    return [halting, resuming]


def _halt_op(platform: Platform) -> dg.OpDefinition:
    @dg.op(name="halt", config_schema=dict(_HALT))
    def pull(context: dg.OpExecutionContext, asset_store: AssetStoreResource, broker: BrokerResource) -> None:
        asked, teams = context.op_config, platform.registry.teams
        scope, by = _scope(asked["team"], platform), f"Dagit run {context.run_id}"
        made = explained(lambda: halt(asset_store.open(), scope, by, asked["reason"]))
        context.log.warning(str(made))
        if not asked["cancel_open"]:
            return
        concerned = list(teams) if scope == EVERYBODY else [scope]
        done = cancel_open(concerned, lambda team: broker.open(team, teams[team].account))
        for line in done.lines:
            context.log.warning(line)
        if done.left:
            text = f"halted, but open orders of {', '.join(done.left)} may still fill:"
            raise dg.Failure("\n".join([text, *done.lines]), allow_retries=False)

    return pull


def _resume_op(platform: Platform) -> dg.OpDefinition:
    @dg.op(name="resume", config_schema=dict(_RESUME))
    def release(context: dg.OpExecutionContext, asset_store: AssetStoreResource) -> None:
        asked = context.op_config
        scope, by = _scope(asked["team"], platform), f"Dagit run {context.run_id}"
        lifted = explained(lambda: lift(asset_store.open(), scope, by, asked["reason"]))
        for one in lifted:
            context.log.info(f"lifted: {one}")
        if not lifted:
            context.log.info("There was nothing to lift.")

    return release


def _scope(team: str, platform: Platform) -> str:
    named = None if team == EVERYBODY else team
    return explained(lambda: check_scope(named, named is None, platform.registry.teams))
