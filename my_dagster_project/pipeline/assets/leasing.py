"""The lease of a team's account, as a step of a run takes it."""

from contextlib import AbstractContextManager

import dagster as dg

from my_dagster_project.pipeline.assets.team_context import TeamContext
from my_dagster_project.pipeline.resources import BrokerResource
from my_dagster_project.trading.lease import Held, lease, leases_of


def account_lease(
    context: dg.AssetExecutionContext, team: TeamContext, broker: BrokerResource
) -> AbstractContextManager[Held]:
    """The account to oneself for the length of a with block; whoever waits meanwhile is told of this run."""
    leases = leases_of(context.instance, broker.leases)
    account = broker.account_name(team.name, team.entry.account)
    return lease(leases, account, f"run {context.run_id[:8]}", context.log.warning)
