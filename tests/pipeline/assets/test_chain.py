"""What a whole chain leaves behind: predictions, reports and the table of a small competition."""

import json
from dataclasses import replace

import dagster as dg
import pytest

from my_dagster_project.models.manifest import read_manifest
from my_dagster_project.pipeline.assets import keys
from my_dagster_project.reports.report_tests import report_tests
from my_dagster_project.storage.parquet import from_parquet
from tests.pipeline.assets.conftest import CHAINS, SESSIONS
from tests.support.accounts import fills
from tests.support.house import House, checks, failures, made

pytestmark = pytest.mark.slow

FILES = [f"{session}.parquet" for session in SESSIONS]
AS_OF = ("red/AAPL/predictions", "model_is_older_than_the_session")
PREDICTIONS = ("red", "AAPL", "predictions")


def figures(chain, stage, asset):
    return {name: value.value for name, value in made(chain.runs[stage])[asset][-1].metadata.items()}


def test_every_declared_check_of_every_asset_was_answered(chain):
    declared = {
        ("/".join(spec.asset_key.path), spec.name)
        for asset in chain.house.assets
        if isinstance(asset, dg.AssetsDefinition)
        for spec in asset.check_specs
    }
    answered = {name for run in chain.runs.values() for name in checks(run)}
    assert answered == declared


@pytest.mark.parametrize(("team", "symbol"), CHAINS)
def test_the_model_is_stored_with_its_exported_form_and_its_run_in_mlflow(chain, team, symbol):
    manifest = read_manifest(chain.house.store.read((team, symbol, "model")))
    assert (manifest.team, manifest.symbol, manifest.exported) == (team, symbol, True)
    assert manifest.parity.max_abs_diff < 1e-5
    shown = figures(chain, "model", f"{team}/{symbol}/model")
    assert shown["trained_through"] == "2012-11-30"
    assert shown["epochs"] == 2
    assert shown["training_rows"] == sum(manifest.rows.values())
    assert len(shown["mlflow_run"]) == 32


def test_mlflow_holds_the_run_of_each_model_with_its_epochs(chain):
    from mlflow import MlflowClient

    client = MlflowClient(chain.house.settings.mlflow_uri)
    run = client.get_run(figures(chain, "model", "red/IBM/model")["mlflow_run"])
    assert run.info.status == "FINISHED"
    assert run.data.tags["team"] == "red"
    assert run.data.tags["dagster_run"] == chain.runs["model"].run_id
    assert run.data.params["trained_through"] == "2012-11-30"
    assert [point.step for point in client.get_metric_history(run.info.run_id, "train_loss")] == [1, 2]
    assert run.data.metrics["best_validation_loss"] <= run.data.metrics["validation_loss"]


@pytest.mark.parametrize(("team", "symbol"), CHAINS)
def test_a_range_of_sessions_is_one_run_and_one_file_per_session(chain, team, symbol):
    events = made(chain.runs["predictions"])[f"{team}/{symbol}/predictions"]
    assert [event.partition for event in events] == list(SESSIONS)
    assert chain.house.store.names((team, symbol, "predictions")) == FILES


def test_a_prediction_says_about_which_session_from_which_close_and_model(chain):
    row = from_parquet(chain.house.store.read_file(PREDICTIONS, "2013-02-22.parquet")).iloc[0]
    assert str(row["session"].date()) == "2013-02-22"
    assert str(row["target_session"].date()) == "2013-02-25"
    assert str(row["trained_through"].date()) == "2012-11-30"
    assert row["close"] == 450.81
    assert (row["team"], row["symbol"]) == PREDICTIONS[:2]
    assert row["model"] == chain.house.store.fingerprint((*PREDICTIONS[:2], "model"))
    assert abs(row["predicted_return"]) < 0.2
    assert row.isna()["probability_up"]


def test_a_classification_team_gives_a_probability_and_the_return_it_stands_for(chain):
    row = from_parquet(chain.house.store.read_file(("blue", "AAPL", "predictions"), FILES[0])).iloc[0]
    assert 0 < row["probability_up"] < 1
    assert (row["predicted_return"] > 0) == (row["probability_up"] > 0.5)


def test_a_session_alone_gives_the_bytes_it_had_in_the_range(chain):
    before = chain.house.store.fingerprint(PREDICTIONS)
    assert chain.house.materialize(keys.predictions_key("red", "AAPL"), sessions=[SESSIONS[2]]).success
    assert chain.house.store.fingerprint(PREDICTIONS) == before


def test_predictions_run_on_onnxruntime(chain):
    assert figures(chain, "predictions", "red/AAPL/predictions")["engine"] == "onnxruntime"


