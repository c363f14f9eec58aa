"""Blocking checks, declared and answered in one place, so that each says its reason wherever a failure is told.

Dagster ends the step of a failed blocking check with "Blocking check 'bars_are_sound' failed" and leaves the reason in Dagit:
terminal, status page and messages told people that alone.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import dagster as dg


@dataclass(frozen=True)
class Gate:
    """A check that an asset must pass to be stored."""

    name: str
    description: str

    def spec(self, key: dg.AssetKey) -> dg.AssetCheckSpec:
        """The check as the asset declares it."""
        return dg.AssetCheckSpec(self.name, asset=key, blocking=True, description=self.description)

    def refused(self, instance: dg.DagsterInstance, key: dg.AssetKey) -> bool:
        """Whether it stopped the asset when it was asked last."""
        record = instance.get_latest_asset_check_evaluation_record(dg.AssetCheckKey(key, self.name))
        told = record.evaluation if record else None
        return told is not None and not told.passed and told.severity == dg.AssetCheckSeverity.ERROR

    def answer(
        self,
        said: str,
        *,
        passed: bool,
        severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR,
        metadata: Mapping[str, Any] | None = None,
    ) -> Iterator[dg.AssetCheckResult]:
        """Record the verdict; one that did not pass ends the step with dg.Failure in the same words, unless it is a warning."""
        yield dg.AssetCheckResult(
            check_name=self.name,
            passed=passed,
            severity=severity,
            description=said,
            metadata=dict(metadata or {}),
        )
        if not passed and severity == dg.AssetCheckSeverity.ERROR:
            raise dg.Failure(said, allow_retries=False)
