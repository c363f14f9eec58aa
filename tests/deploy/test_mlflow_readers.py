"""The account `teams` at the tracking server: every route of the installed MLflow, asked through the server's own application."""

import importlib
import re
import sys
from itertools import product

import pytest

from tests.deploy.test_scripts import ROOT

pytestmark = pytest.mark.slow
ADMIN, TEAMS = ("platform", "platform-secret-1"), ("teams", "teams-secret-123")
SAID = "The account teams reads"
# Unauthenticated, by MLflow's own decision: is it alive, how is it configured, its pictures and scripts.
OPEN = re.compile(r"/health|/static.*|/(ajax-)?api/3\.0/mlflow/server-info")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """MLflow's application as `start.py` starts it, on SQLite."""
    from starlette.testclient import TestClient

    folder = tmp_path_factory.mktemp("mlflow")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "mlflow-tracking-server"))
        start = importlib.import_module("start")
        database = f"sqlite:///{folder}/accounts.db"
        start.write_auth_file(folder / "auth.ini", database, ADMIN)
        environment = {
            **start.SERVER,
            "MLFLOW_AUTH_CONFIG_PATH": str(folder / "auth.ini"),
            "MLFLOW_FLASK_SERVER_SECRET_KEY": "a-key-of-this-test",
            "_MLFLOW_SGI_NAME": "uvicorn",
            "_MLFLOW_SERVER_FILE_STORE": f"sqlite:///{folder}/mlflow.db",
            "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
            "_MLFLOW_SERVER_ARTIFACT_DESTINATION": str(folder / "artifacts"),
            "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
        }
        environment.pop("PYTHONPATH")
        for name, value in environment.items():
            patch.setenv(name, value)
        start.make_accounts(database, ADMIN, TEAMS[1])
        from mlflow.server.auth import create_app

        yield TestClient(create_app(), raise_server_exceptions=False, base_url="http://localhost:5000")
    for name in ("start", "readers"):
        sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def routes(server):
    """Method and address of everything the installed MLflow answers, placeholders filled."""
    from mlflow.server import app as flask_app

    found = {(method, rule.rule) for rule in flask_app.url_map.iter_rules() for method in rule.methods}
    for route in server.app.routes:
        found |= set(product(getattr(route, "methods", None) or (), [getattr(route, "path", "")]))
    asked = {
        (method, re.sub(r"<[^>]+>|\{[^}]+\}", "x", path)) for method, path in found if method != "OPTIONS"
    }
    assert len(asked) > 300
    return sorted(asked)


def test_what_is_not_on_the_list_is_refused_whatever_the_installed_mlflow_offers(server, routes):
    readers = importlib.import_module("readers")
    closed = [one for one in routes if not readers.may_look(*one) and not OPEN.fullmatch(one[1])]
    assert len(closed) > 200
    let_in = []
    for method, path in closed:
        answer = server.request(method, path, auth=TEAMS)
        if answer.status_code != 403:
            let_in.append((method, path, answer.status_code))
    assert let_in == []


def test_no_address_on_the_list_changes_anything(routes):
    readers = importlib.import_module("readers")
    changing = {
        path for method, path in routes if method not in ("GET", "HEAD") and readers.may_look(method, path)
    }
    ends = {path.rpartition("/mlflow/")[2] for path in changing}
    questions = {"experiments/search", "experiments/search-datasets", "logged-models/search", "runs/search"}
    others = {"registered-models/get-latest-versions", "traces/metrics", "traces/search", "/graphql"}
    assert ends == questions | others
    from mlflow.server.graphql.graphql_custom_scalars import LongString  # noqa: F401 - the schema needs its module
    from mlflow.server.graphql.graphql_schema_extensions import schema

    # By name mutations, by what they do searches.
    searches = {"mlflowSearchDatasets", "mlflowSearchRuns", "testMutation"}
    assert set(schema.graphql_schema.mutation_type.fields) == searches


@pytest.mark.parametrize("where", ["file:///etc", "s3://mlflow/red/run"])
def test_a_team_makes_no_experiment_wherever_its_artifacts_would_lie(server, where):
    body = {"name": "ours", "artifact_location": where}
    answer = server.post("/api/2.0/mlflow/experiments/create", json=body, auth=TEAMS)
    assert (answer.status_code, answer.text[: len(SAID)]) == (403, SAID)
    model = server.post("/api/2.0/mlflow/registered-models/create", json={"name": "ours"}, auth=TEAMS)
    assert model.status_code == 403


def test_the_platform_writes_and_a_team_sees_it(server):
    made = server.post("/api/2.0/mlflow/experiments/create", json={"name": "red"}, auth=ADMIN)
    run = {"experiment_id": made.json()["experiment_id"], "run_name": "AAPL"}
    assert server.post("/api/2.0/mlflow/runs/create", json=run, auth=ADMIN).status_code == 200
    file = "/api/2.0/mlflow-artifacts/artifacts/1/x/artifacts/notes.txt"
    assert server.put(file, content=b"kept", auth=ADMIN).status_code == 200
    asked = {"experiment_ids": [run["experiment_id"]]}
    for base in ("/api/2.0/mlflow", "/ajax-api/2.0/mlflow"):
        found = server.post(f"{base}/runs/search", json=asked, auth=TEAMS).json()["runs"]
        assert [one["info"]["run_name"] for one in found] == ["AAPL"]
        assert server.get(f"{base}/experiments/search?max_results=5", auth=TEAMS).status_code == 200
    assert server.get(file, auth=TEAMS).content == b"kept"
    assert server.get("/", auth=TEAMS).status_code == 200
    assert server.put(file, content=b"mine", auth=TEAMS).status_code == 403
    assert server.delete(file, auth=TEAMS).status_code == 403
    assert server.get(file, auth=ADMIN).content == b"kept"


def test_without_an_account_nothing_is_answered(server):
    assert server.get("/api/2.0/mlflow/experiments/search?max_results=5").status_code == 401


def test_the_container_becomes_the_web_server_and_nothing_waits_beside_it(server, monkeypatch, tmp_path):
    import mlflow.server

    class Become(BaseException):
        """In the place of exec, which ends whoever calls it."""

    def execvpe(program, command, environ):
        raise Become(program, command, environ)

    monkeypatch.setenv("MLFLOW_BACKEND_STORE_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.setattr(mlflow.server, "_exec_cmd", mlflow.server._exec_cmd)
    monkeypatch.setattr("os.execvpe", execvpe)
    with pytest.raises(Become) as became:
        sys.modules["start"].serve()
    program, command, environ = became.value.args
    assert (program, command[:3]) == (command[0], [sys.executable, "-m", "uvicorn"])
    assert environ["_MLFLOW_SERVER_FILE_STORE"] == f"sqlite:///{tmp_path}/mlflow.db"
