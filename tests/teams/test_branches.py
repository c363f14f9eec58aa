"""Configuration as people work with it: real branches of a real repository."""

import shutil
import tracemalloc
from pathlib import Path

import pytest

from my_dagster_project.foundation.errors import ConfigError
from my_dagster_project.teams.last_good import LastGood
from my_dagster_project.teams.platform import Platform, load_platform
from my_dagster_project.teams.sources import Sources, differing, read_sources, uncommitted, unread_copies
from tests.support.gitrepo import git
from tests.teams.helpers import CONFIGS, checkout


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A checkout of main with the committed configs and the branches red and blue."""
    folder = checkout(tmp_path / "project")
    git(folder, "branch", "red")
    git(folder, "branch", "blue")
    return folder


def commit(project: Path, branch: str, team: str, text: str | None, message: str = "edit") -> None:
    """What a team does: commit its file on its branch, from a work tree of its own."""
    tree = project.parent / f"tree-{branch}"
    if not tree.exists():
        git(project, "worktree", "add", "-q", str(tree), branch)
    file = tree / "configs" / f"{team}.yaml"
    if text is None:
        file.unlink()
    else:
        file.write_text(text)
    git(tree, "commit", "-q", "-a", "-m", message)


def file_of(team: str) -> str:
    return (CONFIGS / f"{team}.yaml").read_text()


def platform_of(project: Path, kept: LastGood | None = None) -> Platform:
    return load_platform(read_sources(project), kept)


def test_a_teams_file_is_read_from_its_branch_and_says_so(project) -> None:
    commit(
        project, "red", "red", file_of("red").replace("# symbols: [AAPL, GOOG, IBM, MSFT]", "symbols: [IBM]")
    )
    platform = platform_of(project)
    assert platform.teams["red"].symbols == ("IBM",)
    assert platform.origin("red") == f"red at {git(project, 'rev-parse', 'red')[:10]}"
    assert platform.teams["blue"].symbols == ("AAPL", "GOOG", "IBM", "MSFT")


def test_the_checked_out_tree_and_index_are_never_touched(project) -> None:
    (project / "configs" / "red.yaml").write_text("half an edit")
    commit(project, "red", "red", file_of("red").replace("epochs: 60", "epochs: 7"))
    platform_of(project)
    assert git(project, "status", "--porcelain") == " M configs/red.yaml"
    assert (project / "configs" / "red.yaml").read_text() == "half an edit"


def test_without_a_branch_the_working_tree_counts_and_is_named(project) -> None:
    git(project, "branch", "-D", "red")
    assert platform_of(project).origin("red") == "working tree"


def test_a_branch_that_only_the_remote_has_is_read_from_there(project, tmp_path) -> None:
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(project), str(clone))
    platform = platform_of(clone)
    assert platform.origin("red").startswith("red at ")
    assert git(clone, "branch", "--list", "red") == ""


def test_an_archive_without_git_is_read_from_its_files(tmp_path) -> None:
    shutil.copytree(CONFIGS, tmp_path / "configs")
    assert platform_of(tmp_path).origin("blue") == "working tree"


@pytest.mark.parametrize("broken", ["team: [", "<<<<<<< HEAD\nteam: red\n", "team: red\nsymbolz: [IBM]\n"])
def test_a_bad_file_leaves_the_last_good_one_in_force_and_the_other_team_alone(
    project, tmp_path, broken
) -> None:
    kept = LastGood(tmp_path / "home")
    before = platform_of(project, kept)
    commit(project, "red", "red", broken)
    after = platform_of(project, kept)
    assert after.teams == before.teams
    assert after.origin("red") == before.origin("red")
    assert after.problems.keys() == {"red"}
    assert after.problems["red"].startswith("configs/red.yaml:")
    assert f"(in force: {before.origin('red')})" in after.problems["red"]


def test_a_deleted_branch_leaves_the_last_good_file_in_force(project, tmp_path) -> None:
    kept = LastGood(tmp_path / "home")
    commit(project, "red", "red", file_of("red").replace("epochs: 60", "epochs: 7"))
    platform_of(project, kept)
    git(project, "worktree", "remove", "--force", str(project.parent / "tree-red"))
    git(project, "branch", "-D", "red")
    platform = platform_of(project, kept)
    assert platform.teams["red"].ludwig["trainer"]["epochs"] == 7
    assert "restore the branch" in platform.problems["red"]


def test_a_force_push_simply_changes_the_file(project, tmp_path) -> None:
    kept = LastGood(tmp_path / "home")
    commit(project, "red", "red", file_of("red").replace("epochs: 60", "epochs: 7"))
    platform_of(project, kept)
    git(project.parent / "tree-red", "reset", "-q", "--hard", "main")
    platform = platform_of(project, kept)
    assert platform.teams["red"].ludwig["trainer"]["epochs"] == 60
    assert not platform.problems


def test_a_new_team_without_a_file_takes_nobody_down(project) -> None:
    registry = project / "configs" / "teams.yaml"
    registry.write_text(registry.read_text() + "  green: {branch: green, account: GREEN}\n")
    platform = platform_of(project)
    assert set(platform.teams) == {"red", "blue"}
    assert "configs/green.yaml:1: there is no such file on branch green" in platform.problems["green"]


def test_a_team_cannot_raise_its_limits_on_its_own_branch(project) -> None:
    git(project, "checkout", "-q", "red")
    registry = project / "configs" / "teams.yaml"
    registry.write_text(registry.read_text().replace("position_share: 0.3", "position_share: 1.0"))
    git(project, "commit", "-q", "-a", "-m", "more for us")
    assert platform_of(project).registry.teams["red"].limits.position_share == 0.3


def test_a_copy_of_the_registry_on_a_branch_counts_for_nothing_whatever_it_calls_the_branch(project) -> None:
    """It once came into force by calling its own branch something else: no team's branch was checked out then."""
    git(project, "checkout", "-q", "red")
    registry = project / "configs" / "teams.yaml"
    text = registry.read_text().replace("position_share: 0.3", "position_share: 1.0")
    registry.write_text(text.replace("branch: red", "branch: scarlet"))
    for mode in ("branches", "working tree"):
        sources = read_sources(project, mode)
        platform = load_platform(sources)
        assert platform.registry.teams["red"].branch == "red"
        assert platform.registry.teams["red"].limits.position_share == 0.3
        assert sources.registry.origin.startswith("main at ")
        assert unread_copies(project, sources) == ["configs/teams.yaml"]


