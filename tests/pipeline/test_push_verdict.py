"""What a person reads after `git push`: a real clone, a real remote, the platform's own reading of the branches."""

import pytest

from my_dagster_project.foundation.settings import settings_from
from my_dagster_project.pipeline.push_notice import verdict_on_push
from tests.pipeline.ticks import PROJECT
from tests.support.gitrepo import git

REF = "refs/heads/red"


@pytest.fixture
def verdict(tmp_path):
    """Pushes red's file with a replacement made in it; gives what the platform answers."""
    seed, remote, ours = tmp_path / "seed", tmp_path / "teams.git", tmp_path / "platform"
    seed.mkdir()
    git(seed, "init", "-q", "-b", "main")
    for file in (PROJECT / "configs").glob("*.yaml"):
        (seed / "configs").mkdir(exist_ok=True)
        (seed / "configs" / file.name).write_bytes(file.read_bytes())
    git(seed, "add", ".")
    git(seed, "commit", "-q", "-m", "first")
    for branch in ("red", "blue"):
        git(seed, "branch", branch)
    git(tmp_path, "clone", "-q", "--bare", str(seed), str(remote))
    git(tmp_path, "clone", "-q", str(remote), str(ours))
    for branch in ("red", "blue"):
        git(ours, "branch", branch, f"origin/{branch}")
    git(seed, "switch", "-q", "red")
    environ = {"TRADING_HOME": str(tmp_path / "home"), "TRADING_GIT_REMOTE": str(remote)}
    # Nobody listens there; the graph is reloaded in the background or not at all.
    settings = settings_from({**environ, "TRADING_DAGIT_URL": "http://127.0.0.1:9"}, ours)

    def push(before: str, after: str) -> str:
        file = seed / "configs" / "red.yaml"
        text = file.read_text()
        assert before in text
        file.write_text(text.replace(before, after, 1))
        git(seed, "commit", "-q", "--allow-empty", "-am", "an edit")
        git(seed, "push", "-q", str(remote), "red")
        return verdict_on_push(settings, [REF])

    return push


def test_a_mistake_is_told_with_its_line_and_that_the_push_counts(verdict):
    verdict("team: red", "team: red")  # The first look knows the file that stays in force.
    lines = verdict("buy_above", "buy_abov").splitlines()
    assert all(line.startswith("configs/red.yaml:") for line in lines[:2])
    assert "buy_abov: unknown key (did you mean buy_above?)" in lines[1]
    assert lines[-1] == "Your push counts; until the file is mended, the last valid one stays in force."


def test_a_right_file_is_told_only_what_it_causes(verdict):
    assert verdict("team: red", "team: red") == ""
    said = verdict("epochs: ", "epochs: 1")
    assert said.startswith("configs/red.yaml is valid: trains AAPL")
    assert said.endswith("(12 models, about 264 s).")
    assert verdict("team: red\n", "# a remark\nteam: red\n") == ""
