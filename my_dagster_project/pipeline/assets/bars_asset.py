"""Daily bars of a symbol, fetched once for all teams; bars that fail a quality rule never replace good ones."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from my_dagster_project.domain.quality import Finding, check_bars
from my_dagster_project.domain.revisions import HEAD, Revision
from my_dagster_project.domain.trading_days import Thresholds
from my_dagster_project.foundation.errors import ObjectMissingError, TradingError
from my_dagster_project.market_data.update import update_bars
from my_dagster_project.pipeline.assets.gates import Gate
from my_dagster_project.pipeline.assets.keys import bars_key
from my_dagster_project.pipeline.assets.outputs import picture, shown, table_output
from my_dagster_project.pipeline.assets.stamp import stamped
from my_dagster_project.pipeline.chain import Place
from my_dagster_project.pipeline.partitions import is_looked_at, last_session
from my_dagster_project.pipeline.resources import AssetStoreResource, MarketDataResource
from my_dagster_project.pipeline.retries import explained, network_retries
from my_dagster_project.reports.markdown import table
from my_dagster_project.reports.plots import price_plot
from my_dagster_project.storage.revised import note_revisions
from my_dagster_project.storage.stored_bars import read_bars
from my_dagster_project.teams.platform import Platform
from my_dagster_project.teams.registry import Market

if TYPE_CHECKING:
    import pandas as pd

AGAIN_TAG = "fetch_again"
"""A run with this tag fetches everything, whatever is stored."""
ORIGIN, FINGERPRINT = "source", "source_fingerprint"
# Lines of a table in Dagit: more of them nobody reads there.
_SHOWN = 30
QUALITY = Gate(
    "bars_are_sound",
    "Complete sessions, no duplicates, consistent and plausible prices, volume, not stale, no unadjusted split.",
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
        now = platform.now()
        end = last_session(platform, now)
        stored = explained(lambda: _stored(asset_store, symbol))
        source = explained(market_data.source)
        # Asked for first: what changes while the bars are read is a change to come.
        fingerprint = explained(lambda: source.fingerprint(symbol))
        again = _is_asked_again(context, key, market_data.origin)
        span = (market.start, end)
        frame = explained(
            lambda: update_bars(stored, source, symbol, *span, platform.calendar, as_of=now, again=again)
        )
        yield from _verdict(check_bars(frame, symbol, platform.calendar, *span, thresholds(market)))
        revised = (
            []
            if stored is None
            else explained(lambda: note_revisions(asset_store.open(), symbol, stored, frame))
        )
        for one in revised[:_SHOWN]:
            context.log.warning(f"{symbol}: revised, {one}")
        context.log.info(
            f"{symbol}: {len(frame)} bars, {len(frame) - (0 if stored is None else len(stored))} of them new"
        )
        told = {ORIGIN: market_data.origin, FINGERPRINT: fingerprint or ""}
        yield table_output("bars", frame, _metadata(frame, symbol, platform) | told | _revised(revised))

    return bars


def thresholds(market: Market) -> Thresholds:
    """What the organiser says is implausible, and what has been accepted."""
    accepted = {symbol: frozenset(sessions) for symbol, sessions in market.accepted.items()}
    plausible = market.plausible
    return Thresholds(plausible.step, plausible.spike, plausible.busy, accepted)


def source_changed(market_data: MarketDataResource, symbol: str, made: Mapping[str, Any]) -> bool:
    """Whether the source is another than the bars with this metadata were read from, or holds something else by now.

    Also where it cannot be read: fetching says why. A source over a network is not asked, and of bars that were stored before
    this was noted nothing is known.
    """
    try:
        now = {ORIGIN: market_data.origin, FINGERPRINT: market_data.source().fingerprint(symbol) or ""}
    except TradingError:
        return True
    return any(name in made and made[name].value != value for name, value in now.items())


def _is_asked_again(context: dg.AssetExecutionContext, key: dg.AssetKey, origin: str) -> bool:
    """Whether the run was asked to fetch everything, or the stored bars are another source's."""
    if context.run.tags.get(AGAIN_TAG):
        return True
    event = context.instance.get_latest_materialization_event(key)
    made = event.asset_materialization.metadata if event and event.asset_materialization else {}
    return ORIGIN in made and made[ORIGIN].value != origin


@shown
def _revised(found: Sequence[Revision]) -> dict[str, Any]:
    if not found:
        return {"revised": 0}
    rows = [one.cells for one in found[:_SHOWN]]
    return {"revised": len(found), "what_was_revised": dg.MetadataValue.md(table(HEAD, rows))}


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


@shown
def _metadata(frame: "pd.DataFrame", symbol: str, platform: Platform) -> dict[str, Any]:
    told = {
        "first_session": frame["session"].iloc[0].date().isoformat(),
        "last_session": frame["session"].iloc[-1].date().isoformat(),
        "last_close": float(frame["close"].iloc[-1]),
    }
    if not is_looked_at(platform):
        return told
    return told | {"adjusted_close": picture(price_plot(frame), f"{symbol} adjusted close")}
