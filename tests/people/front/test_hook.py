import hashlib
import hmac

import pytest

from tests.support.gitrepo import git
from tests.support.silent import hanging

SECRET = "a-secret-of-the-git-host-4711"
BODY = b'{"ref": "refs/heads/red"}'


def signed(body=BODY, secret=SECRET):
    return {"X-Hub-Signature-256": f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"}


@pytest.fixture
def with_secret(open_front):
    return open_front(environ={"GIT_HOOK_SECRET": SECRET})


def test_without_a_secret_there_is_no_such_door(front):
    answer = front.post("/hooks/git", content=BODY, headers=signed(secret=""))
    assert answer.status_code == 404
    assert "GIT_HOOK_SECRET is not set" in answer.text


@pytest.mark.parametrize(
    "headers", [{}, signed(secret="another"), signed(body=b"other"), {"X-Gitlab-Token": "x"}]
)
def test_a_notice_of_a_stranger_is_refused(with_secret, headers):
    answer = with_secret.post("/hooks/git", content=BODY, headers=headers)
    assert answer.status_code == 403
    assert SECRET not in answer.text


def test_a_genuine_notice_makes_the_platform_look(with_secret):
    for headers in (signed(), {"X-Gitlab-Token": SECRET}):
        answer = with_secret.post("/hooks/git", content=BODY, headers=headers)
        assert (answer.status_code, answer.text) == (200, "No team file has changed.\n")


def test_a_notice_that_never_ends_is_cut_off(with_secret):
    body = b"x" * 2_100_000
    assert with_secret.post("/hooks/git", content=body, headers=signed(body)).status_code == 413


def test_only_post_knocks(with_secret):
    assert with_secret.get("/hooks/git").status_code == 405


def test_a_git_host_that_hangs_does_not_keep_the_notice_waiting(open_front, settings, monkeypatch):
    git(settings.project, "init", "-q", "-b", "main")
    git(settings.project, "commit", "-q", "--allow-empty", "-m", "first")
    monkeypatch.setattr("my_dagster_project.people.front.hook._SECONDS", 0.3)
    with hanging() as silent:
        remote = f"http://127.0.0.1:{silent}/teams.git"
        front = open_front(git_remote=remote, environ={"GIT_HOOK_SECRET": SECRET})
        said = [front.post("/hooks/git", content=BODY, headers=signed()) for _ in range(3)]
    assert [answer.status_code for answer in said] == [202, 202, 202]
    assert "will see this push" in said[2].text
