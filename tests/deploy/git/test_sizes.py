"""What a team's push may bring, asked of the hook's own question in a repository, and once over HTTP."""

import os
import subprocess
from pathlib import Path

import pytest

from my_dagster_project.deploy.git import receive, sizes
from my_dagster_project.deploy.git.sizes import too_large
from tests.deploy.git.test_pushes import commit, push, tip
from tests.support.gitrepo import git, repo_with_a_commit

SMALLER = (
    "import my_dagster_project.deploy.git.receive as receive; receive.MOST_REQUEST = 2**20; receive.main()"
)


@pytest.fixture
def repo(tmp_path: Path, monkeypatch) -> Path:
    folder = repo_with_a_commit(tmp_path / "repo")
    monkeypatch.chdir(folder)
    return folder


def tree(*entries: str) -> str:
    lines = "".join(f"{entry}\n" for entry in entries)
    return subprocess.run(["git", "mktree"], input=lines, capture_output=True, text=True).stdout.strip()


def new_commit(repo: Path, root: str) -> str:
    """One that is not on any branch, as a push in the making is not."""
    return git(repo, "commit-tree", "-m", "odd", "-p", "main", root)


def blob(repo: Path, data: bytes) -> str:
    done = subprocess.run(["git", "hash-object", "-w", "--stdin"], input=data, capture_output=True)
    return done.stdout.decode().strip()


def said(sha: str) -> str:
    [text] = too_large([sha])
    return text


def test_an_ordinary_commit_is_not_too_large(repo):
    ordinary = blob(repo, b"team: red\n" * 1000)
    root = tree(f"100644 blob {ordinary}\tred.yaml")
    assert too_large([new_commit(repo, tree(f"040000 tree {root}\tconfigs"))]) == []


def test_what_the_repository_has_already_does_not_count(repo, monkeypatch):
    git(repo, "commit", "-q", "--allow-empty", "-m", "more")
    monkeypatch.setattr(sizes, "MOST_PUSH", 10)
    assert too_large([git(repo, "rev-parse", "main")]) == []


def test_a_file_of_zeros_is_named_with_its_size_though_it_is_gone_again(repo):
    bomb = tree(f"100644 blob {blob(repo, bytes(5 * 1024**2))}\tnotes \x1b[31m.csv")
    middle = new_commit(repo, tree(f"040000 tree {bomb}\tdata"))
    tip = git(repo, "commit-tree", "-m", "taken out", "-p", middle, f"{'main'}^{{tree}}")
    text = said(tip)
    assert text.startswith("data/notes ?[31m.csv has 5.0 MB; 1.0 MB is the most a file may have. Do: git rm")


def test_many_files_together_are_too_large_a_push(repo, monkeypatch):
    monkeypatch.setattr(sizes, "MOST_PUSH", 200_000)
    files = [f"100644 blob {blob(repo, bytes([n]) * 50_000)}\tf{n}" for n in range(5)]
    assert said(new_commit(repo, tree(*files))).startswith(
        "this push brings 0.2 MB; 0.2 MB is the most one may bring"
    )


def test_a_message_of_a_megabyte_is_no_message(repo):
    (repo / "message").write_bytes(b"x" * 1_100_000)
    sha = git(repo, "commit-tree", "-F", "message", "-p", "main", "main^{tree}")
    assert said(sha).startswith(f"the message of commit {sha[:10]} has 1.0 MB; ")


def test_a_kilobyte_that_is_a_billion_files_is_refused_at_once(repo):
    root = tree(f"100644 blob {blob(repo, b'x')}\tx")
    for _ in range(9):
        root = tree(*(f"040000 tree {root}\t{name}" for name in range(10)))
    assert said(new_commit(repo, root)).startswith("there are more than 20,000 files in one commit. ")


def test_folders_without_end_are_refused(repo):
    root = tree(f"100644 blob {blob(repo, b'x')}\tx")
    for _ in range(sizes.MOST_DEPTH):
        root = tree(f"040000 tree {root}\td")
    assert said(new_commit(repo, root)).startswith("folders are nested more than 32 deep. ")


def test_a_team_reads_why_and_gets_through_by_what_it_is_told(host, tmp_path):
    red = host.clone("red", tmp_path / "red", "red")
    before = tip(host, "red")
    commit(red, "bars.csv", "0" * 3_000_000)
    text = " ".join(push(red, "red").replace("remote:", "").split())
    assert (
        "Refused: bars.csv has 2.9 MB; 1.0 MB is the most a file may have. Do: git rm --cached FILE" in text
    )
    assert tip(host, "red") == before
    git(red, "rm", "-q", "--cached", "bars.csv")
    git(red, "commit", "-q", "--amend", "--allow-empty", "-m", "without it")
    assert push(red, "red") == ""


def test_a_branch_that_grew_push_by_push_is_stopped_in_plain_words(repo, monkeypatch):
    monkeypatch.setattr(sizes, "MOST_BRANCH", 20_000)
    git(repo, "switch", "-q", "-c", "red")
    for number in range(3):
        (repo / "noise.bin").write_bytes(os.urandom(9_000))  # nothing packs it
        git(repo, "add", ".")
        git(repo, "commit", "-q", "-m", f"noise {number}")
        found = too_large([git(repo, "rev-parse", "red")])
        assert bool(found) == (number == 2), found
    [text] = found
    assert text.startswith(
        "with this push the branch would weigh 0.0 MB with its history; 0.0 MB is the most"
    )
    assert "Ask the organiser" in text
    git(repo, "switch", "-q", "main")
    git(repo, "merge", "-q", "red")
    assert too_large([git(repo, "rev-parse", "red")]) == [], "what main has too is nobody's own"


def test_what_is_too_large_for_anybody_is_refused_in_words_too(host, tmp_path):
    # "HTTP 413" of the web server, and "Everything up-to-date" below it, until then.
    program = host.folder / "srv" / "receive"
    program.write_text(program.read_text().replace("-m my_", f"-c '{SMALLER}' my_"))
    blue = host.clone("blue", tmp_path / "blue")
    before = git(host.repo, "for-each-ref")
    commit(blue, "bars.csv", os.urandom(1_500_000).hex())  # more than git sends in one piece
    text = " ".join(push(blue, "HEAD:teams/blue", "HEAD:main").replace("remote:", "").split())
    assert "Refused: this push has 1." in text
    assert "MB; 1.0 MB is the most one may have as it travels. Do: git rm --cached FILE" in text
    assert text.count("[remote rejected] HEAD -> ") == 2
    assert "Everything up-to-date" not in text
    assert git(host.repo, "for-each-ref") == before
    git(blue, "rm", "-q", "--cached", "bars.csv")
    git(blue, "commit", "-q", "--amend", "--allow-empty", "-m", "without it")
    assert push(blue, "HEAD:teams/blue") == ""


def test_a_hundred_megabytes_are_let_through_to_be_looked_at(host):
    assert receive.MOST_REQUEST == 100 * 1024**2
    assert git(host.repo, "config", "receive.maxInputSize") == str(receive.MOST_REQUEST)
    # In KB; what is larger reads "HTTP 413" after all.
    conf = (Path(receive.__file__).with_name("lighttpd.conf")).read_text()
    assert int(conf.partition("server.max-request-size = ")[2].split()[0]) == 4 * 1024**2
