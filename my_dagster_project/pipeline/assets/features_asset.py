"""A team's feature table of a symbol, proven blind to the future before it is stored."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import dagster as dg

from my_dagster_project.domain.features import compute_features
from my_dagster_project.domain.lookahead import check_features
from my_dagster_project.foundation.errors import ObjectMissingError
from my_dagster_project.pipeline.assets.gates import Gate
from my_dagster_project.pipeline.assets.keys import features_key
from my_dagster_project.pipeline.assets.outputs import shown, table_output
from my_dagster_project.pipeline.assets.team_context import TeamContext
from my_dagster_project.pipeline.io_manager import as_value
from my_dagster_project.pipeline.resources import AssetStoreResource
from my_dagster_project.pipeline.retries import explained, network_retries
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.manifests import Asset

BLIND = Gate(
    "blind_to_the_future",
    "Recomputed on bars cut off earlier, and on bars that begin later, every value stays.",
)


def features_asset(team: TeamContext, symbol: str) -> dg.AssetsDefinition:
    """The asset `[team, SYMBOL, features]`."""
    key = features_key(team.name, symbol)
    config = team.config.for_symbol(symbol)
    features = config.feature_list

    @dg.asset(
        description=f"{len(features)} features of {symbol} per session, from bars up to its close.",
        retry_policy=network_retries(),
        output_required=False,
        check_specs=[BLIND.spec(key)],
        **team.stamped(
            "features", "parquet", "pandas", symbol=symbol, configuration=(config.features_fingerprint(),)
        ),
    )
    def feature_table(
        context: dg.AssetExecutionContext, bars: Any, asset_store: AssetStoreResource
    ) -> Iterator[Any]:
        table = explained(lambda: compute_features(bars, features, symbol))
        before = explained(lambda: _stored(asset_store.open(), tuple(key.path)))
        mismatches = check_features(table, bars, features, symbol, before)
        said = "\n".join(str(mismatch) for mismatch in mismatches[:10])
        yield from BLIND.answer(said or "No value depends on later bars.", passed=not mismatches)
        context.log.info(f"{team.name} {symbol}: {len(features)} features for {len(table)} sessions")
        yield table_output("features", table, _metadata(table, bars))

    return feature_table


def _stored(assets: AssetStore, asset: Asset) -> Any:
    """The table that is stored now; None before the first one."""
    with suppress(ObjectMissingError):
        return as_value(assets.read(asset))
    return None


@shown
def _metadata(table: Any, bars: Any) -> dict[str, Any]:
    return {
        "first_session": table["session"].iloc[0].date().isoformat(),
        "last_session": table["session"].iloc[-1].date().isoformat(),
        "warm_up_sessions": len(bars) - len(table),
        "latest": dg.MetadataValue.md(table.tail(3).to_markdown(index=False, floatfmt=".4f")),
    }
