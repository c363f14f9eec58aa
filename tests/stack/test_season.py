"""A season on the stack, from outside: bars, training, the daily and the trading schedule, versions, pages."""

import json
import subprocess
from datetime import date
from hashlib import md5
from pathlib import Path

import pytest
import yaml

from tests.e2e.project import BIN
from tests.stack.market import daily_ticks_now, newest_partition, trade_ticks_now
from tests.stack.platform import Stack, wait_for
from tests.stack.story import (
    address,
    bucket_client,
    clone,
    push,
    push_crons,
    push_edit,
    reading_keys,
    scheduled,
    stored,
    try_push,
)
from tests.support.gitrepo import git

pytestmark = pytest.mark.stack
TEAMS = ("red", "blue")


@pytest.fixture(scope="module")
def last() -> date:
    return newest_partition()


@pytest.fixture(scope="module")
def trained(stack) -> Stack:
    """Bars fetched and every model trained, by runs that somebody launched in Dagit."""
    stack.succeed(stack.launch("market_daily"))
    for run in [stack.launch(f"{team}_train") for team in TEAMS]:
        stack.succeed(run)
    return stack


@pytest.fixture(scope="module")
def daily(trained, last, tmp_path_factory) -> dict[str, dict]:
    """Each team's daily run, made by the schedule that the team pushed; by hand at hours when none may be.

    The schedule of trading ticks, too, and waits for the predictions.
    """
    push_crons(trained, TEAMS, tmp_path_factory.mktemp("crons"), "daily", "trade")
    if daily_ticks_now():
        runs = {
            team: wait_for(lambda team=team: scheduled(trained, f"{team}_daily"), 150)[-1]["runId"]
            for team in TEAMS
        }
    else:
        runs = {team: trained.launch(f"{team}_daily", last.isoformat()) for team in TEAMS}
    for run in runs.values():
        trained.succeed(run)
    return {team: next(one for one in trained.runs() if one["runId"] == run) for team, run in runs.items()}


@pytest.fixture(scope="module")
def traded(daily, stack, last) -> dict[str, dict]:
    """The record of each team's orders after the last session.

    By its schedule; between an open and the next midnight in New York, when no order may be placed, by a person in Dagit.
    """
    for team in TEAMS:
        if trade_ticks_now():
            run = wait_for(lambda team=team: scheduled(stack, f"{team}_trade"), 150)[-1]["runId"]
        else:
            run = stack.launch(f"{team}_trade", last.isoformat())
        stack.succeed(run)
    return {team: json.loads(read(stack, f"store/{team}/orders/{last}.json")) for team in TEAMS}


def read(stack: Stack, name: str) -> bytes:
    return bucket_client(stack).get_object("trading", name).read()


def test_the_schedule_ran_each_team_once_for_the_last_session(daily, stack, last):
    for team, run in daily.items():
        assert run["tags"]["dagster/partition"] == last.isoformat()
        assert run["tags"]["config"].startswith(f"{team} at ")
        assert len(scheduled(stack, f"{team}_daily")) == (1 if daily_ticks_now() else 0)


def test_predictions_and_reports_lie_in_minio(daily, stack, last):
    for team, symbol in (("red", "AAPL"), ("red", "IBM"), ("blue", "IBM")):
        objects = stored(stack, f"store/{team}/{symbol}/")
        assert objects[f"store/{team}/{symbol}/predictions/{last}.parquet"] > 0
        assert objects[f"store/{team}/{symbol}/report/report.html"] > 0


def test_every_order_reached_the_broker_once(traded, last):
    for team, record in traded.items():
        assert record["plan"]["session"] == last.isoformat()
        assert {outcome["status"] for outcome in record["outcomes"]} <= {"submitted"}
        ids = [outcome["planned"]["client_order_id"] for outcome in record["outcomes"]]
        assert len(set(ids)) == len(ids)
        assert all(name.startswith(f"{team}-") for name in ids)


