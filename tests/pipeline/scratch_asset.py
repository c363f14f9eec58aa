"""A stage that nobody has but tests/pipeline/test_chain_table.py: the one file beside its row."""

from collections.abc import Mapping

import dagster as dg

from my_dagster_project.pipeline.assets.outputs import files_output


def momentum_asset(team, symbol) -> dg.AssetsDefinition:
    """The asset `[team, SYMBOL, momentum]`."""

    @dg.asset(
        description=f"How strongly {symbol} moves.", **team.stamped("momentum", "parquet", symbol=symbol)
    )
    def momentum(features, bars) -> dg.Output[Mapping[str, bytes]]:
        return files_output({"momentum.txt": b"1"}, {"strength": 1.0})

    return momentum
