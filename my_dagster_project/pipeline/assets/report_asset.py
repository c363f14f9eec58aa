"""A team's Evidently report of a symbol over all scored sessions; its tests are asset checks."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from my_dagster_project.domain.evaluation import score
from my_dagster_project.domain.predictions import by_earlier_models
from my_dagster_project.foundation.errors import ObjectMissingError
from my_dagster_project.foundation.settings import load_settings
from my_dagster_project.models.training_input import RETURN
from my_dagster_project.pipeline.assets.keys import report_key
from my_dagster_project.pipeline.assets.outputs import files_output, picture, shown
from my_dagster_project.pipeline.assets.team_context import TeamContext
from my_dagster_project.pipeline.partitions import is_looked_at
from my_dagster_project.pipeline.retries import explained, network_retries
from my_dagster_project.reports.evidently_report import ReportFiles, build_report
from my_dagster_project.reports.plots import prediction_plot
from my_dagster_project.reports.report_tests import ReportTest, report_tests
from my_dagster_project.storage import names
from my_dagster_project.storage.parquet import to_parquet
from my_dagster_project.teams.platform import Platform


def report_asset(team: TeamContext, symbol: str) -> dg.AssetsDefinition:
    """The asset `[team, SYMBOL, report]`: report.html for people, report.json and scored.parquet for programs."""
    key = report_key(team.name, symbol)
    specs = report_tests(team.config.target)

    @dg.asset(
        description=f"How good {team.name}'s predictions of {symbol} were, beside the naive forecast.",
        retry_policy=network_retries(),
        check_specs=[dg.AssetCheckSpec(spec.name, asset=key, description=spec.description) for spec in specs],
        **team.stamped("report", "evidently", "html", symbol=symbol),
    )
    def report(
        context: dg.AssetExecutionContext, predictions: Any, training_rows: Any, features: Any, bars: Any
    ) -> Iterator[Any]:
        scored = explained(lambda: score(predictions, bars))
        learnt_from = explained(lambda: _rows_in_force(team, predictions, training_rows))
        made = explained(lambda: _report(team, symbol, scored, predictions, features, learnt_from))
        context.log.info(
            f"{team.name} {symbol}: {made.metrics.n} sessions scored, MASE {made.metrics.mase:.3f}"
        )
        for test in made.tests:
            yield _check_result(test)
        files = made.files | {names.SCORED: to_parquet(scored)}
        yield files_output(
            files, {**_metadata(made, scored, symbol, team.platform), **_address(team.name, symbol)}
        )

    return report


def _rows_in_force(team: TeamContext, predictions: Any, training_rows: Any) -> Any:
    """What the model learned from that predicts now, that of the newest session; no rows where none are stored of its window.

    So it is of sessions that were predicted before the team's file had other windows.
    """
    window = team.config.training.window_of(predictions["session"].max().date())
    if not window:
        return training_rows
    try:
        return training_rows[window]
    except (KeyError, ObjectMissingError):
        return predictions[["session"]].head(0)


def _report(
    team: TeamContext, symbol: str, scored: Any, predictions: Any, features: Any, learnt_from: Any
) -> ReportFiles:
    inputs = features[["session", *team.config.for_symbol(symbol).input_names]]
    judged = predictions[predictions["session"].isin(scored["session"])]
    earlier = by_earlier_models(judged, team.config.training.window_of)["session"]
    return build_report(
        scored,
        inputs[inputs["session"].isin(scored["session"])],
        learnt_from[[name for name in inputs.columns if name in learnt_from]],
        target=team.config.target,
        team=team.name,
        symbol=symbol,
        looks=team.platform.looks,
        earlier=[session.date() for session in earlier],
        measured=is_looked_at(team.platform),
        returns_reference=learnt_from.get(RETURN),
    )


@shown
def _check_result(test: ReportTest) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=test.name,
        passed=test.status in ("pass", "skip"),
        severity=dg.AssetCheckSeverity.ERROR if test.status == "fail" else dg.AssetCheckSeverity.WARN,
        description=test.description,
    )


@shown
def _metadata(made: ReportFiles, scored: Any, symbol: str, platform: Platform) -> dict[str, Any]:
    figures = {name: value for name, value in vars(made.metrics).items() if value == value}
    if scored.empty or not is_looked_at(platform):
        return figures
    return figures | {"predicted_and_actual": picture(made.picture or prediction_plot(scored), symbol)}


@shown
def _address(team: str, symbol: str) -> dict[str, Any]:
    """Where people open the page, for a click in Dagit; nothing where no front page is announced."""
    front = load_settings().front_url
    return {"page": dg.MetadataValue.url(f"{front}/reports/{team}/{symbol}")} if front else {}
