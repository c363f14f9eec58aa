import hashlib
import hmac
import json

import pytest

from my_dagster_project.foundation.sign_in import USER_HEADER
from my_dagster_project.people.front.hook import pushed
from my_dagster_project.storage.audit import _aside
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


@pytest.mark.parametrize(
    ("notice", "who", "what"),
    [
        ({"refs": ["refs/heads/red"], "pusher": "red", "verdict": True}, "red", "refs/heads/red"),
        ({"ref": "refs/heads/red", "pusher": {"name": "ann"}}, "ann", "refs/heads/red"),
        ({"ref": "refs/heads/red", "pusher": {"login": "ann"}}, "ann", "refs/heads/red"),
        ({"ref": "refs/heads/red", "user_username": "ann"}, "ann", "refs/heads/red"),
        ({"ref": "refs/heads/red"}, "?", "refs/heads/red"),
    ],
)
def test_who_pushed_is_read_from_every_hosts_notice(notice, who, what):
    act = pushed(json.dumps(notice).encode())
    assert (act.who, act.door, act.what) == (who, "push", what)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'"x"', b"\xff", b'{"zen": "a ping"}'])
def test_a_notice_of_something_else_is_nobodys_push(body):
    assert pushed(body) is None


def test_who_did_what_is_the_organisers_page_and_a_genuine_push_stands_there(open_front):
    front = open_front(environ={"GIT_HOOK_SECRET": SECRET}, proxy_names_user=True)
    body = json.dumps({"ref": "refs/heads/red", "pusher": {"name": "<b>ann</b>"}}).encode()
    assert front.post("/hooks/git", content=body, headers=signed()).status_code == 403
    assert front.post("/hooks/git", content=body, headers=signed(body)).status_code == 200
    _aside().submit(lambda: None).result(20)
    for named in ({}, {USER_HEADER: ""}, {USER_HEADER: "red"}, {USER_HEADER: "platform"}):
        answer = front.get("/audit", headers=named)
        assert (answer.status_code, "refs/heads/red" in answer.text) == (403, False)
    page = front.get("/audit", headers={USER_HEADER: "organiser"})
    assert page.status_code == 200
    assert page.text.count("&lt;b&gt;ann&lt;/b&gt;") == 1
    # On a laptop there is nobody else.
    assert open_front().get("/audit").status_code == 200


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
