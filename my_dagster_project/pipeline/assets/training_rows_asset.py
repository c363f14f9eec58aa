"""What a team's models of a symbol learn from: a snapshot of each refit window, proven to know no later close.

Its data version is a name for what the rows teach (`rows_version`), not for the features they came from, which have new rows
every morning: so the models of past windows stay up to date.
"""

from collections.abc import Iterator
from functools import partial
from operator import attrgetter
from typing import Any

import dagster as dg

from my_dagster_project.domain.leaks import Refit
from my_dagster_project.domain.targets import rows_version, training_rows
from my_dagster_project.foundation.errors import ModelError
from my_dagster_project.pipeline.assets.gates import Gate
from my_dagster_project.pipeline.assets.keys import training_rows_key
from my_dagster_project.pipeline.assets.outputs import shown, versioned_output
from my_dagster_project.pipeline.assets.session_events import PartitionEvents
from my_dagster_project.pipeline.assets.sessions_asked import windows_asked
from my_dagster_project.pipeline.assets.team_context import TeamContext
from my_dagster_project.pipeline.resources import AssetStoreResource
from my_dagster_project.pipeline.retries import explained, network_retries
from my_dagster_project.pipeline.versions import version_of
from my_dagster_project.storage.parquet import to_parquet

TARGET = Gate(
    "target_is_the_next_return",
    "Worked out anew from the bars, every training row's target is the return to the next session, known by the cut-off; "
    "its inputs are the features of its own session, none is there twice or knows what the validation is about.",
)
KNOWN = Gate(
    "inputs_were_known_by_then",
    "Computed again from the bars up to the cut-off alone, with prices and volumes on another scale, every input stays.",
)
CONTROLS = Gate(
    "nothing_foretells_too_well",
    "A ridge on these rows foretells the return no better than honest columns do; it is asked for shuffled and shifted returns too.",
)

GATES = (TARGET, KNOWN, CONTROLS)


def training_rows_asset(team: TeamContext, symbol: str) -> dg.AssetsDefinition:
    """The asset `[team, SYMBOL, training_rows]`, of a team that refits partitioned by window."""
    key = training_rows_key(team.name, symbol)
    config = team.config.for_symbol(symbol)

    @dg.asset(
        description=f"The rows that models of {symbol} learn {config.target} from: features, target, split.",
        backfill_policy=dg.BackfillPolicy.multi_run(max_partitions_per_run=1) if team.refits else None,
        retry_policy=network_retries(),
        output_required=False,
        check_specs=[gate.spec(key) for gate in GATES],
        **team.stamped(
            "training_rows",
            "parquet",
            "pandas",
            symbol=symbol,
            configuration=(config.target, config.training_fingerprint()),
        ),
    )
    def rows_of_windows(
        context: dg.AssetExecutionContext, features: Any, bars: Any, asset_store: AssetStoreResource
    ) -> Iterator[Any]:
        windows = windows_asked(context, team.platform, team.name)
        tables = {one: explained(partial(_rows, team, symbol, one, features, bars)) for one in windows}
        yield from _proofs(
            [_refit(team, symbol, one, table, features, bars) for one, table in tables.items()]
        )
        files = {one: {"training_rows.parquet": to_parquet(table)} for one, table in tables.items()}
        versions = {one: rows_version(table) for one, table in tables.items()}
        if not team.refits:
            yield versioned_output(files[""], _metadata(tables[""]), versions[""])
            return
        together = versions[windows[0]] if len(windows) == 1 else version_of(*versions.values())
        yield versioned_output(files, {}, together)
        # One output stamps one version on all windows; the events after it say which each has.
        events = PartitionEvents(context, asset_store.open(), windows)
        for one, table in tables.items():
            yield events.materialization(one, versions[one], _metadata(table))

    return rows_of_windows


def _rows(team: TeamContext, symbol: str, window: str, features: Any, bars: Any) -> Any:
    """The rows of a window; raises ModelError where the bars do not reach its last session yet."""
    config, closes = team.config.for_symbol(symbol), team.closes(window)
    label = f"{team.name} {symbol}"
    last = bars["session"].max().date()
    if window and last < closes:
        raise ModelError(
            f"{label}: the refit of {window} learns from closes up to {closes}, and the bars end with {last};"
            " fetch them first"
        )
    return training_rows(
        features,
        bars,
        config.target,
        start=config.training.start,
        cutoff=closes,
        # Of a model of all symbols these are part of a table, which is split as a whole.
        validation_fraction=None if config.pooled else config.training.validation_fraction,
        sessions=config.training.sessions,
        symbol=label,
    )


@shown
def _refit(team: TeamContext, symbol: str, window: str, rows: Any, stored: Any, bars: Any) -> Refit:
    config = team.config.for_symbol(symbol)
    of = f"{team.name} {symbol}{f', refit of {window}' if window else ''}"
    return Refit(of, rows, stored, bars, config.feature_list, config.target, team.closes(window), symbol)


@shown
def _proofs(refits: list[Refit]) -> Iterator[dg.AssetCheckResult]:
    """The verdicts on all refits of a step; the first one that is refused ends it, with nothing stored.

    What was sharpened here trains nothing anew: it looks at rows, and makes none.
    """
    for gate, question, passed in (
        (TARGET, attrgetter("wrong_rows"), "{} rows look one session ahead."),
        (KNOWN, attrgetter("wrong_inputs"), "The inputs of {} rows follow from the bars up to the cut-off."),
    ):
        wrong = next((one.refused(found) for one in refits if (found := question(one))), None)
        yield from gate.answer(
            wrong or passed.format(sum(len(one.rows) for one in refits)), passed=wrong is None
        )
    yield from _controls(refits)


@shown
def _controls(refits: list[Refit]) -> Iterator[dg.AssetCheckResult]:
    found = [(one, one.controls) for one in refits]
    refit, worst = max(found, key=lambda pair: pair[1].beyond_luck)
    told = {"real": worst.scores[0], "luck": worst.luck, "before": worst.before} | {
        f"later_{ahead}": score for ahead, score in enumerate(worst.scores[1:], 1)
    }
    if wrong := worst.problem:
        yield from CONTROLS.answer(refit.refused(wrong), passed=False, metadata=told)
    elif doubt := worst.suspicion:
        warned = dg.AssetCheckSeverity.WARN
        yield from CONTROLS.answer(f"{refit.of}: {doubt}", passed=False, severity=warned, metadata=told)
    else:
        yield from CONTROLS.answer(f"{refit.of}: {worst}", passed=True, metadata=told)


@shown
def _metadata(rows: Any) -> dict[str, Any]:
    if rows.empty:
        return {"dagster/row_count": 0}
    return {
        "dagster/row_count": len(rows),
        "first_session": rows["session"].iloc[0].date().isoformat(),
        "last_session": rows["session"].iloc[-1].date().isoformat(),
        "mean_return": float(rows["next_return"].mean()),
    }
