"""A team's predictions of a symbol, one file per session; a range of sessions opens the model once."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import dagster as dg

from my_dagster_project.domain.lookahead import ends_and_middle, predictions_problem
from my_dagster_project.domain.predictions import model_from_the_future, prediction_table, rows_of
from my_dagster_project.models.manifest import read_manifest
from my_dagster_project.models.prediction import predict
from my_dagster_project.pipeline.assets.gates import Gate
from my_dagster_project.pipeline.assets.keys import predictions_key
from my_dagster_project.pipeline.assets.outputs import data_version, files_output, session_files, shown
from my_dagster_project.pipeline.assets.sessions_asked import require_in_time, sessions_asked
from my_dagster_project.pipeline.assets.team_context import TeamContext
from my_dagster_project.pipeline.retries import explained, network_retries

AS_OF = Gate(
    "model_is_older_than_the_session",
    "No prediction comes from a model whose training saw that session's close.",
)
ALONE = Gate(
    "each_session_by_itself",
    "Every row is about the next session from its own close, with what the model says of that session's stored features.",
)


def predictions_asset(team: TeamContext, symbol: str) -> dg.AssetsDefinition:
    """The asset `[team, SYMBOL, predictions]`, partitioned by session."""
    key = predictions_key(team.name, symbol)

    @dg.asset(
        description=f"What the model says after a session's close about {symbol}'s next session.",
        backfill_policy=dg.BackfillPolicy.single_run(),
        retry_policy=network_retries(),
        output_required=False,
        check_specs=[AS_OF.spec(key), ALONE.spec(key)],
        **team.stamped("predictions", "onnx", "parquet", symbol=symbol),
    )
    def predictions(
        context: dg.AssetExecutionContext, features: Any, model: Mapping[str, bytes], bars: Any
    ) -> Iterator[Any]:
        label = f"{team.name} {symbol}"
        sessions = sessions_asked(context, team.platform)
        manifest = explained(lambda: read_manifest(model))
        explained(lambda: manifest.require(team.name, symbol, team.config.target))
        problem = model_from_the_future(manifest.trained_through, sessions)
        said = f"{label}: {problem}" if problem else f"Trained through {manifest.trained_through}."
        yield from AS_OF.answer(said, passed=problem is None)
        rows = explained(lambda: rows_of(features, sessions, label))
        answer = explained(lambda: predict(model, rows))
        if answer.note:
            context.log.warning(answer.note)
        calendar = team.platform.calendar
        table = prediction_table(rows, answer.frame, bars, calendar, symbol, manifest.trained_through)
        some = explained(lambda: _again(model, features, ends_and_middle(sessions)))
        wrong = predictions_problem(table, bars, calendar.next_session, some)
        said = f"{label}: {wrong}" if wrong else f"{len(some)} sessions predicted again say the same."
        yield from ALONE.answer(said, passed=wrong is None)
        context.log.info(f"{label}: {len(table)} sessions predicted by {answer.engine}")
        files = session_files(table.assign(team=team.name, model=data_version(model)))
        require_in_time(team.platform, sessions)
        yield files_output(files, _metadata(table, answer.engine, manifest.trained_through))

    return predictions


@shown
def _metadata(table: Any, engine: str, trained_through: date) -> dict[str, Any]:
    return {
        "sessions": len(table),
        "engine": engine,
        "trained_through": trained_through.isoformat(),
        "mean_predicted_return": float(table["predicted_return"].mean()),
        "latest": dg.MetadataValue.md(table.tail(3).to_markdown(index=False, floatfmt=".5f")),
    }


def _again(model: Mapping[str, bytes], features: Any, sessions: list[date]) -> Any:
    """`session` and `predicted_return` of these sessions, asked for again."""
    import pandas as pd

    rows = features[features["session"].isin(pd.DatetimeIndex(sessions))]
    return rows[["session"]].assign(**predict(model, rows).frame)
