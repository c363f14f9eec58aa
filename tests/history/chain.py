"""A team's chain in miniature: real Dagster, the real IO manager and versions; only the computing is left out."""

from collections.abc import Mapping

import dagster as dg

from my_dagster_project.pipeline.assets.outputs import files_output
from my_dagster_project.pipeline.freshness import Freshness
from my_dagster_project.pipeline.io_manager import StoreIOManager
from tests.history.conftest import FEATURES, MODEL, ORDERS, PREDICTIONS, REPORT, Deployment

SESSIONS = ("2013-01-02", "2013-01-03", "2013-01-04")
BARS = ("market", "AAPL", "bars")
LATER = dg.StaticPartitionsDefinition([*SESSIONS, "2013-01-07"])
RANGE = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")


class Chain:
    """bars -> features -> model -> predictions -> report, orders; all but the bars are a function of `config`."""

    def __init__(
        self, deployment: Deployment, config: str, instance: dg.DagsterInstance | None = None
    ) -> None:
        self.deployment, self.config = deployment, config
        self.instance = instance or dg.DagsterInstance.ephemeral()
        self.definitions = dg.Definitions(
            assets=[
                self._bars(),
                *map(self._whole, (FEATURES, MODEL, REPORT)),
                *map(self._sessions, (PREDICTIONS, ORDERS)),
            ],
            resources={"io_manager": StoreIOManager(deployment.assets)},
        )

    def run(self, *assets: tuple[str, ...], sessions: tuple[str, ...] = ()) -> None:
        """Materialize these assets, a range of sessions in one run."""
        done = dg.materialize(
            self.definitions.assets,
            selection=[dg.AssetKey(asset) for asset in assets],
            resources=self.definitions.resources,
            instance=self.instance,
            tags=dict(zip(RANGE, (sessions[0], sessions[-1]), strict=True)) if sessions else None,
        )
        assert done.success

    def run_all(self, sessions: tuple[str, ...] = SESSIONS) -> str:
        """Everything in the order of the main job, then the commit; gives the sha on branch red."""
        if not self.deployment.assets.names(BARS):
            self.run(BARS)
        self.run(FEATURES, MODEL)
        self.run(PREDICTIONS, sessions=sessions)
        self.run(REPORT)
        self.run(ORDERS, sessions=sessions)
        return {done.branch: done.sha for done in self.deployment.commit()}["red"]

    def due(self, sessions: tuple[str, ...] = SESSIONS) -> list[tuple[str, ...]]:
        """What the next main job would make anew."""
        freshness = Freshness(self.definitions.resolve_asset_graph(), self.instance)
        chain = (FEATURES, MODEL, PREDICTIONS, REPORT, ORDERS)
        return [asset for asset in chain if not freshness.is_fresh(dg.AssetKey(asset), sessions)]

    def with_config(self, config: str) -> "Chain":
        return Chain(self.deployment, config, self.instance)

    def _bars(self) -> dg.AssetsDefinition:
        @dg.asset(key=dg.AssetKey(BARS), code_version="1", io_manager_key="io_manager")
        def bars() -> dg.Output[Mapping[str, bytes]]:
            return files_output({"bars.parquet": b"bars"}, {})

        return bars

    def _whole(self, asset: tuple[str, ...]) -> dg.AssetsDefinition:
        inputs = {FEATURES: [BARS], MODEL: [FEATURES, BARS], REPORT: [PREDICTIONS, FEATURES, BARS]}[asset]

        @dg.asset(
            key=dg.AssetKey(asset),
            deps=[dg.AssetKey(one) for one in inputs],
            code_version="1" if asset == REPORT else f"{asset[-1]} {self.config}",
        )
        def whole() -> dg.Output[Mapping[str, bytes]]:
            text = f"{asset[-1]} by {self.config}".encode()
            return files_output({f"{asset[-1]}.bin": text, "about/it.txt": b"x" * len(text)}, {"mase": 1.25})

        return whole

    def _sessions(self, asset: tuple[str, ...]) -> dg.AssetsDefinition:
        @dg.asset(
            key=dg.AssetKey(asset),
            deps=[
                dg.AssetKey(one) for one in ([PREDICTIONS] if asset == ORDERS else [FEATURES, MODEL, BARS])
            ],
            code_version="1" if asset == PREDICTIONS else None,
            partitions_def=LATER,
            backfill_policy=dg.BackfillPolicy.single_run(),
        )
        def sessions(context: dg.AssetExecutionContext) -> dg.Output[Mapping[str, bytes]]:
            made = {
                f"{key}.parquet": f"{asset[-1]} {key} by {self.config}".encode()
                for key in context.partition_keys
            }
            return files_output(made, {})

        return sessions
