"""A branch's history as people read it: who did what, from which configuration, how it scored."""

import time
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest

from my_dagster_project.foundation.console import Console
from my_dagster_project.foundation.errors import VersioningError
from my_dagster_project.git.branch import BranchRepo
from my_dagster_project.git.process import bounded_git, try_git
from my_dagster_project.history import log
from my_dagster_project.history.log import team_versions
from my_dagster_project.history.tables import print_versions
from tests.history.conftest import MODEL, ORDERS, PREDICTIONS, REPORT
from tests.support.gitrepo import git


def test_a_version_says_what_changed_from_which_run_and_configuration_and_how_it_scored(here):
    here.write(MODEL, {"m": b"1"}, config_sha="abc", epochs="12")
    here.write(
        PREDICTIONS,
        {"2013-01-02.parquet": b"p"},
        replace=False,
        run_id="r2",
        sessions="2013-01-02..2013-01-04",
    )
    here.write(REPORT, {"report.json": b"{}"}, mase="1.002", ic="0.04")
    here.commit()
    version = team_versions(here.repo, "red", 1)[0]
    assert version.assets == (MODEL, PREDICTIONS, REPORT)
    assert version.runs == ("r1", "r2")
    assert version.config_shas == ("abc",)
    assert version.sessions == "2013-01-02..2013-01-04"
    assert version.figures == {MODEL: {"epochs": "12"}, REPORT: {"mase": "1.002", "ic": "0.04"}}
    assert version.by_platform
    assert not version.config_changed
    assert datetime.now(UTC) - version.when < timedelta(minutes=1)


def test_the_newest_version_comes_first_and_the_limit_holds(here):
    shas = [here.version(MODEL, {"m": str(n).encode()}) for n in range(4)]
    assert [version.sha for version in team_versions(here.repo, "red", 3)] == shas[:0:-1]


def test_a_persons_edit_of_the_teams_file_is_a_version_with_its_author(here):
    here.version(MODEL, {"m": b"1"})
    sha = here.edit("red", "team: red # better\n", "wider network\n\nSigned-off-by: A Person <a@example.org>")
    version = team_versions(here.repo, "red", 1)[0]
    assert (version.sha, version.author, version.subject) == (sha, "A Person", "wider network")
    assert (version.config_changed, version.by_platform, version.assets) == (True, False, ())


def test_commits_that_touch_neither_file_nor_assets_are_no_versions(here):
    here.version(MODEL, {"m": b"1"})
    before = team_versions(here.repo, "red")
    BranchRepo(here.repo).commit_files("red", {"notes.txt": b"hi", "configs/blue.yaml": b"x"}, "notes", {})
    assert team_versions(here.repo, "red") == before


def test_a_configuration_decided_in_a_merge_is_shown_with_the_merge(here):
    here.edit("red", "team: red # ours\n")
    tree = here.repo.parent / "tree-red"
    git(tree, "switch", "-q", "-c", "idea", "HEAD~1")
    (tree / "configs" / "red.yaml").write_text("team: red # theirs\n")
    git(tree, "commit", "-q", "-am", "theirs")
    git(tree, "switch", "-q", "red")
    git(tree, "merge", "-q", "idea", check=False)
    (tree / "configs" / "red.yaml").write_text("team: red # both\n")
    git(tree, "commit", "-q", "-am", "merge the idea")
    found = {version.subject: version.config_changed for version in team_versions(here.repo, "red")}
    assert found == {"merge the idea": True, "theirs": True, "another idea": True, "first": True}


def test_no_commit_message_can_pretend_to_be_another_commit(here):
    message = (
        "evil \x1e\x1f\x01 \x1b[2J\n\nassets/red/AAPL/model.dvc\n\nMetrics: no equals sign\nMetrics: a/b =\n"
    )
    here.version(MODEL, {"m": b"1"})
    sha = here.edit("red", "team: red # evil\n", message)
    newest, *rest = team_versions(here.repo, "red")
    assert (newest.sha, newest.assets) == (sha, ())
    assert len(rest) == 2


def test_a_branch_that_is_only_on_origin_is_read_there(here, tmp_path):
    sha = here.version(ORDERS, {"2013-01-02.json": b"{}"}, replace=False)
    git(tmp_path, "clone", "-q", str(here.repo), "clone")
    assert team_versions(tmp_path / "clone", "red")[0].sha == sha


def test_a_branch_that_does_not_exist_is_said_with_what_to_do(here):
    with pytest.raises(VersioningError, match=r"no branch 'green'.*the first `trading run` makes it"):
        team_versions(here.repo, "green")


def test_a_thousand_commits_are_read_by_one_git_process_in_less_than_a_second(here, monkeypatch):
    here.version(MODEL, {"m": b"1"})
    stream = b"".join(_commit(number) for number in range(1000))
    assert try_git(here.repo, "fast-import", "--quiet", stdin=stream).ok
    called = []
    monkeypatch.setattr(log, "bounded_git", lambda *args: called.append(args[2]) or bounded_git(*args))
    start = time.process_time()
    assert len(team_versions(here.repo, "red", 1000)) == 1000
    assert time.process_time() - start < 1
    assert called == ["log"]


def test_a_history_with_more_to_say_than_anybody_reads_is_said_in_words(here, monkeypatch):
    here.version(MODEL, {"m": b"1"})
    monkeypatch.setattr(log, "_MOST_LOG", 10)
    with pytest.raises(VersioningError, match="has more than 0 MB to say: there are more files than"):
        team_versions(here.repo, "red")


def test_what_people_forge_in_a_commit_is_shown_and_breaks_nothing(here):
    here.version(MODEL, {"m": b"1"})
    message = "x\n\nMetrics: red/AAPL/report mase=abc\n"
    stream = (
        "commit refs/heads/red\nauthor p <p@p> 1 +0000\ncommitter p <p@p> 999999999999999 +0000\n"
        f"data {len(message)}\n{message}\nfrom refs/heads/red^0\nM 100644 inline assets/red/x.dvc\ndata 1\nx\n"
    )
    assert try_git(here.repo, "fast-import", "--quiet", stdin=stream.encode()).ok
    versions = team_versions(here.repo, "red")
    assert versions[0].when.year == 1970
    console = Console(width=80, file=StringIO())
    print_versions(console, "red", versions)
    assert versions[0].sha[:10] in console.file.getvalue()


def _commit(number: int) -> bytes:
    message = f"Materialize {number}\n\n" + "Dagster-Run: 8e8e2e04-5174-49ef-9839-33bbb65f060b\n" * 5
    head = f"commit refs/heads/red\ncommitter p <p@p> {number} +0000\ndata {len(message)}\n{message}\n"
    start = "from refs/heads/red^0\n" if number == 0 else ""
    files = [f"M 100644 inline assets/red/S{n}/model.dvc\ndata 8\n{number:04}{n:03}\n\n" for n in range(6)]
    return (head + start + "".join(files)).encode()
