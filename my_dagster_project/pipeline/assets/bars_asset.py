"""Daily bars of a symbol, fetched once for all teams; bars that fail a quality rule never replace good ones."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

from my_dagster_project.domain.quality import Finding, check_bars
from my_dagster_project.foundation.errors import ObjectMissingError
from my_dagster_project.market_data.update import update_bars
from my_dagster_project.pipeline.assets.gates import Gate
from my_dagster_project.pipeline.assets.keys import bars_key
from my_dagster_project.pipeline.assets.outputs import picture, table_output
from my_dagster_project.pipeline.assets.stamp import stamped
from my_dagster_project.pipeline.chain import Place
from my_dagster_project.pipeline.partitions import last_session
from my_dagster_project.pipeline.resources import AssetStoreResource, MarketDataResource
from my_dagster_project.pipeline.retries import explained, network_retries
from my_dagster_project.reports.plots import price_plot
from my_dagster_project.storage.stored_bars import read_bars
from my_dagster_project.teams.platform import Platform

if TYPE_CHECKING:
    import pandas as pd

QUALITY = Gate(
    "bars_are_sound",
    "Complete sessions, no duplicates, consistent prices, volume, not stale, no unadjusted split.",
)


def bars_asset(platform: Platform, symbol: str) -> dg.AssetsDefinition:
    """The asset `[market, SYMBOL, bars]`; a symbol of its own, so that a halted or unknown one stops only its own chain."""
    market = platform.registry.market
    key = bars_key(symbol)

    @dg.asset(
        description=f"Daily bars of {symbol}: raw open, high, low, close (dollars), volume, adjusted close.",
        retry_policy=network_retries(),
        output_required=False,
        check_specs=[QUALITY.spec(key)],
        **stamped(
            platform,
            "bars",
            Place(symbol=symbol),
            "parquet",
            "pandas",
            configuration=(market.model_dump_json(),),
        ),
    )
    def bars(
        context: dg.AssetExecutionContext, asset_store: AssetStoreResource, market_data: MarketDataResource
    ) -> Iterator[Any]:
        end = last_session(platform.calendar, market.end)
        stored = explained(lambda: _stored(asset_store, symbol))
        frame = explained(
            lambda: update_bars(
                stored,
                market_data.source(),
                symbol,
                market.start,
                end,
                platform.calendar,
                as_of=datetime.now(UTC),
            )
        )
        findings = check_bars(frame, symbol, platform.calendar, market.start, end)
        yield from _verdict(findings)
        context.log.info(
            f"{symbol}: {len(frame)} bars, {len(frame) - (0 if stored is None else len(stored))} of them new"
        )
        yield table_output("bars", frame, _metadata(frame, symbol))

    return bars


def _stored(asset_store: AssetStoreResource, symbol: str) -> "pd.DataFrame | None":
    try:
        return read_bars(asset_store.open(), symbol)
    except ObjectMissingError:
        return None


def _verdict(findings: list[Finding]) -> Iterator[dg.AssetCheckResult]:
    errors = [finding.message for finding in findings if finding.severity == "error"]
    said = errors or [finding.message for finding in findings] or ["All rules hold."]
    kept = ["The new bars are not stored; the last good ones stay."] if errors else []
    return QUALITY.answer(
        "\n".join([*said, *kept]),
        passed=not findings,
        severity=dg.AssetCheckSeverity.ERROR if errors else dg.AssetCheckSeverity.WARN,
        metadata={finding.rule: finding.message for finding in findings},
    )


def _metadata(frame: "pd.DataFrame", symbol: str) -> dict[str, Any]:
    return {
        "first_session": frame["session"].iloc[0].date().isoformat(),
        "last_session": frame["session"].iloc[-1].date().isoformat(),
        "last_close": float(frame["close"].iloc[-1]),
        "adjusted_close": picture(price_plot(frame), f"{symbol} adjusted close"),
    }
