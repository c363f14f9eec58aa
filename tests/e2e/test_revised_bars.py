"""A source corrects a bar: it arrives, it is said, and nobody rewrites the past for it but on command."""

import pytest

from tests.e2e.project import SESSIONS
from tests.e2e.test_bad_input import csv_prices

pytestmark = pytest.mark.slow

DECISIONS = ("model", "predictions", "orders", "fills")


def decisions(project):
    return {name: md5 for name, md5 in project.stored().items() if set(name.split("/")) & set(DECISIONS)}


def raise_close(project, session, by=1.001):
    """Let IBM have closed a little higher that day."""
    path = project.folder / "prices" / "IBM.csv"
    lines = path.read_text().splitlines()
    [number] = [n for n, line in enumerate(lines) if line.startswith(session)]
    cells = lines[number].split(",")
    cells[4] = f"{float(cells[4]) * by:.2f}"
    cells[6] = f"{float(cells[6]) * by:.6f}"
    lines[number] = ",".join(cells)
    path.write_text("\n".join(lines) + "\n")
    return float(cells[4])


def test_a_revised_bar_arrives_is_listed_and_changes_no_decision_until_remake(copied):
    csv_prices(copied, "IBM")
    # Of one team, whose one model is made anew at the end.
    copied.edit("teams", lambda registry: registry["teams"].pop("red"))
    before = decisions(copied)
    same = copied.trading("run")
    assert same.code == 0, same.text
    assert "revised b" not in same.text
    wrong = raise_close(copied, "2010-05-14")

    done = copied.trading("run")
    assert done.code == 0, done.text
    listed = f"2010-05-14: close 131.19 -> {wrong:g}"
    assert "IBM: the source has revised bars" in done.out
    assert listed in done.out
    assert "`trading remake` makes them anew" in done.out
    status = copied.trading("status").out
    assert "IBM bars" in status
    assert listed in status
    assert "Everything is up to date." in status
    assert decisions(copied) == before
    assert not [job for job, _ in copied.dagster_runs() if job.endswith("_trade")][2 * len(SESSIONS) :]

    remade = copied.trading("remake", "--from", SESSIONS[2])
    assert remade.code == 0, remade.text
    assert f"blue: trading {len(SESSIONS)} done" in remade.out
    assert "all sessions anew on a fresh account, on today's bars" in remade.out
    assert "revised b" not in copied.trading("status").out
    after = decisions(copied)
    kept = [f"store/blue/IBM/predictions/{session}.parquet" for session in SESSIONS[:2]]
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    assert after["store/blue/IBM/model/model.onnx"] != before["store/blue/IBM/model/model.onnx"]
    again = copied.trading("run")
    assert "blue: trading: up to date" in again.out
    assert "blue: features and models: up to date" in again.out
    assert decisions(copied) == after


def test_fetch_says_what_is_wrong_with_a_name_and_takes_a_shorter_source_only_when_told(copied):
    assert "teams trade AAPL, IBM" in copied.trading("fetch", "SAP").err
    assert "no session of the replay" in copied.trading("remake", "--from", "2013-02-23").err
    csv_prices(copied, "AAPL", "IBM")
    assert copied.trading("fetch").code == 0
    path = copied.folder / "prices" / "IBM.csv"
    head, *lines = path.read_text().splitlines()
    path.write_text("\n".join([head, *lines[5:]]) + "\n")
    refused = copied.trading("fetch", "IBM")
    assert refused.code == 1
    assert "no longer has 5 of the bars we hold" in refused.out
    assert "trading fetch IBM --again" in refused.out
    assert copied.trading("fetch", "IBM", "--again").code == 0
