"""The account `teams` at the tracking server: every route of the installed MLflow, asked through the server's own application."""

import importlib
import re
import sys
from collections.abc import Iterator
from itertools import product

import pytest

from tests.deploy.test_scripts import ROOT
from tests.support.loopback import Reply, serving

pytestmark = pytest.mark.slow
ADMIN, TEAMS = ("platform", "platform-secret-1"), ("teams", "teams-secret-123")
RED, BLUE = ("red", "the-word-of-red"), ("blue", "the-word-of-blue")
API = "/api/2.0/mlflow"
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
        start.make_accounts(database, ADMIN, dict([TEAMS, RED, BLUE]))
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


@pytest.fixture
def own(server, monkeypatch) -> Iterator[dict[str, str]]:
    """By team: an experiment, a run and a file of it, each with the team's secret. And teams see their own only."""
    front = Reply(body=b'{"visibility": "own"}')
    made = {}
    for team in ("red", "blue"):
        found = server.get(f"{API}/experiments/get-by-name?experiment_name={team}", auth=ADMIN)
        if found.status_code == 404:
            server.post(f"{API}/experiments/create", json={"name": team}, auth=ADMIN)
            found = server.get(f"{API}/experiments/get-by-name?experiment_name={team}", auth=ADMIN)
        experiment = found.json()["experiment"]["experiment_id"]
        told = {"experiment_id": experiment, "run_name": f"secret of {team}"}
        run = server.post(f"{API}/runs/create", json=told, auth=ADMIN).json()["run"]["info"]["run_id"]
        param = {"run_id": run, "key": "idea", "value": f"secret of {team}"}
        server.post(f"{API}/runs/log-parameter", json=param, auth=ADMIN)
        file = f"/api/2.0/mlflow-artifacts/artifacts/{experiment}/{run}/artifacts/notes.txt"
        server.put(file, content=f"secret of {team}".encode(), auth=ADMIN)
        made[team] = {"experiment": experiment, "run": run, "file": file}
    with serving(front) as here:
        monkeypatch.setenv("TRADING_VISIBILITY_URL", f"http://127.0.0.1:{here.port}/visibility")
        monkeypatch.setattr(sys.modules["readers"], "_sight", sys.modules["readers"].Sight())
        yield made


def asked_of(server, made: dict[str, str], auth: tuple[str, str]) -> str:
    """All that an account is told when it asks after a team's experiment by every road."""
    experiment, run, file = made["experiment"], made["run"], made["file"]
    query = "query($r: String!) { mlflowGetRun(input: {runId: $r}) { run { info { runName } data { params { value } } } } }"
    search = "mutation($e: [String]) { mlflowSearchRuns(input: {experimentIds: $e}) { runs { info { runName } } } }"
    answers = [
        server.get(f"{API}/experiments/get?experiment_id={experiment}", auth=auth),
        server.get(f"{API}/experiments/get-by-name?experiment_name=blue", auth=auth),
        server.get(f"{API}/runs/get?run_id={run}", auth=auth),
        server.post(f"{API}/runs/search", json={"experiment_ids": [experiment]}, auth=auth),
        server.get(f"{API}/metrics/get-history?run_id={run}&metric_key=x", auth=auth),
        server.get(f"{API}/artifacts/list?run_id={run}", auth=auth),
        server.get(f"/get-artifact?path=notes.txt&run_uuid={run}", auth=auth),
        server.get(file, auth=auth),
        server.get(file.replace("/1/", "/%31/"), auth=auth),
        server.get(f"/api/2.0/mlflow-artifacts/artifacts?path={experiment}/{run}/artifacts", auth=auth),
        server.post("/graphql", json={"query": query, "variables": {"r": run}}, auth=auth),
        server.post("/graphql", json={"query": search, "variables": {"e": [experiment]}}, auth=auth),
        server.post(f"{API}/logged-models/search", json={"experiment_ids": [experiment]}, auth=auth),
    ]
    return "\n".join(answer.text for answer in answers)


def test_where_teams_see_their_own_each_has_its_experiment_and_no_other(server, own):
    everybody = server.post(f"{API}/experiments/search", json={"max_results": 50}, auth=ADMIN).text
    for auth in (RED, TEAMS):
        told = server.post(f"{API}/experiments/search", json={"max_results": 50}, auth=auth).json()
        names = {one["name"] for one in told.get("experiments", [])}
        assert names == {auth[0]} & {"red"}, everybody
        said = asked_of(server, own["blue"], auth)
        assert "secret of blue" not in said
        assert "notes.txt" not in said
    assert asked_of(server, own["blue"], BLUE).count("secret of blue") > 5
    assert server.get(own["red"]["file"], auth=RED).content == b"secret of red"
    # The platform's experiments keep their files under the team's name; whose that is MLflow cannot know.
    for team in ("red", "blue"):
        by_name = f"/api/2.0/mlflow-artifacts/artifacts/{team}/x/artifacts/notes.txt"
        assert server.put(by_name, content=b"kept", auth=ADMIN).status_code == 200
        assert server.get(by_name, auth=RED).status_code == 403


def test_an_open_competition_shows_every_experiment_again(server, own, monkeypatch):
    assert "secret of blue" not in asked_of(server, own["blue"], RED)
    monkeypatch.delenv("TRADING_VISIBILITY_URL")
    monkeypatch.setattr(sys.modules["readers"], "_sight", sys.modules["readers"].Sight())
    assert asked_of(server, own["blue"], RED).count("secret of blue") > 5
    # A front that is away closes what nobody has said is open.
    monkeypatch.setenv("TRADING_VISIBILITY_URL", "http://127.0.0.1:9/visibility")
    monkeypatch.setattr(sys.modules["readers"], "_sight", sys.modules["readers"].Sight())
    assert "secret of blue" not in asked_of(server, own["blue"], RED)


def test_without_an_account_nothing_is_answered(server):
    assert server.get("/api/2.0/mlflow/experiments/search?max_results=5").status_code == 401


def test_a_teams_account_is_that_of_git_where_its_password_is_long_enough(server, capsys):
    accounts = f"organiser:{'o' * 20},platform:{'p' * 20},teams:{'t' * 20},red:{RED[1]},green:short-one"
    secrets = {"GIT_ACCOUNTS": accounts, "MLFLOW_TRACKING_USERNAME": "admin"}
    assert sys.modules["start"].team_accounts(secrets) == dict([RED])
    assert "Team green has no account here" in capsys.readouterr().out
    del secrets["GIT_ACCOUNTS"]
    assert sys.modules["start"].team_accounts(secrets) == {}


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
