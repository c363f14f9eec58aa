"""A team's model of a symbol, stored only if its exported form says what the model itself says."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import dagster as dg

from my_dagster_project.domain.lookahead import target_problem
from my_dagster_project.domain.seeds import training_seed
from my_dagster_project.domain.targets import training_rows
from my_dagster_project.models.kinds.port import Kind, TrainedModel
from my_dagster_project.models.manifest import Manifest
from my_dagster_project.models.parity import TOLERANCE
from my_dagster_project.models.training_input import TrainingSpec
from my_dagster_project.pipeline.assets.gates import Gate
from my_dagster_project.pipeline.assets.keys import model_key
from my_dagster_project.pipeline.assets.outputs import files_output, shown
from my_dagster_project.pipeline.assets.team_context import TeamContext
from my_dagster_project.pipeline.rehearsing import require_trainable
from my_dagster_project.pipeline.resources import AssetStoreResource, TrackingResource
from my_dagster_project.pipeline.retries import explained, training_retries
from my_dagster_project.pipeline.training_budget import metered

TARGET = Gate(
    "target_is_the_next_return",
    "Worked out anew from the bars, every training row's target is the return to the next session, known by the cut-off.",
)
TRAINING_POOL = "training"


def model_asset(team: TeamContext, symbol: str) -> dg.AssetsDefinition:
    """The asset `[team, SYMBOL, model]`."""
    key = model_key(team.name, symbol)
    config = team.config.for_symbol(symbol)
    parity = _parity_gate(config.kind)

    @dg.asset(
        description=f"{config.kind.title} model of {config.target} for {symbol}, trained through {config.training.cutoff}.",
        pool=TRAINING_POOL,
        retry_policy=training_retries(),
        output_required=False,
        check_specs=[TARGET.spec(key), parity.spec(key)],
        **team.stamped(
            "model",
            config.kind.name,
            "onnx",
            "mlflow",
            symbol=symbol,
            configuration=(config.model_fingerprint(), _seed(team, symbol)),
        ),
    )
    def model(
        context: dg.AssetExecutionContext,
        features: Any,
        bars: Any,
        tracking: TrackingResource,
        asset_store: AssetStoreResource,
    ) -> Iterator[Any]:
        spec = _spec(team, symbol)
        rows = explained(lambda: _rows(team, symbol, features, bars))
        wrong = target_problem(rows, bars, spec.target, spec.trained_through)
        said = f"{team.name} {symbol}: {wrong}" if wrong else f"{len(rows)} rows look one session ahead."
        yield from TARGET.answer(said, passed=wrong is None)
        context.log.info(
            f"{team.name} {symbol}: training on {len(rows)} sessions through {spec.trained_through}"
        )
        trained, run_id = explained(
            lambda: _bounded_training(context, team, spec, rows, tracking, asset_store)
        )
        yield from _parity(parity, trained.manifest, config.kind)
        if not trained.manifest.exported:
            context.log.warning(
                f"{team.name} {symbol}: predictions will use {config.kind.title}: {trained.manifest.reason}"
            )
        yield files_output(trained.files, _metadata(trained.manifest, run_id))

    return model


def _seed(team: TeamContext, symbol: str) -> int:
    """The platform's draw for the window that begins with the competition, the only one there is."""
    competition = team.platform.registry.competition
    return training_seed(competition.salt, team.name, symbol, competition.start)


def _spec(team: TeamContext, symbol: str) -> TrainingSpec:
    config = team.config.for_symbol(symbol)
    return TrainingSpec(
        team=team.name,
        symbol=symbol,
        section=config.complete_section(),
        target=config.target,
        features=tuple(config.input_names),
        seed=_seed(team, symbol),
        trained_through=config.training.cutoff,
    )


def _rows(team: TeamContext, symbol: str, features: Any, bars: Any) -> Any:
    config = team.config.for_symbol(symbol)
    training = config.training
    return training_rows(
        features,
        bars,
        config.target,
        start=training.start,
        cutoff=training.cutoff,
        validation_fraction=training.validation_fraction,
        symbol=f"{team.name} {symbol}",
    )


def _bounded_training(
    context: dg.AssetExecutionContext,
    team: TeamContext,
    spec: TrainingSpec,
    rows: Any,
    tracking: TrackingResource,
    asset_store: AssetStoreResource,
) -> tuple[TrainedModel, str]:
    """What the registry allows is left, and the section can be trained: said before there is a run in MLflow."""
    with metered(context.instance, context.run_id, team.name, team.entry.training) as bounds:
        require_trainable(team.platform, team.name, spec.symbol, asset_store.open(), bounds)
        return _tracked_training(context, team, replace(spec, bounds=bounds), rows, tracking)


def _tracked_training(
    context: dg.AssetExecutionContext,
    team: TeamContext,
    spec: TrainingSpec,
    rows: Any,
    tracking: TrackingResource,
) -> tuple[TrainedModel, str]:
    tags = {
        "team": spec.team,
        "symbol": spec.symbol,
        "config_sha": team.config_sha,
        "dagster_run": context.run_id,
    }
    with tracking.run(experiment=spec.team, name=f"{spec.team}-{spec.symbol}", tags=tags) as run:

        def on_epoch(epoch: int, metrics: dict[str, float]) -> None:
            run.log_epoch(epoch, metrics)
            losses = ", ".join(
                f"{name} {value:.5f}" for name, value in metrics.items() if name.endswith("loss")
            )
            context.log.info(f"{spec.team} {spec.symbol}: epoch {epoch}, {losses}")

        trained = team.config.for_symbol(spec.symbol).kind.fit(spec, rows, on_epoch)
        run.log_params(_parameters(spec, trained.manifest))
        # Under the epochs' own names they would be a point of the curves, before the first epoch.
        run.log_metrics({f"best_{name}": value for name, value in trained.metrics.items()})
        run.log_files({name: data for name, data in trained.files.items() if "/" not in name})
        return trained, run.run_id


@shown
def _parameters(spec: TrainingSpec, manifest: Manifest) -> dict[str, object]:
    described = {name: value for name, value in spec.section.items() if not isinstance(value, list)}
    return {
        **described,
        "kind": manifest.kind,
        "target": spec.target,
        "features": len(spec.features),
        "seed": spec.seed,
        "trained_through": spec.trained_through.isoformat(),
        "rows": manifest.rows,
        "versions": manifest.versions,
    }


def _parity_gate(kind: Kind) -> Gate:
    return Gate(
        f"onnx_agrees_with_{kind.name}",
        f"Exported to ONNX, it differs from {kind.title}'s own prediction by at most {TOLERANCE:g}.",
    )


def _parity(gate: Gate, manifest: Manifest, kind: Kind) -> Iterator[dg.AssetCheckResult]:
    parity = manifest.parity
    if parity is None:
        return gate.answer(f"{manifest.label}: not exported: {manifest.reason}", passed=True)
    apart = f"{manifest.label}: exported to ONNX it is {parity.max_abs_diff:.1e} apart from {kind.title} on {parity.rows} rows"
    return gate.answer(
        f"{apart}; at most {TOLERANCE:g} is allowed",
        passed=parity.max_abs_diff <= TOLERANCE,
        metadata={"max_abs_diff": parity.max_abs_diff, "rows": parity.rows},
    )


@shown
def _metadata(manifest: Manifest, run_id: str) -> dict[str, Any]:
    return {
        "trained_through": manifest.trained_through.isoformat(),
        "training_rows": sum(manifest.rows.values()),
        "epochs": manifest.epochs,
        "seed": manifest.seed,
        "exported_to_onnx": manifest.exported,
        "mlflow_run": run_id,
    }
