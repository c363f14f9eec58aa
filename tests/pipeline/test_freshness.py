"""How often the records are asked for; what is fresh is tested where it is used (tests/main_job, tests/people/status)."""

import dagster as dg

from my_dagster_project.pipeline.freshness import Freshness


def test_the_records_of_many_assets_are_read_at_once(monkeypatch):
    first = dg.AssetSpec("0", code_version="1")
    specs = [first, *(dg.AssetSpec(str(n), deps=["0"], code_version="1") for n in range(1, 20))]

    @dg.multi_asset(specs=specs)
    def made():
        for spec in specs:
            yield dg.MaterializeResult(spec.key)

    with dg.DagsterInstance.ephemeral() as instance:
        assert dg.materialize([made], instance=instance).success
        asked = []
        read = instance.get_asset_records
        monkeypatch.setattr(instance, "get_asset_records", lambda keys: asked.append(len(keys)) or read(keys))
        fresh = Freshness(dg.Definitions([made]).resolve_asset_graph(), instance)
        assert fresh.stale([spec.key for spec in specs], []) == []
    assert asked == [20]
