"""A third team by one command: valid at once, and nothing of the others changed."""

import shutil
from pathlib import Path

import pytest

from my_dagster_project.foundation.errors import TradingError
from my_dagster_project.teams.adding import add_team, with_entry
from my_dagster_project.teams.loading import load_registry
from my_dagster_project.teams.platform import load_platform
from my_dagster_project.teams.sources import read_sources
from tests.support.gitrepo import git
from tests.teams.helpers import checkout, text_of


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return checkout(tmp_path / "project")


def test_entry_file_and_branch_are_there_and_the_work_tree_follows(project) -> None:
    made = add_team(project, "deep-green", ("green@example.org",))
    platform = load_platform(read_sources(project))
    assert platform.problems == {}
    assert list(platform.teams) == ["red", "blue", "deep-green"]
    assert platform.origin("deep-green") == f"deep-green at {made.commit[:10]}"
    entry = platform.registry.teams["deep-green"]
    assert (entry.account, entry.owners) == ("DEEP_GREEN", ("green@example.org",))
    assert git(project, "status", "--porcelain") == ""
    assert git(project, "rev-parse", "main") == git(project, "rev-parse", "deep-green") == made.commit
    added = git(project, "diff", "--numstat", "main~1", "--", "configs/teams.yaml")
    assert added.split("\t")[1] == "0"


def test_edits_under_way_elsewhere_stay_and_those_of_the_registry_are_not_taken_along(project) -> None:
    (project / "configs" / "red.yaml").write_text("half an edit")
    add_team(project, "green")
    assert git(project, "status", "--porcelain") == " M configs/red.yaml"
    registry = project / "configs" / "teams.yaml"
    registry.write_text(registry.read_text() + "# a thought\n")
    with pytest.raises(TradingError, match="edits that main has not"):
        add_team(project, "yellow")


def test_without_git_the_files_are_written(project) -> None:
    shutil.rmtree(project / ".git")
    assert add_team(project, "green").commit is None
    assert "green" in load_platform(read_sources(project)).teams


@pytest.mark.parametrize("name", ["red", "Red", "house", "../x", "taken", "there", "main"])
def test_what_cannot_be_leaves_everything_as_it_was(project, name) -> None:
    git(project, "branch", "taken")
    (project / "configs" / "there.yaml").write_text("team: there\n")
    before = git(project, "for-each-ref")
    with pytest.raises(TradingError):
        add_team(project, name)
    assert git(project, "for-each-ref") == before
    assert git(project, "status", "--porcelain") == "?? configs/there.yaml"


def test_the_entry_goes_where_the_teams_are_wherever_that_is() -> None:
    head, teams = text_of("teams").split("\nteams:\n")
    text = f"teams:\n{teams}\n# the rest\n{head}"
    assert list(load_registry(with_entry(text, "green")).teams) == ["red", "blue", "green"]
    flow = f"{head}\nteams: {{red: {{branch: red, account: RED}}}}\n"
    with pytest.raises(TradingError, match="by hand\ngreen:\n  branch: green"):
        with_entry(flow, "green")
