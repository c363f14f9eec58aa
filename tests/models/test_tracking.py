import logging
import math
import threading

import pytest

from my_dagster_project.foundation.errors import ModelError
from my_dagster_project.models.tracking import add_figures, flattened, start_run
from my_dagster_project.models.tracking_server import TrackingError, masked


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A real MLflow on sqlite: its URI and artifact root."""
    folder = tmp_path_factory.mktemp("mlflow")
    return f"sqlite:///{folder / 'mlflow.db'}", (folder / "artifacts").as_uri()


def client(store):
    from mlflow import MlflowClient

    return MlflowClient(store[0])


def run_of(store, name="AAPL", experiment="red"):
    return start_run(store[0], experiment, name, {"team": experiment}, artifact_root=store[1])


def test_a_run_keeps_what_it_was_given(store, tmp_path):
    with run_of(store) as run:
        run.log_params({"trainer": {"epochs": 3, "optimizer": {"type": "adam"}}, "seed": 42})
        for epoch in (1, 2, 3):
            run.log_epoch(epoch, {"train_loss": 1.0 / epoch})
        run.log_metrics({"mae": 0.01})
        run.log_files({"manifest.json": b"{}", "ludwig/weights": b"w"})
    found = client(store).get_run(run.run_id)
    assert found.info.status == "FINISHED"
    assert found.info.run_name == "AAPL"
    assert found.data.params == {"trainer.epochs": "3", "trainer.optimizer.type": "adam", "seed": "42"}
    assert found.data.tags["team"] == "red"
    assert found.data.metrics["mae"] == 0.01
    history = client(store).get_metric_history(run.run_id, "train_loss")
    assert [(metric.step, metric.value) for metric in history] == [
        (1, 1.0),
        (2, 0.5),
        (3, pytest.approx(1 / 3)),
    ]
    assert found.info.artifact_uri.startswith(store[1])
    folder = client(store).download_artifacts(run.run_id, "", dst_path=str(tmp_path))
    assert (tmp_path / "ludwig" / "weights").read_bytes() == b"w", folder


def test_a_run_whose_body_raises_has_failed_and_keeps_its_epochs(store):
    def body(run):
        run.log_epoch(1, {"train_loss": 1.0})
        raise ModelError("red/AAPL: diverged at postgresql://me:hunter2@db/x")

    with pytest.raises(ModelError, match="red/AAPL"), run_of(store) as run:
        body(run)
    found = client(store).get_run(run.run_id)
    assert found.info.status == "FAILED"
    assert found.data.tags["error"] == "ModelError"
    assert "hunter2" not in found.data.tags["error_text"]
    assert found.data.metrics == {"train_loss": 1.0}


def test_an_interrupted_run_was_killed(store):
    with pytest.raises(KeyboardInterrupt), run_of(store) as run:
        raise KeyboardInterrupt
    assert client(store).get_run(run.run_id).info.status == "KILLED"


def test_runs_in_several_threads_do_not_mix(tmp_path):
    fresh = (f"sqlite:///{tmp_path / 'mlflow.db'}", (tmp_path / "artifacts").as_uri())
    runs = {}

    def work(name):
        with run_of(fresh, name) as run:
            runs[name] = run.run_id
            for epoch in range(5):
                run.log_epoch(epoch, {"loss": float(len(name))})

    threads = [threading.Thread(target=work, args=("x" * size,)) for size in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(runs) == 3
    for name, run_id in runs.items():
        history = client(fresh).get_metric_history(run_id, "loss")
        assert [metric.value for metric in history] == [float(len(name))] * 5
    assert len(client(fresh).search_experiments(filter_string="name = 'red'")) == 1


def test_opening_a_fresh_store_is_quiet(tmp_path, capfd, caplog):
    with (
        caplog.at_level(logging.INFO),
        run_of((f"sqlite:///{tmp_path / 'mlflow.db'}", (tmp_path / "artifacts").as_uri())),
    ):
        pass
    assert "igration" not in capfd.readouterr().err + caplog.text


def test_without_a_server_an_artifact_root_is_needed():
    with (
        pytest.raises(TrackingError, match="artifact_root is needed"),
        start_run("sqlite:////tmp/x.db", "red", "x", {}),
    ):
        pass


def test_a_store_that_cannot_be_opened_is_one_line_without_credentials(tmp_path):
    (tmp_path / "mlflow.db").write_bytes(b"this is not a database" * 100)
    with (
        pytest.raises(TrackingError, match=r"^MLflow could not open sqlite[^\n]*$"),
        run_of((f"sqlite:///{tmp_path / 'mlflow.db'}", "x")),
    ):
        pass


def test_an_artifact_cannot_leave_the_runs_folder(store):
    with pytest.raises(TrackingError, match="leaves"), run_of(store) as run:
        run.log_files({"../../evil": b""})


def test_secrets_are_masked():
    assert masked("alpaca_api_key", "PK123") == "***"
    assert masked("uri", "postgresql+psycopg2://me:hunter2@db/x") == "postgresql+psycopg2://***@db/x"
    assert masked("uri", "http://mlflow:5000") == "http://mlflow:5000"


def test_settings_are_flattened():
    assert flattened({"a": {"b": {"c": 1}}, "d": [1]}) == {"a.b.c": 1, "d": [1]}


def test_a_deleted_experiment_is_restored(store):
    """A training ended with 'must be in the active state': the name of a deleted experiment stays taken."""
    with run_of(store, experiment="green") as before:
        pass
    found = client(store).get_experiment_by_name("green")
    client(store).delete_experiment(found.experiment_id)
    with run_of(store, experiment="green") as run:
        pass
    assert client(store).get_experiment_by_name("green").lifecycle_stage == "active"
    assert before.run_id != run.run_id


def test_figures_of_the_table_join_the_run_that_made_the_model(store):
    with run_of(store) as run:
        pass
    add_figures(store[0], {run.run_id: {"mase": 0.98, "ic": math.nan}})
    assert client(store).get_run(run.run_id).data.metrics == {"mase": 0.98}


def test_a_run_that_somebody_deleted_does_not_cost_the_others_their_figures(store):
    with run_of(store) as deleted, run_of(store) as kept:
        pass
    client(store).delete_run(deleted.run_id)
    add_figures(
        store[0], {deleted.run_id: {"mase": 0.97}, "0" * 32: {"mase": 1.0}, kept.run_id: {"mase": 0.98}}
    )
    assert client(store).get_run(kept.run_id).data.metrics == {"mase": 0.98}
    assert client(store).get_run(deleted.run_id).data.metrics == {}


def test_a_renamed_experiment_stays_and_another_one_takes_the_name(store):
    with run_of(store, experiment="blue") as before:
        pass
    found = client(store).get_experiment_by_name("blue")
    client(store).rename_experiment(found.experiment_id, "last year's blue")
    with run_of(store, experiment="blue") as run:
        run.log_files({"a.txt": b"1"})
    assert client(store).get_run(run.run_id).info.experiment_id != found.experiment_id
    assert client(store).get_run(before.run_id).info.lifecycle_stage == "active"
