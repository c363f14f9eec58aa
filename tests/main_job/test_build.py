"""`trading build` builds what is in force, or nothing: `dvc repro` notes the files it sees."""

from pathlib import Path

import pytest

from my_dagster_project.foundation.errors import TradingError
from my_dagster_project.foundation.settings import settings_from
from my_dagster_project.main_job.build import build_stage
from my_dagster_project.teams.platform import load_platform
from my_dagster_project.teams.sources import read_sources
from tests.support.gitrepo import git
from tests.teams.helpers import checkout


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A checkout of main whose team red went on, on its branch."""
    folder = checkout(tmp_path / "project")
    git(folder, "switch", "-q", "-c", "red")
    edit(folder, "buy_above: 0.0002", "buy_above: 0.0003")
    git(folder, "commit", "-q", "-am", "braver")
    return folder


def edit(folder: Path, old: str, new: str, path: str = "configs/red.yaml") -> None:
    text = (folder / path).read_text()
    assert old in text
    (folder / path).write_text(text.replace(old, new))


def refusal(folder: Path) -> str:
    settings = settings_from({"TRADING_HOME": str(folder / ".local")}, folder)
    platform = load_platform(read_sources(folder))
    with pytest.raises(TradingError, match="is not what is in force") as caught:
        build_stage(platform, settings, lambda news: None, "models", "red", None)
    return str(caught.value)


def test_an_edit_is_to_be_committed_or_undone(project):
    edit(project, "buy_above: 0.0003", "buy_above: 0.0004")
    assert "Commit it on red (or undo the edit)" in refusal(project)


def test_an_older_copy_on_main_is_never_to_be_committed(project):
    git(project, "switch", "-q", "main")
    said = refusal(project)
    assert "It is an older copy: `git checkout red -- configs/red.yaml`" in said
    assert "Commit" not in said


def test_the_organisers_file_edited_on_a_teams_branch_is_told(project):
    edit(project, "position_share: 0.25", "position_share: 0.2", "configs/defaults.yaml")
    said = refusal(project)
    assert said.startswith("configs/defaults.yaml is not what is in force, main at ")
    assert "undo the edit" in said
