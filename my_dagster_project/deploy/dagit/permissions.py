"""Who may do what in Dagit: Dagster's own questions, which its buttons and mutations ask, answered for whoever asks.

The organiser may everything. A team may launch, re-execute, terminate and backfill what has the owner `team:<its name>`
(`pipeline/assets/stamp.py`), and look at the rest. On a laptop, without a proxy that says who asks, whoever asks may everything.
"""

from collections.abc import Mapping
from functools import cache, cached_property
from typing import Any

from starlette.requests import HTTPConnection

from my_dagster_project.foundation.dagster_private import (
    PermissionResult,
    Permissions,
    WorkspaceProcessContext,
    WorkspaceRequestContext,
    get_location_scoped_user_permissions,
)
from my_dagster_project.foundation.settings import load_settings
from my_dagster_project.foundation.sign_in import VISITORS, may_everything, user_of
from my_dagster_project.teams.visibility import Sight

TO_LOOK = "Here you look at Dagit. The organiser changes things; a team signs in with its own name to run what is its own."
_OF_OWNER: Mapping[str, PermissionResult] = dict.fromkeys(
    (
        Permissions.LAUNCH_PIPELINE_EXECUTION,
        Permissions.LAUNCH_PIPELINE_REEXECUTION,
        Permissions.TERMINATE_PIPELINE_EXECUTION,
        Permissions.LAUNCH_PARTITION_BACKFILL,
        Permissions.CANCEL_PARTITION_BACKFILL,
    ),
    PermissionResult(enabled=True, disabled_reason=None),
)


class PersonsContext(WorkspaceRequestContext):
    """What one request is answered with, for the person who sent it."""

    user: str = ""
    may_everything: bool = False

    @property
    def is_team(self) -> bool:
        """Whether it may have something of its own here."""
        return not self.may_everything and self.user not in ("", VISITORS)

    @property
    def reason(self) -> str:
        """Why something is not done for this person, for people."""
        if not self.is_team:
            return TO_LOOK
        return (
            f"This is not team {self.user}'s: {self.user} launches, re-executes, terminates and backfills its own assets and"
            " jobs, and nothing else here; the organiser may everything."
        )

    @cached_property
    def sees_everything(self) -> bool:
        """Whether nothing here is hidden from this person: always in an open competition."""
        return self.may_everything or _sight().visibility == "open"

    def sees(self, team: str) -> bool:
        """Whether this person may see what is a team's."""
        return self.sees_everything or _sight().may_see(self.user, team)

    # A page asks some hundred times; made anew for each question they took three times as long as the page itself.
    @cached_property
    def permissions(self) -> Mapping[str, PermissionResult]:
        """Of the whole deployment: everything or nothing, with the reason that Dagit shows on what is disabled."""
        return {
            name: one if one.enabled else PermissionResult(enabled=False, disabled_reason=self.reason)
            for name, one in super().permissions.items()
        }

    def permissions_for_location(self, *, location_name: str) -> Mapping[str, PermissionResult]:
        """Of our one location: the same."""
        return self._of_location

    def permissions_for_owner(self, *, owner: str) -> Mapping[str, PermissionResult]:
        """Of what has this owner."""
        return _OF_OWNER if self.is_team and owner == f"team:{self.user}" else {}

    def viewer_has_any_owner_definition_permissions(self) -> bool:
        """Whether asking by owner is worth the while."""
        return self.is_team

    def get_viewer_tags(self) -> dict[str, str]:
        """What a backfill says of who launched it; its runs inherit it."""
        return {"user": self.user} if self.user else {}

    @cached_property
    def _of_location(self) -> Mapping[str, PermissionResult]:
        return {name: self.permissions[name] for name in get_location_scoped_user_permissions(self.read_only)}


@cache
def _sight() -> Sight:
    return Sight(load_settings())


def context_for(process: WorkspaceProcessContext, connection: HTTPConnection) -> PersonsContext:
    """What this request is answered with."""
    settings = load_settings()
    user = user_of(connection, settings)
    everything = may_everything(user, settings) and not process.read_only
    context = PersonsContext(
        instance=process.instance,
        current_workspace=process.get_current_workspace(),
        process_context=process,
        version=process.version,
        source=connection,
        read_only=not everything,
    )
    context.user, context.may_everything = user, everything
    return context


def context_of(info: Any) -> PersonsContext:
    """The context of what a resolver of GraphQL is asked."""
    context: PersonsContext = info.context
    return context
