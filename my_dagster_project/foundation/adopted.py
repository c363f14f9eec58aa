"""What was made before recipes counts as made by the recipe of now, where its configuration is the one of now.

Until code was part of an asset's code version, that version was of its configuration alone. Without this rule the first run
after such an upgrade would make everything anew, and with the orders give every team a fresh account. The rule is the
resolver's, so that `trading run`, `trading status` and Dagit (`deploy/dagit`) say the same, and nothing stored is touched.
"""

from functools import cached_property
from typing import Any

import dagster as dg

from my_dagster_project.foundation.dagster_private import (
    CachingStaleStatusResolver,
    StaleCauseCategory,
    web_request_context,
)

_LOADER = "stale_status_loader"

CAME_LATER = "came_later"
"""The metadata of an asset that names the input that came between it and others when it was there already."""

BEFORE_RECIPES = "code_version_before_recipes"
"""The metadata of an asset that says which code version its configuration had then."""


class Resolver(CachingStaleStatusResolver):
    """Dagster's own answer to what is out of date, but for code versions of before recipes."""

    def _get_code_version_stale_cause(self, key: Any) -> Any:
        cause = super()._get_code_version_stale_cause(key=key)
        if cause is None:
            return None
        provenance = self._get_current_data_provenance(key=key)
        before = self.asset_graph.get(key.asset_key).metadata.get(BEFORE_RECIPES)
        if before is None or provenance is None:
            return cause
        # Dagit has the metadata wrapped as they were stored.
        return None if provenance.code_version == str(getattr(before, "value", before)) else cause

    def _get_stale_causes_materialized(self, key: Any) -> Any:
        """What was made from what stands above an input that came later depends on all it depended on then."""
        later = self.asset_graph.get(key.asset_key).metadata.get(CAME_LATER)
        provenance = self._get_current_data_provenance(key=key)
        since = None if later is None else dg.AssetKey.from_user_string(str(getattr(later, "value", later)))
        then = since is not None and provenance is not None and not provenance.has_input_asset(since)
        for cause in super()._get_stale_causes_materialized(key=key):
            if not then or cause.category != StaleCauseCategory.DEPENDENCIES:
                yield cause


def teach_dagit() -> None:
    """Let the web server of this process judge by the same rule; Dagster has no hook for its resolver."""
    context = web_request_context()
    loader = cached_property(
        lambda self: Resolver(self.instance, asset_graph=lambda: self.asset_graph, loading_context=self)
    )
    loader.__set_name__(context, _LOADER)
    setattr(context, _LOADER, loader)