@pytest.mark.parametrize("depth", [[], ["--depth", "1"]])
def test_a_clone_of_a_teams_branch_alone_has_no_registry(project, tmp_path, depth) -> None:
    """Its copy, with a raised limit, was taken for the registry: validate said yes to what counts for nothing."""
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", *depth, "--single-branch", "-b", "red", project.as_uri(), str(clone))
    with pytest.raises(ConfigError, match=r"this clone has no main; .* Do: git fetch origin main:main"):
        read_sources(clone)
    git(clone, "fetch", "-q", "origin", "main:main")
    assert set(read_sources(clone).teams) == {"red", "blue"}


def test_where_main_is_checked_out_the_organisers_edits_can_be_tried(project) -> None:
    registry = project / "configs" / "teams.yaml"
    registry.write_text(registry.read_text().replace("position_share: 0.3", "position_share: 0.4"))
    assert platform_of(project).registry.teams["red"].limits.position_share == 0.4
    assert unread_copies(project, read_sources(project)) == []


def test_a_copy_of_the_registry_that_is_merely_old_is_not_mentioned(project) -> None:
    registry = project / "configs" / "teams.yaml"
    registry.write_text(registry.read_text().replace("position_share: 0.3", "position_share: 0.4"))
    git(project, "commit", "-q", "-a", "-m", "new limits")
    git(project, "checkout", "-q", "red")
    sources = read_sources(project)
    assert load_platform(sources).registry.teams["red"].limits.position_share == 0.4
    assert unread_copies(project, sources) == []


def test_not_a_line_of_what_a_link_leads_to_is_read(project, tmp_path) -> None:
    (tmp_path / "secret").write_text("root: hunter2\n")
    git(project, "branch", "-D", "red")
    (project / "configs" / "red.yaml").unlink()
    (project / "configs" / "red.yaml").symlink_to(tmp_path / "secret")
    sources = read_sources(project)
    assert "hunter2" not in sources.to_json()
    problem = load_platform(sources).problems["red"]
    assert problem == "configs/red.yaml:1: is a symbolic link; a configuration is a file of its own"


def test_a_file_of_the_working_tree_that_is_no_longer_there_is_not_said_to_be_in_force(
    project, tmp_path
) -> None:
    kept = LastGood(tmp_path / "home")
    git(project, "branch", "-D", "red")
    assert platform_of(project, kept).origin("red") == "working tree"
    (project / "configs" / "red.yaml").write_text("half an edit")
    broken = platform_of(project, kept)
    assert "in force: the last valid file of the working tree, which is not there" in broken.problems["red"]
    assert broken.origin("red").startswith("the last valid file")


