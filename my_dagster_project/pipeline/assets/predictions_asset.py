"""A team's predictions of a symbol, one file per session; a range of sessions opens the model once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from itertools import groupby
from typing import Any

import dagster as dg

from my_dagster_project.domain.lookahead import ends_and_middle, predictions_problem
from my_dagster_project.domain.predictions import model_from_the_future, prediction_table, rows_of
from my_dagster_project.foundation.errors import ObjectMissingError
from my_dagster_project.models.manifest import read_manifest
from my_dagster_project.models.prediction import predict
from my_dagster_project.pipeline.assets.gates import Gate
from my_dagster_project.pipeline.assets.keys import predictions_key
from my_dagster_project.pipeline.assets.outputs import data_version, files_output, session_files, shown
from my_dagster_project.pipeline.assets.refused_refits import earlier_stays
from my_dagster_project.pipeline.assets.sessions_asked import require_in_time, sessions_asked
from my_dagster_project.pipeline.assets.team_context import TeamContext
from my_dagster_project.pipeline.retries import explained, network_retries
from my_dagster_project.reports.asset_pictures import pictured

AS_OF = Gate(
    "model_is_older_than_the_session",
    "No prediction comes from a model whose training saw that session's close.",
)
ALONE = Gate(
    "each_session_by_itself",
    "Every row is about the next session from its own close, with what the model says of that session's stored features.",
)


@dataclass(frozen=True)
class _Refit:
    """The files of the model that predicts these sessions, and the last close its training saw."""

    files: Mapping[str, bytes]
    sessions: list[date]
    trained_through: date

    @property
    def problem(self) -> str | None:
        """Why it may not predict them, or None."""
        return model_from_the_future(self.trained_through, self.sessions)


def predictions_asset(team: TeamContext, symbol: str) -> dg.AssetsDefinition:
    """The asset `[team, SYMBOL, predictions]`, partitioned by session."""
    key = predictions_key(team.name, symbol)

    @dg.asset(
        description=pictured(
            f"What the model says after a session's close about {symbol}'s next session.", key.path
        ),
        backfill_policy=dg.BackfillPolicy.single_run(),
        retry_policy=network_retries(),
        output_required=False,
        check_specs=[AS_OF.spec(key), ALONE.spec(key)],
        **team.stamped("predictions", "onnx", "parquet", symbol=symbol),
    )
    def predictions(context: dg.AssetExecutionContext, features: Any, model: Any, bars: Any) -> Iterator[Any]:
        label = f"{team.name} {symbol}"
        sessions = sessions_asked(context, team.platform)
        refits = explained(lambda: _refits(context, team, symbol, model, sessions))
        problem = next(filter(None, (one.problem for one in refits)), None)
        said = f"{label}: {problem}" if problem else f"Trained through {refits[-1].trained_through}."
        yield from AS_OF.answer(said, passed=problem is None)
        tables = [
            explained(partial(_predicted, context, team, symbol, one, features, bars)) for one in refits
        ]
        table = _together(tables)
        some = explained(lambda: _together([_again(one, features) for one in refits]))
        wrong = predictions_problem(table, bars, team.platform.calendar.next_session, some)
        said = f"{label}: {wrong}" if wrong else f"{len(some)} sessions predicted again say the same."
        yield from ALONE.answer(said, passed=wrong is None)
        engines = table.pop("engine")
        context.log.info(f"{label}: {len(table)} sessions predicted by {engines.iloc[-1]}")
        files = session_files(table)
        require_in_time(team.platform, sessions)
        yield files_output(files, _metadata(table, engines.iloc[-1], refits[-1].trained_through))

    return predictions


def _refits(
    context: dg.AssetExecutionContext,
    team: TeamContext,
    symbol: str,
    model: Mapping[str, Any],
    sessions: list[date],
) -> list[_Refit]:
    """By which refit each session is predicted: the one whose window holds it. Raises ModelError for one of somebody else's."""
    training, found = team.config.training, []
    for window, held in groupby(sorted(sessions), training.window_of):
        files = _in_force(context, team, symbol, model, window) if window else model
        manifest = read_manifest(files)
        manifest.require(team.name, "" if team.config.pooled else symbol, team.config.target)
        found.append(_Refit(files, list(held), manifest.trained_through))
    return found


def _in_force(
    context: dg.AssetExecutionContext, team: TeamContext, symbol: str, model: Any, window: str
) -> Mapping[str, bytes]:
    """The files of a window's refit; where one was refused that a season needs, those of the refit before it."""
    try:
        return model[window]
    except ObjectMissingError:
        if not earlier_stays(context.instance, team.platform, team.name, symbol):
            raise
    context.log.warning(
        f"{team.name} {symbol}: the refit of {window} was refused; the one before it stays in force"
    )
    return model.newest_before(window)


def _predicted(
    context: dg.AssetExecutionContext,
    team: TeamContext,
    symbol: str,
    refit: _Refit,
    features: Any,
    bars: Any,
) -> Any:
    """The table of a refit's sessions, which names the model, and the engine that asked it."""
    rows = rows_of(features, refit.sessions, f"{team.name} {symbol}")
    answer = predict(refit.files, rows)
    if answer.note:
        context.log.warning(answer.note)
    table = prediction_table(rows, answer.frame, bars, team.platform.calendar, symbol, refit.trained_through)
    return table.assign(team=team.name, model=data_version(refit.files), engine=answer.engine)


@shown
def _metadata(table: Any, engine: str, trained_through: date) -> dict[str, Any]:
    return {
        "sessions": len(table),
        "engine": engine,
        "trained_through": trained_through.isoformat(),
        "mean_predicted_return": float(table["predicted_return"].mean()),
        "latest": dg.MetadataValue.md(table.tail(3).to_markdown(index=False, floatfmt=".5f")),
    }


def _again(refit: _Refit, features: Any) -> Any:
    """`session` and `predicted_return` of some of a refit's sessions, asked for again."""
    import pandas as pd

    rows = features[features["session"].isin(pd.DatetimeIndex(ends_and_middle(refit.sessions)))]
    return rows[["session"]].assign(**predict(refit.files, rows).frame)


def _together(tables: list[Any]) -> Any:
    import pandas as pd

    return pd.concat(tables, ignore_index=True) if tables[1:] else tables[0]
