"""The commands as people type them, on 80 columns, in a project of real branches."""

import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from my_dagster_project.cli import versions as commands
from my_dagster_project.foundation.console import Console
from my_dagster_project.foundation.errors import TradingError
from my_dagster_project.foundation.settings import load_settings, settings_from
from my_dagster_project.git.branch import BranchRepo
from my_dagster_project.storage.dvc_format import md5_of
from tests.history.conftest import MODEL, PREDICTIONS, REPORT, Deployment, report
from tests.storage.conftest import Place
from tests.support.configs import CONFIGS
from tests.support.gitrepo import git


@pytest.fixture
def project(tmp_path, monkeypatch) -> Deployment:
    """The committed configs in a repository of their own, stores under .local as in the embedded default."""
    repo = tmp_path / "repo"
    repo.mkdir()
    git(repo, "init", "-q", "-b", "main")
    (repo / "configs").mkdir()
    for file in CONFIGS.glob("*.yaml"):
        (repo / "configs" / file.name).write_bytes(file.read_bytes())
    git(repo, "add", ".")
    git(repo, "commit", "-q", "-m", "first")
    settings = settings_from({}, repo)
    place = Place(settings.home.as_uri(), None, {})
    monkeypatch.chdir(repo)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.delenv("TRADING_DAGSTER_HISTORY", raising=False)
    monkeypatch.setattr(commands, "load_settings", lambda: settings)
    monkeypatch.setattr(commands, "console", Console(width=80))
    load_settings.cache_clear()
    yield Deployment(repo, place.assets(), place)
    load_settings.cache_clear()


@pytest.fixture
def trading(project):
    app = typer.Typer(pretty_exceptions_enable=False)
    for command in (commands.versions, commands.diff, commands.restore, commands.gc):
        app.command()(command)

    def run(*arguments: str) -> str:
        result = CliRunner(env={"COLUMNS": "80"}).invoke(app, list(arguments), catch_exceptions=False)
        assert result.exit_code == 0, result.output
        assert all(len(line) <= 80 for line in result.output.splitlines()), result.output
        return result.output

    return run


def a_day(project, mase: float, seed: bytes) -> str:
    sessions = {f"{date(2012, 12, day)}.parquet": seed + bytes([day]) for day in range(3, 8)}
    project.write(MODEL, {"model.onnx": seed}, config_sha="0123456789ab", run_id="8e8e2e04-5174")
    project.write(
        PREDICTIONS, sessions, replace=False, sessions="2012-12-03..2012-12-07", run_id="daa024ea-01c0"
    )
    project.write(REPORT, report(n=60, mase=mase, direction=0.5, ic=-0.1), mase=f"{mase:.4g}")
    return project.commit()[0].sha


def test_versions_reads_well_on_80_columns(project, trading):
    sha = a_day(project, 1.0123, b"a")
    edit = project.edit(
        "red", (CONFIGS / "red.yaml").read_text() + "# x\n", "wider\x1b[31m [red]network[/red] " + "x" * 90
    )
    out = trading("versions", "red")
    assert out.index(edit[:10]) < out.index(sha[:10])
    assert "configuration by A Person: wider" in out
    assert "[red]network[/red]" in out
    assert "\x1b[31m" not in out
    for text in ("model 1, predictions 1, report 1", "2012-12-03..2012-12-07", "MASE 1.012", "8e8e2e04 +2"):
        assert text in out
    assert sha[:10] not in trading("versions", "red", "--limit", "1")


def test_diff_shows_configuration_scores_and_assets(project, trading):
    first = a_day(project, 1.0123, b"a")
    text = (CONFIGS / "red.yaml").read_text()
    project.edit("red", text.replace("epochs: 60", "epochs: 61"))
    second = a_day(project, 0.9876, b"b")
    out = trading("diff", "red", first, second)
    for shown in (
        "ludwig.trainer.epochs",
        "61",
        "1.012 | 0.988",
        "60 | 60",
        "-0.100 | -0.100",
        "model, predictions, report",
    ):
        assert shown in out


@pytest.mark.parametrize("pointer", [b"outs:\n- {md5: 2001-99-99, path: model}\n", b"[" * 100_000])
def test_a_pointer_bomb_is_a_sentence_to_diff_and_restore(project, trading, pointer):
    good = a_day(project, 1.0123, b"a")
    path = "assets/red/AAPL/model.dvc"
    bad = BranchRepo(project.repo).commit_files("red", {path: pointer}, "a bomb", {})
    for command in (("diff", "red", good, bad), ("restore", "red", bad)):
        with pytest.raises(TradingError, match=f"{bad[:10]}:{path} is") as error:
            trading(*command)
        assert len(str(error.value)) < 300
    assert bad[:10] in trading("versions", "red")


def test_restore_says_what_came_back_and_what_is_due(project, trading):
    first = a_day(project, 1.0123, b"a")
    a_day(project, 0.9876, b"b")
    out = trading("restore", "red", first[:8])
    assert "red/AAPL/model" in out
    assert "5 of 5" in out
    assert "Dagster does not know how these were made" in out
    assert "branch red: " in out
    assert project.assets.read(MODEL) == {"model.onnx": b"a"}
    assert f"restored from {first[:10]}" in trading("versions", "red")


def test_gc_counts_and_deletes_only_when_told(project, trading):
    a_day(project, 1.0123, b"a")
    project.assets.contents.put(md5_of(b"loose"), b"loose")
    out = trading("gc")
    assert "unreferenced, written in the last 48 h: kept" in out
    assert "would be deleted" in out
    assert "unreferenced: deleted" in trading("gc", "--delete")


@pytest.mark.parametrize(
    "arguments", [("versions", "green"), ("diff", "green", "a", "b"), ("restore", "green", "a")]
)
def test_an_unknown_team_is_said_with_those_there_are(trading, arguments):
    with pytest.raises(TradingError, match="there is no team 'green'; teams are red, blue"):
        trading(*arguments)


def test_importing_the_commands_imports_nothing_heavy():
    script = (
        "import sys, json, my_dagster_project.cli.versions; "
        "print(json.dumps([n for n in ('dagster', 'pandas', 'numpy', 'boto3', 'pydantic', 'yaml') if n in sys.modules]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=Path(__file__).parents[2]
    )
    assert json.loads(done.stdout) == []
