"""The log of who did what: only ever added to, whatever is written into it, and through which door it came."""

import json
from pathlib import Path

import pytest

from my_dagster_project.cli import audit as command
from my_dagster_project.storage.audit import COMMAND, DAGIT, Act, newest, note, note_beside
from my_dagster_project.storage.file_store import FileStore


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path / "store")


def test_acts_are_kept_in_order_the_newest_first(store):
    for number in range(5):
        note(store, Act("red", DAGIT, f"launchRun {number}"))
    told = newest(store, 3)
    assert [(act.who, act.what, act.outcome) for act in told] == [
        ("red", f"launchRun {number}", "done") for number in (4, 3, 2)
    ]
    assert all(act.at.endswith(" UTC") for act in told)
    assert len(newest(store, 100)) == 5


def test_what_a_client_writes_is_cut_and_holds_no_secret(store, monkeypatch):
    monkeypatch.setattr(
        "my_dagster_project.foundation.redaction.secret_values", lambda: frozenset({"geheim-geheim"})
    )
    note(store, Act("red", DAGIT, "geheim-geheim " + "x" * 10_000, "[red]refused[/]\n"))
    [act] = newest(store, 1)
    assert len(act.what) == 500
    assert act.what.startswith("*** xxx")
    assert act.outcome == "[red]refused[/]\n"


def test_a_damaged_act_hides_no_other(store):
    note(store, Act("red", DAGIT, "launchRun"))
    [info] = store.list(".trading/audit/")
    store.put(info.key[:-5] + "0.json", b"{")
    assert [act.who for act in newest(store, 9)] == ["?", "red"]


def test_an_act_that_cannot_be_noted_keeps_nobody_waiting_and_is_said(tmp_path, caplog):
    (tmp_path / "file").write_text("no folder")
    from my_dagster_project.storage.audit import _aside

    note_beside(FileStore(tmp_path / "file" / "store"), Act("red", DAGIT, "terminateRun x"))
    _aside().submit(lambda: None).result(20)
    assert "terminateRun x" in caplog.text


@pytest.mark.parametrize(
    ("words", "noted"),
    [
        ("halt red --reason x", True),
        ("resume --all", True),
        ("reset red --yes", True),
        ("clear red --reason x", True),
        ("season pause", True),
        ("season next 3", True),
        ("season status", False),
        ("season", False),
        ("team add green", True),
        ("gc", False),
        ("gc --delete", True),
        ("maintenance --delete", True),
        ("restore red abc", True),
        ("remake --from 2012-12-03", True),
        ("round", True),
        ("status --check", False),
        ("audit", False),
        ("halt --help", False),
        ("--help", False),
        ("", False),
    ],
)
def test_which_commands_are_on_record(words, noted):
    assert command.changes_something(words.split()) == noted


def test_what_is_not_noted_are_commands_that_there_are():
    from typer.main import get_command

    from my_dagster_project.cli.commands import app

    top = get_command(app).commands
    names = {name for name, one in top.items() if not hasattr(one, "commands")}
    names |= {f"{group} {name}" for group in command._GROUPS for name in top[group].commands}
    assert names >= command.NOT_NOTED


def test_a_command_notes_who_ran_it_and_how_it_went(store, monkeypatch, capsys):
    from types import SimpleNamespace

    monkeypatch.setattr(
        "my_dagster_project.cli.in_force.assets_of", lambda settings: SimpleNamespace(store=store)
    )
    command.put_on_record(["halt", "red", "--reason", "it went mad"], "done")
    command.put_on_record(["status"], "done")
    [act] = newest(store, 9)
    assert (act.door, act.what, act.outcome) == (COMMAND, "trading halt red --reason 'it went mad'", "done")
    assert "@" in act.who


def test_nothing_in_the_log_is_written_twice(store):
    note(store, Act("red", DAGIT, "launchRun"))
    [info] = store.list(".trading/audit/")
    assert not store.put_new(info.key, b"{}")
    assert json.loads(store.get(info.key))["who"] == "red"
