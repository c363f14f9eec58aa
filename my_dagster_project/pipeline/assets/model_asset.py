"""A team's model of a symbol, or of all its symbols, stored only if its exported form says what the model itself says."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any

import dagster as dg

from my_dagster_project.domain.examination import EXAMINATION, read_examination
from my_dagster_project.domain.own_controls import answers_control
from my_dagster_project.domain.seeds import training_seed
from my_dagster_project.domain.targets import FEWEST_ROWS, pooled_rows
from my_dagster_project.foundation.errors import ModelError, ObjectMissingError
from my_dagster_project.models.kinds.port import Kind, TrainedModel
from my_dagster_project.models.manifest import Manifest
from my_dagster_project.models.parity import TOLERANCE
from my_dagster_project.models.training_input import TrainingSpec
from my_dagster_project.pipeline.assets.examined import examined
from my_dagster_project.pipeline.assets.gates import Gate
from my_dagster_project.pipeline.assets.keys import model_key, training_rows_key
from my_dagster_project.pipeline.assets.outputs import data_version, files_output, shown
from my_dagster_project.pipeline.assets.session_events import PartitionEvents
from my_dagster_project.pipeline.assets.sessions_asked import windows_asked
from my_dagster_project.pipeline.assets.team_context import TeamContext
from my_dagster_project.pipeline.io_manager import as_value
from my_dagster_project.pipeline.refit_windows import first_window, is_lived, window_before
from my_dagster_project.pipeline.rehearsing import require_trainable
from my_dagster_project.pipeline.remembered_controls import brought_along
from my_dagster_project.pipeline.resources import AssetStoreResource, TrackingResource
from my_dagster_project.pipeline.retries import explained, training_retries
from my_dagster_project.pipeline.training_budget import metered
from my_dagster_project.reports.asset_pictures import pictured
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.names import of_window

TRAINING_POOL = "training"
KNOWS = Gate(
    "knows_only_what_it_learnt",
    "Its answers on the validation part go with what came no better than honest ones; trained on shuffled returns (once per "
    "configuration, in a season) they go with nothing.",
)


def model_asset(team: TeamContext, symbol: str) -> dg.AssetsDefinition:
    """The asset `[team, SYMBOL, model]`, of a team that refits partitioned by window; `[team, model]` of all symbols ('').

    Each refit is on record as soon as it is trained: a run that is killed loses only the one it was at.
    """
    key = model_key(team.name, symbol)
    config = team.config.for_symbol(symbol)
    parity = _parity_gate(config.kind)

    @dg.asset(
        description=pictured(
            f"{config.kind.title} model of {config.target} for {symbol or 'all symbols'}, {_when(team, symbol)}.",
            key.path,
        ),
        pool=TRAINING_POOL,
        # A person's backfill is a run per window, each with its place in the queue; `trading run` trains its range in one.
        # One that begins with the weights of the one before has to come after it.
        backfill_policy=_policy(team, symbol) if team.refits else None,
        retry_policy=training_retries(),
        output_required=False,
        check_specs=[parity.spec(key), KNOWS.spec(key)],
        **team.stamped(
            "model",
            config.kind.name,
            "onnx",
            "mlflow",
            symbol=symbol,
            configuration=(config.model_fingerprint(), _luck(team, symbol), *_chain(team, symbol)),
        ),
    )
    def model(
        context: dg.AssetExecutionContext,
        tracking: TrackingResource,
        asset_store: AssetStoreResource,
        **handed: Any,
    ) -> Iterator[Any]:
        events = (
            PartitionEvents(context, asset_store.open(), windows_asked(context, team.platform, team.name))
            if team.refits
            else None
        )
        manifests = []
        for window in events.left() if events else [""]:
            spec = training_spec(team, symbol, window)
            if events and config.training.warm_start:
                warm = explained(partial(_weights_before, team, events, key, window))
                spec = replace(spec, begins_with=warm)
            rows = explained(partial(_rows, team, handed, window, asset_store.open()))
            context.log.info(f"{spec.of}: training on {len(rows)} rows through {spec.trained_through}")
            if left_out := _left_out(team, rows):
                context.log.warning(f"{spec.of}: {left_out}")
            if wrong := explained(partial(_brought_along, context, team, spec, rows, asset_store)):
                yield from KNOWS.answer(wrong, passed=False)
            work = partial(_bounded_training, context, team, spec, rows, tracking, asset_store)
            trained, run_id = explained(work)
            if wrong := _too_good(spec, trained):
                yield from KNOWS.answer(wrong, passed=False)
            manifests.append(trained.manifest)
            if _apart(trained.manifest) or not events:
                yield from _parity(parity, manifests, config.kind)
            if not trained.manifest.exported:
                context.log.warning(
                    f"{spec.of}: predictions will use {config.kind.title}: {trained.manifest.reason}"
                )
            told = (trained.files, _metadata(trained.manifest, run_id, left_out, spec.begins_with))
            yield events.stored(window, *told) if events else files_output(*told)
        if events:
            yield from _parity(parity, manifests, config.kind)
        yield from KNOWS.answer(f"{len(manifests)} models were looked at.", passed=True)

    return model


def _when(team: TeamContext, symbol: str) -> str:
    training = team.config.for_symbol(symbol).training
    return f"refitted {training.refit}" if training.refits else f"trained through {training.cutoff}"


def _rows(team: TeamContext, handed: Mapping[str, Any], window: str, assets: AssetStore) -> Any:
    """What is learned from for a window, read now; of a symbol of a team that never refits it was handed in.

    Of a model of all symbols the rows of each that has some.
    """
    if handed:
        return handed["training_rows"][window] if window else handed["training_rows"]
    config, tables = team.config, {}
    for symbol in config.symbols:
        with suppress(ObjectMissingError):
            stored = of_window(tuple(training_rows_key(team.name, symbol).path), window)
            tables[symbol] = as_value(assets.read(stored))
    try:
        return pooled_rows(tables, config.target, config.training.validation_fraction)
    except ModelError as error:
        raise ModelError(f"{team.name}: {error} up to {team.closes(window)}") from error


def _weights_before(team: TeamContext, events: PartitionEvents, key: dg.AssetKey, window: str) -> Any:
    """The files of the refit before a window's, if that was made as this one is; None where the weights are drawn anew.

    In a season that is so after an edit, an upgrade, or a refit that was missed; a replay makes all of them alike, in order:
    raises ModelError where the one before is not there yet.
    """
    before = window_before(team.platform, team.name, window)
    if before and events.made_alike(before):
        return events.assets.read(of_window(tuple(key.path), before))
    if before and not is_lived(team.platform):
        raise ModelError(
            f"{key.to_user_string()} of {window} begins with the weights of {before} (warm_start), which is not there as the file"
            " has it now; train that first, or all with trading run"
        )
    return None


def _chain(team: TeamContext, symbol: str) -> tuple[str, ...]:
    """What refits that begin warm depend on besides: with which window they begin."""
    warm = team.config.for_symbol(symbol).training.warm_start
    return (first_window(team.platform, team.name),) if warm else ()


def _policy(team: TeamContext, symbol: str) -> dg.BackfillPolicy:
    if team.config.for_symbol(symbol).training.warm_start:
        return dg.BackfillPolicy.single_run()
    return dg.BackfillPolicy.multi_run(max_partitions_per_run=1)


def _left_out(team: TeamContext, rows: Any) -> str:
    """Of a model of all symbols those it learns nothing of, in words; '' where there are none."""
    if not team.config.pooled:
        return ""
    lacking = [symbol for symbol in team.config.symbols if symbol not in set(rows["symbol"])]
    learnt = f"{', '.join(lacking)} left out: fewer than {FEWEST_ROWS} training rows. It is predicted by what the others taught"
    return learnt if lacking else ""


def _luck(team: TeamContext, symbol: str) -> object:
    """What the seeds follow from besides team, symbol and window; of a team that never refits the only seed there is."""
    return team.platform.registry.competition.salt if team.refits else _seed(team, symbol, "")


def _seed(team: TeamContext, symbol: str, window: str) -> int:
    """The platform's draw for a window; the only one of a team that never refits begins with the competition."""
    competition = team.platform.registry.competition
    begins = date.fromisoformat(window) if window else competition.start
    return training_seed(competition.salt, team.name, symbol, begins)