def test_a_frozen_round_keeps_the_commit_whatever_the_branch_says(project) -> None:
    sha = git(project, "rev-parse", "red")
    commit(project, "red", "red", file_of("red").replace("epochs: 60", "epochs: 7"))
    registry = project / "configs" / "teams.yaml"
    registry.write_text(
        registry.read_text().replace("replay_sessions: 60", f"frozen: {{red: {sha}}}\n  replay_sessions: 60")
    )
    assert platform_of(project).teams["red"].ludwig["trainer"]["epochs"] == 60


def test_only_content_counts_as_a_change(project) -> None:
    before = read_sources(project)
    git(project, "worktree", "add", "-q", str(project.parent / "tree-red"), "red")
    tree = project.parent / "tree-red"
    (tree / "pointer.dvc").write_text("outs: []\n")
    git(tree, "add", ".")
    git(tree, "commit", "-q", "-m", "a pointer")
    after = read_sources(project)
    assert after.digest == before.digest
    assert after != before


def test_texts_survive_pinning_even_when_they_are_no_utf8(project) -> None:
    tree = project.parent / "tree-red"
    git(project, "worktree", "add", "-q", str(tree), "red")
    (tree / "configs" / "red.yaml").write_bytes(b"team: r\xe9d\n")
    git(tree, "commit", "-q", "-a", "-m", "latin-1")
    sources = read_sources(project)
    again = Sources.from_json(sources.to_json())
    assert again == sources
    assert "UTF-8" in load_platform(again).problems["red"]


def test_a_huge_file_is_refused_without_being_carried_along(project) -> None:
    commit(project, "red", "red", "#" * 50_000_000)
    sources = read_sources(project)
    assert len(sources.to_json()) < 1_000_000
    assert load_platform(sources).problems["red"].startswith("configs/red.yaml:")


def test_a_git_bomb_is_not_even_read_and_said_like_any_file_that_is_too_large(project) -> None:
    """1.5 GB of zeros are 7.7 MB on the wire and were 3 GB of memory at every look."""
    commit(project, "red", "red", "\0" * 32_000_000)
    tracemalloc.start()
    try:
        problem = platform_of(project).problems["red"]
        assert tracemalloc.get_traced_memory()[1] < 16_000_000
    finally:
        tracemalloc.stop()
    assert problem == "configs/red.yaml:1: is larger than 256 kB, the most a configuration file may have"
    assert "blue" in platform_of(project).teams


def test_uncommitted_edits_are_noticed(project) -> None:
    assert uncommitted(project, read_sources(project)) == []
    (project / "configs" / "blue.yaml").write_text(file_of("blue") + "# more\n")
    assert uncommitted(project, read_sources(project)) == ["blue"]


def test_an_old_copy_on_main_is_no_edit_to_be_committed(project) -> None:
    commit(project, "red", "red", file_of("red").replace("epochs: 60", "epochs: 7"))
    assert uncommitted(project, read_sources(project)) == []
    (project / "configs" / "red.yaml").write_text(file_of("red").replace("epochs: 60", "epochs: 8"))
    git(project, "commit", "-q", "-a", "-m", "on the wrong branch")
    assert uncommitted(project, read_sources(project)) == ["red"]


def test_what_is_here_and_not_in_force_is_named_for_dvc(project) -> None:
    """`dvc repro` noted the edited file with results of the committed one: stale models were up to date ever after."""
    sources = read_sources(project)
    used = [sources.registry, sources.teams["red"], sources.teams["blue"]]
    assert differing(project, used) == []
    (project / "configs" / "red.yaml").write_text(
        file_of("red").replace("# symbols: [AAPL, GOOG, IBM, MSFT]", "symbols: [IBM]")
    )
    commit(project, "blue", "blue", file_of("blue").replace("[AAPL, GOOG, IBM, MSFT]", "[IBM]"))
    sources = read_sources(project)
    assert differing(project, [source for source in sources.teams.values() if source]) == [
        "configs/red.yaml",
        "configs/blue.yaml",
    ]
    assert differing(project, [sources.registry]) == []


def test_a_broken_registry_is_the_organisers_error(project) -> None:
    (project / "configs" / "teams.yaml").write_text("teams: [\n")
    with pytest.raises(ConfigError, match=r"configs/teams.yaml:"):
        platform_of(project)


def test_a_torn_record_of_the_last_good_file_counts_as_none(project, tmp_path) -> None:
    kept = LastGood(tmp_path / "home")
    platform_of(project, kept)
    (tmp_path / "home" / "red.json").write_text('{"path": "configs/')
    assert kept.get("red") is None
    assert platform_of(project, kept).teams["red"].team == "red"