def test_versions_reach_the_teams_repository_and_dvc_pull_brings_the_bytes(daily, stack, tmp_path, last):
    def pointer() -> Path | None:
        folder = clone(stack, "red", tmp_path / f"try{len(list(tmp_path.iterdir()))}", "red").folder
        return folder if (folder / "assets/red/AAPL/predictions.dvc").exists() else None

    folder = wait_for(pointer, 120)
    done = subprocess.run(
        [str(BIN / "dvc"), "pull"], cwd=folder, env=reading_keys(stack), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    pulled = folder / f"assets/red/AAPL/predictions/{last}.parquet"
    assert (
        md5(pulled.read_bytes()).digest()
        == md5(read(stack, f"store/red/AAPL/predictions/{last}.parquet")).digest()
    )
    out = yaml.safe_load((folder / "assets/red/AAPL/report.dvc").read_text())["outs"][0]
    assert out["nfiles"] == len(list((folder / "assets/red/AAPL/report").rglob("*.*")))


def test_the_key_people_have_cannot_write(stack):
    from minio.error import S3Error

    people = bucket_client(stack, "DVC_READ_KEY", "DVC_READ_SECRET")
    with pytest.raises(S3Error, match="Access Denied"):
        people.remove_object("trading", "store/red/IBM/report/report.html")
    # What the teams have not published by git is not theirs to read either.
    with pytest.raises(S3Error, match="Access Denied"):
        people.get_object("trading", "store/red/IBM/report/report.html")


def test_a_push_changes_the_graph_and_trains_what_is_new(trained, stack, tmp_path):
    assert "red/MSFT/model" not in stack.assets()
    push_edit(stack, "red", tmp_path / "red", lambda config: config["symbols"].append("MSFT"))
    wait_for(lambda: "red/MSFT/model" in stack.assets(), 90)

    def training() -> dict | None:
        found = [run for run in stack.runs() if run["jobName"] == "red_train"]
        return next((run for run in found if "MSFT" in str(run["assetSelection"])), None)

    run = wait_for(training)  # once the bars are there that nobody had asked for before
    stack.succeed(run["runId"])
    made = {"/".join(key["path"]) for key in run["assetSelection"]}
    assert made == {"red/MSFT/features", "red/MSFT/training_rows", "red/MSFT/model"}


def test_a_team_moves_its_own_branch_only(stack, tmp_path):
    folder = clone(stack, "red", tmp_path / "red", "red").folder
    for target in ("blue", "main", "platform"):
        code, said = try_push(folder, f"HEAD:refs/heads/{target}")
        assert code != 0, said
        assert target in said
    done = subprocess.run(
        ["git", "ls-remote", address(stack, "red").replace("red:", "red:wrong")],
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0


def test_a_mistake_is_told_and_disturbs_nobody(stack, tmp_path):
    bad = push_edit(stack, "blue", tmp_path / "blue", lambda config: config["trading"].update(buy_abov=1))
    page = wait_for(lambda: (text := stack.fetch("front", "/status")[1]) and "buy_abov" in text and text, 90)
    assert "did you mean buy_above?" in page
    assert "blue/IBM/model" in stack.assets()
    folder = clone(stack, "blue", tmp_path / "again", "blue").folder
    git(folder, "revert", "--no-edit", bad)
    push(folder, "blue")
    wait_for(lambda: "buy_abov" not in stack.fetch("front", "/status")[1], 90)


def test_who_may_look_and_who_may_change(stack):
    assert stack.fetch("dagit", "/server_info")[0] == 401
    assert stack.fetch("dagit", "/server_info", user=stack.teams)[0] == 200
    own, others = stack.launching("blue_train"), stack.launching("red_train")
    # What a client says of itself counts for nothing.
    forged = {"Content-Type": "application/json", "X-Trading-User": "organiser"}
    for user, body in ((stack.teams, own), (stack.team("blue"), others)):
        status, text = stack.fetch("dagit", "/graphql", user=user, body=body, **forged)
        assert (status, "UnauthorizedError" in text) == (200, True), text
    status, text = stack.fetch("dagit", "/graphql", user=stack.team("blue"), body=own, **forged)
    run = json.loads(text)["data"]["launchRun"]["run"]["runId"]
    tags = next(one["tags"] for one in stack.runs() if one["runId"] == run)
    assert (tags["user"], tags["team"]) == ("blue", "blue")
    stack.finished(run)
    assert stack.fetch("mlflow", "/api/2.0/mlflow/experiments/search?max_results=1")[0] == 401
    assert stack.fetch("front", "/healthz")[0] == 200


@pytest.mark.parametrize("service", ["dagit", "front", "mlflow"])
def test_a_page_of_another_site_changes_nothing(stack, service):
    user = stack.organiser if service == "dagit" else ""
    headers = {"Content-Type": "application/json", "Origin": "https://elsewhere.example.com"}
    assert stack.fetch(service, "/graphql", user=user, body=b"{}", **headers)[0] == 403