def training_spec(team: TeamContext, symbol: str, window: str) -> TrainingSpec:
    """What is trained for a window ('' of a team that never refits), but for the rows."""
    config = team.config.for_symbol(symbol)
    return TrainingSpec(
        team=team.name,
        symbol=symbol,
        section=config.complete_section(),
        target=config.target,
        features=tuple(config.input_names),
        seed=_seed(team, symbol, window),
        trained_through=team.closes(window),
        window=window,
    )


@shown
def _brought_along(
    context: dg.AssetExecutionContext,
    team: TeamContext,
    spec: TrainingSpec,
    rows: Any,
    asset_store: AssetStoreResource,
) -> str | None:
    """Why a season may have no model of this configuration: asked once, and not of a replay, which only tries it."""
    if not is_lived(team.platform):
        return None
    with metered(context.instance, context.run_id, team.name, team.entry.training) as bounds:
        config = team.config.for_symbol(spec.symbol)
        return brought_along(config, replace(spec, bounds=bounds), rows, asset_store.open())


@shown
def _too_good(spec: TrainingSpec, trained: TrainedModel) -> str | None:
    """Why a model that has just been trained is refused: its answers on the validation part go too well with what came."""
    seen = read_examination(trained.files[EXAMINATION])
    found = answers_control(seen.predicted, seen.actual, len(trained.manifest.symbols) or 1)
    if found is None or not found.is_impossible:
        return None
    column = f"likely column {seen.importance[0].input}" if seen.importance else "no column is known"
    return (
        f"{spec.of}: its answers go with the returns of its validation part too well to be true: {found}; {column}. Nothing was "
        "stored, and in a season the earlier refit stays in force; mend what it learns from, then train again"
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


@examined
def _tracked_training(
    context: dg.AssetExecutionContext,
    team: TeamContext,
    spec: TrainingSpec,
    rows: Any,
    tracking: TrackingResource,
) -> tuple[TrainedModel, str]:
    tags = {
        "team": spec.team,
        **({"symbol": spec.symbol} if spec.symbol else {"symbols": ", ".join(team.config.symbols)}),
        **({"window": spec.window} if spec.window else {}),
        "config_sha": team.config_sha,
        "dagster_run": context.run_id,
    }
    with tracking.run(experiment=spec.team, name=spec.of.replace(" ", "-"), tags=tags) as run:

        def on_epoch(epoch: int, metrics: dict[str, float]) -> None:
            run.log_epoch(epoch, metrics)
            losses = ", ".join(
                f"{name} {value:.5f}" for name, value in metrics.items() if name.endswith("loss")
            )
            context.log.info(f"{spec.of}: epoch {epoch}, {losses}")

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


def _apart(manifest: Manifest) -> bool:
    """Whether it was exported, and does not say what its own library says."""
    return manifest.parity is not None and manifest.parity.max_abs_diff > TOLERANCE


def _parity(gate: Gate, manifests: list[Manifest], kind: Kind) -> Iterator[dg.AssetCheckResult]:
    """Of several refits the one that is furthest apart speaks for all."""
    told = [(one.parity.max_abs_diff, one) for one in manifests if one.parity]
    if not told:
        why = ("it came as ONNX, there is nothing to compare it with", "not exported: {}")
        reasons = [f"{one.label}: {why[not one.exported].format(one.reason)}" for one in manifests]
        return gate.answer(reasons[-1] if reasons else "Every refit was on record before.", passed=True)
    furthest, manifest = max(told, key=lambda pair: pair[0])
    parity = manifest.parity
    rows = parity.rows if parity else 0
    apart = f"{manifest.label}: exported to ONNX it is {furthest:.1e} apart from {kind.title} on {rows} rows"
    return gate.answer(
        f"{apart}; at most {TOLERANCE:g} is allowed",
        passed=furthest <= TOLERANCE,
        metadata={"max_abs_diff": furthest, "rows": rows},
    )


@shown
def _metadata(
    manifest: Manifest, run_id: str, left_out: str, before: Mapping[str, bytes] | None
) -> dict[str, Any]:
    return {
        **({"symbols": ", ".join(manifest.symbols)} if manifest.symbols else {}),
        **({"left_out": left_out} if left_out else {}),
        **({"begins_with": data_version(before)} if before else {}),
        "trained_through": manifest.trained_through.isoformat(),
        "training_rows": sum(manifest.rows.values()),
        "epochs": manifest.epochs,
        "seed": manifest.seed,
        "exported_to_onnx": manifest.exported,
        "mlflow_run": run_id,
    }
