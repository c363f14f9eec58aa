"""What of a team others are shown in Dagit with `visibility: own`: that there is an asset, not what it says of itself.

What assets and checks carry (predictions, plots, orders, figures, the team's file) travels in the fields of GraphQL listed
here. What is of no asset (how a step's process was started) is shown to the organiser alone. Names, times, states and log lines stay.
"""

from collections.abc import Callable, Sequence
from typing import Any

import dagster as dg
from graphql import GraphQLObjectType, default_field_resolver, get_named_type

from my_dagster_project.deploy.dagit.permissions import PersonsContext, context_of
from my_dagster_project.storage.names import COMPETITION, MARKET

_CARRIES = "MetadataEntry"
_DESCRIBED = ("AssetNode", "AssetCheck", "AssetCheckEvaluation", "SolidDefinition", "OutputDefinition")
_PUBLIC = (MARKET, COMPETITION)


def veil(schema: Any) -> None:
    """Put the rule in front of what carries something of a team."""
    for kind in schema.type_map.values():
        if not isinstance(kind, GraphQLObjectType):
            continue
        for name, field in kind.fields.items():
            if get_named_type(field.type).name == _CARRIES or (
                name == "metadata" and kind.name in _DESCRIBED
            ):
                field.resolve = _veiled(field.resolve or default_field_resolver, nothing=list)
            elif name == "description" and kind.name in _DESCRIBED:
                field.resolve = _veiled(field.resolve or default_field_resolver, nothing=lambda: None)


def _veiled(resolve: Any, nothing: Callable[[], Any]) -> Any:
    def veiled(root: Any, info: Any, **asked: Any) -> Any:
        person = context_of(info)
        shown = person.sees_everything or _shown(root, person)
        return resolve(root, info, **asked) if shown else nothing()

    return veiled


def _shown(root: Any, person: PersonsContext) -> bool:
    key = _asset_of(root)
    return key is not None and shown_to(person, key.path)


def shown_to(person: PersonsContext, asset: Sequence[str]) -> bool:
    """Whether this person may see what an asset says of itself: what is nobody's alone, and what is a team's they see."""
    return asset[0] in _PUBLIC or person.sees(asset[0])


def _asset_of(root: Any) -> dg.AssetKey | None:
    """The asset that a node, an event or an evaluation is of, wherever Dagster's own classes keep it."""
    within = (
        root,
        *(getattr(root, name, None) for name in ("_asset_node_snap", "_metadata", "_asset_check")),
    )
    keys = (getattr(one, name, None) for one in within for name in ("asset_key", "assetKey"))
    return next((key for key in keys if isinstance(key, dg.AssetKey)), None)