def test_a_session_the_model_has_seen_is_not_predicted(chain):
    # The registry refuses such a competition; a model trained later by hand would still meet this check.
    registry = chain.house.platform.registry
    earlier = registry.competition.model_copy(update={"start": registry.market.start.replace(year=2012)})
    platform = replace(chain.house.platform, registry=registry.model_copy(update={"competition": earlier}))
    before = chain.house.store.fingerprint(PREDICTIONS)
    run = House(platform, chain.house.settings).materialize(
        keys.predictions_key("red", "AAPL"), sessions=["2012-11-29", "2012-11-30", "2012-12-03"]
    )
    answer = checks(run)[AS_OF]
    assert not answer.passed
    assert answer.description.startswith(
        "red AAPL: the model has seen the closes up to 2012-11-30, so it must not predict 2012-11-29 and 1 more"
    )
    assert made(run) == {}
    assert chain.house.store.fingerprint(PREDICTIONS) == before


def test_sessions_without_features_are_named_and_nothing_is_stored(chain):
    before = chain.house.store.fingerprint(PREDICTIONS)
    run = chain.house.later(end=None).materialize(
        keys.predictions_key("red", "AAPL"), sessions=["2013-02-28", "2013-03-01", "2013-03-04", "2013-03-05"]
    )
    [message] = failures(run).values()
    assert message.startswith(
        "red AAPL: no features for 2013-03-04, 2013-03-05; materialize the bars and features"
    )
    assert chain.house.store.fingerprint(PREDICTIONS) == before


@pytest.mark.parametrize(("team", "symbol"), CHAINS)
def test_a_report_is_a_page_for_people_and_figures_for_the_table(chain, team, symbol):
    files = chain.house.store.read((team, symbol, "report"))
    assert sorted(files) == ["report.html", "report.json", "scored.parquet"]
    content = json.loads(files["report.json"])
    assert content["metrics"]["n"] == 5
    assert b"Too few sessions: 5 scored, 20 are needed" in files["report.html"]
    assert figures(chain, "report", f"{team}/{symbol}/report")["mase"] == content["metrics"]["mase"]


@pytest.mark.parametrize(("team", "symbol"), CHAINS)
def test_a_reports_tests_are_asset_checks_answered_under_their_names(chain, team, symbol):
    answers = checks(chain.runs["report"])
    target = chain.house.platform.teams[team].target
    for spec in report_tests(target):
        answer = answers[f"{team}/{symbol}/report", spec.name]
        assert answer.passed
        assert answer.description.startswith("Too few sessions: 5 scored")


def test_every_session_was_traded_and_is_on_record(chain):
    for team in ("red", "blue"):
        assert chain.house.store.names((team, "orders")) == [f"{session}.json" for session in SESSIONS]
        ids = [order.client_order_id for order in chain.house.account(team).orders()]
        assert len(ids) == len(set(ids))
        assert all(one.startswith(f"{team}-2013022") for one in ids)


def test_the_table_shows_every_team_symbol_and_house_team_and_the_equity(chain):
    shown = figures(chain, "leaderboard", "competition/leaderboard")
    for text in (
        "**red**",
        "**blue**",
        "*naive*",
        "*buy-and-hold*",
        "| red | IBM | 5 |",
        "| blue | AAPL | 5 |",
    ):
        assert text in shown["table"]
    assert shown["equity"].startswith("![equity of every team](data:image/png;base64,")


def test_the_stored_table_agrees_with_reports_and_accounts(chain):
    board = json.loads(chain.house.store.read_file(("competition", "leaderboard"), "leaderboard.json"))
    rows = {row["team"]: row for row in board["teams"]}
    for team in ("red", "blue"):
        account = chain.house.account(team)
        assert rows[team]["trading"]["orders"] == len(account.orders())
        assert rows[team]["trading"]["fills"] == len(fills(account))
        assert rows[team]["trading"]["equity"] == pytest.approx(float(account.account().equity))
    by_symbol = {(row["team"], row["symbol"]): row["metrics"]["mase"] for row in board["symbols"]}
    for team, symbol in CHAINS:
        report = json.loads(chain.house.store.read_file((team, symbol, "report"), "report.json"))
        assert by_symbol[team, symbol] == report["metrics"]["mase"]


def test_the_whole_chain_again_changes_no_stored_byte(chain):
    kinds = ("features", "predictions", "report")
    assets = [(team, symbol, kind) for team, symbol in CHAINS for kind in kinds] + [
        ("competition", "leaderboard")
    ]
    before = {asset: chain.house.store.fingerprint(asset) for asset in assets}
    wanted = [keys.features_key(*one) for one in CHAINS] + [keys.report_key(*one) for one in CHAINS]
    assert chain.house.materialize(*wanted).success
    again = [keys.predictions_key(*one) for one in CHAINS]
    assert chain.house.materialize(*again, sessions=SESSIONS).success
    assert chain.house.materialize(keys.leaderboard_key()).success
    assert {asset: chain.house.store.fingerprint(asset) for asset in assets} == before


def test_a_model_is_trained_from_the_same_seed_to_the_same_version(chain):
    [first] = made(chain.runs["model"])["blue/AAPL/model"]
    [second] = made(chain.house.materialize(keys.model_key("blue", "AAPL")))["blue/AAPL/model"]
    assert second.tags["dagster/data_version"] == first.tags["dagster/data_version"]
