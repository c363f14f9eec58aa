"""People and the platform at the stack's own git service: real git over HTTP, real accounts, the real hook."""

import base64
import json
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

from my_dagster_project.pipeline.push_notice import verify_signature
from tests.deploy.git.conftest import REGISTRY
from tests.support.git_host import PASSWORDS, GitHost, git_host, run_git
from tests.support.gitrepo import git
from tests.support.loopback import Reply, serving


def commit(folder: Path, path: str, text: str) -> str:
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text(text)
    git(folder, "add", path)
    git(folder, "commit", "-q", "-m", f"change {path}")
    return git(folder, "rev-parse", "HEAD")


def push(folder: Path, *what: str) -> str:
    """'' when it was taken, else all that the person reads."""
    done = run_git(folder, "push", "origin", *what)
    return done.stderr if done.returncode else ""


def tip(host: GitHost, branch: str) -> str:
    return git(host.repo, "rev-parse", "--verify", "-q", f"refs/heads/{branch}", check=False)


@pytest.fixture
def red(host: GitHost, tmp_path: Path) -> Path:
    return host.clone("red", tmp_path / "red", "red")


class TestATeam:
    def test_pushes_to_its_own_branch(self, host, red):
        sha = commit(red, "configs/red.yaml", "team: crimson\n")
        assert push(red, "red") == ""
        assert tip(host, "red") == sha

    def test_makes_its_branch_when_there_is_none(self, host, tmp_path):
        git(host.repo, "update-ref", "-d", "refs/heads/teams/blue")
        blue = host.clone("blue", tmp_path / "blue")
        sha = commit(blue, "configs/blue.yaml", "team: blue\n")
        assert push(blue, "HEAD:teams/blue") == ""
        assert tip(host, "teams/blue") == sha

    @pytest.mark.parametrize(
        ("ref", "whose"),
        [
            ("main", "main is the organiser's."),
            ("teams/blue", "teams/blue is team blue's."),
            ("platform", "platform is the platform's."),
            ("my-idea", "my-idea is no branch of the competition."),
            ("refs/tags/v1", "refs/tags/v1 is no branch of the competition."),
            ("refs/trading/agreed/red", "refs/trading/agreed/red is no branch of the competition."),
        ],
    )
    def test_moves_nothing_else(self, host, red, ref, whose):
        before = git(host.repo, "for-each-ref")
        commit(red, "configs/red.yaml", "team: crimson\n")
        said = " ".join(push(red, f"HEAD:{ref}").replace("remote:", "").split())
        assert f"Refused: {whose} Team red may push to its own branch only, red;" in said
        assert "Do: git push origin HEAD:red" in said
        assert git(host.repo, "for-each-ref") == before

    def test_one_forbidden_branch_holds_back_the_whole_push(self, host, red):
        before = git(host.repo, "for-each-ref")
        commit(red, "configs/red.yaml", "team: crimson\n")
        assert "main is the organiser's" in push(red, "red", "HEAD:main")
        assert git(host.repo, "for-each-ref") == before

    def test_cannot_delete_or_rewrite_its_branch(self, host, red):
        before = tip(host, "red")
        git(red, "commit", "-q", "--amend", "-m", "it was never like that")
        said = push(red, "--force", "red")
        assert "red here has commits that yours lacks" in said
        assert "git pull --rebase origin red" in said
        assert "red cannot be deleted" in push(red, ":red")
        assert tip(host, "red") == before

    def test_does_what_the_message_says_and_gets_through(self, host, red, tmp_path):
        commit(host.clone("platform", tmp_path / "platform", "red"), "assets/red/model.dvc", "md5: 1\n")
        assert push(tmp_path / "platform", "red") == ""
        commit(red, "configs/red.yaml", "team: crimson\n")
        assert "fetch first" in push(red, "red")
        assert run_git(red, "pull", "-q", "--rebase", "origin", "red").returncode == 0
        assert push(red, "red") == ""

    def test_follows_the_registry_on_main_not_its_own_copy(self, host, red):
        commit(red, "configs/teams.yaml", REGISTRY.replace("{branch: red}", "{branch: main}"))
        assert push(red, "red") == ""
        assert "main is the organiser's" in push(red, "HEAD:main")


class TestTheOthers:
    def test_the_platform_moves_team_branches_and_its_own(self, host, tmp_path):
        clone = host.clone("platform", tmp_path / "platform", "red")
        sha = commit(clone, "assets/red/model.dvc", "md5: 1\n")
        assert push(clone, "red", "HEAD:platform", "HEAD:teams/blue") == ""
        assert {tip(host, branch) for branch in ("red", "platform", "teams/blue")} == {sha}

    def test_the_platform_moves_nothing_else_and_rewrites_nothing(self, host, tmp_path):
        clone = host.clone("platform", tmp_path / "platform", "red")
        commit(clone, "assets/red/model.dvc", "md5: 1\n")
        assert "main is the organiser's; the platform pushes" in push(clone, "HEAD:main")
        assert push(clone, "red") == ""
        git(clone, "commit", "-q", "--amend", "-m", "other")
        assert "red here has commits that yours lacks" in push(clone, "--force", "red")

    def test_the_organiser_moves_everything(self, host, tmp_path):
        clone = host.clone("organiser", tmp_path / "organiser")
        sha = commit(clone, "configs/teams.yaml", REGISTRY + "  green: {branch: green}\n")
        assert push(clone, "main", "HEAD:green", "+HEAD:red", "HEAD:refs/tags/round-1") == ""
        assert (tip(host, "main"), tip(host, "green")) == (sha, sha)
        assert push(clone, ":green") == ""

    def test_a_registry_that_cannot_be_read_stops_everybody_but_the_organiser(self, host, red, tmp_path):
        clone = host.clone("organiser", tmp_path / "organiser")
        commit(clone, "configs/teams.yaml", "teams: [\n")
        assert push(clone, "main") == ""
        commit(red, "configs/red.yaml", "team: crimson\n")
        assert "configs/teams.yaml on main cannot be read, so only the organiser can push" in push(red, "red")
        commit(clone, "configs/teams.yaml", REGISTRY)
        assert push(clone, "main") == ""
        assert push(red, "red") == ""

    def test_an_account_that_is_no_team_pushes_nowhere(self, host, tmp_path):
        clone = host.clone("organiser", tmp_path / "organiser")
        commit(clone, "configs/teams.yaml", REGISTRY.replace("  red: {branch: red}\n", ""))
        assert push(clone, "main") == ""
        red = host.clone("red", tmp_path / "red", "red")
        commit(red, "configs/red.yaml", "team: crimson\n")
        assert "red is no team of configs/teams.yaml on main; ask the organiser" in push(red, "red")


class TestNobodyIn:
    @pytest.mark.parametrize("account", [None, ("red", "wrong"), ("nobody", "reds-own-word")])
    def test_without_the_right_password_nothing_is_read_or_written(self, host, red, tmp_path, account):
        url = host.as_user(*account) if account else host.url
        before = git(host.repo, "for-each-ref")
        commit(red, "configs/red.yaml", "team: crimson\n")
        for arguments in (("clone", url, "x"), ("ls-remote", url), ("push", url, "red")):
            done = run_git(red, *arguments)
            assert done.returncode
            assert "Authentication failed" in done.stderr or "could not read Username" in done.stderr
        assert git(host.repo, "for-each-ref") == before

    @pytest.mark.parametrize(
        ("path", "status"),
        [
            ("/teams.git/info/refs?service=git-upload-pack", 401),
            ("/teams.git/config", 401),
            ("/", 401),
            ("/../../etc/passwd", 401),
        ],
    )
    def test_a_stranger_gets_401_everywhere(self, host, path, status):
        assert answer(host, path) == status

    @pytest.mark.parametrize(
        "path",
        [
            "/teams.git/config",
            "/teams.git/HEAD",
            "/teams.git/hooks/pre-receive",
            "/",
            "/htpasswd",
            "/run/htpasswd",
        ],
    )
    def test_no_file_is_served_to_a_team_either(self, host, path):
        assert answer(host, path, "red") in (403, 404)

    def test_no_password_is_on_disk_in_the_log_or_in_the_environment_of_what_serves(self, host, red):
        commit(red, "configs/red.yaml", "team: crimson\n")
        push(red, "red")
        (host.folder / "GIT_ACCOUNTS").unlink()
        host.stop()  # so that the log is written to its end
        for file in (file for file in host.folder.rglob("*") if file.is_file()):
            content = file.read_bytes()
            assert not [word for word in PASSWORDS.values() if word.encode() in content], file
        assert "red [" in host.log
        assert oct((host.folder / "run" / "htpasswd").stat().st_mode & 0o777) == "0o600"


def answer(host: GitHost, path: str, user: str = "") -> int:
    request = urllib.request.Request(f"http://127.0.0.1:{host.port}{path}")
    if user:
        token = base64.b64encode(f"{user}:{PASSWORDS[user]}".encode()).decode()
        request.add_header("Authorization", f"Basic {token}")
    try:
        with urllib.request.urlopen(request, timeout=5) as reply:
            return reply.status
    except urllib.error.HTTPError as error:
        return error.code


class TestThePlatformIsTold:
    SECRET = "a-hook-secret-of-some-length"

    @contextmanager
    def told(self, checkout, tmp_path, reply=Reply()):  # noqa: B008
        """Who is told, and the host that tells."""
        secret = tmp_path / "GIT_HOOK_SECRET"
        secret.write_text(self.SECRET + "\n")
        with serving(reply) as heard:
            environment = {"GIT_HOOK_URL": f"{heard.url}/hooks/git", "GIT_HOOK_SECRET_FILE": str(secret)}
            with git_host(tmp_path / "host", checkout / ".git", **environment) as host:
                yield heard, host

    def test_of_a_teams_push_signed_but_not_of_its_own(self, checkout, tmp_path):
        with self.told(checkout, tmp_path) as (heard, host):
            for user in ("red", "platform"):
                clone = host.clone(user, tmp_path / user, "red")
                commit(clone, f"configs/{user}.yaml", "x\n")
                assert push(clone, "red") == ""
        [seen] = heard.seen
        assert seen.path == "/hooks/git"
        assert verify_signature(self.SECRET, seen.body, seen.headers)
        assert json.loads(seen.body) == {"refs": ["refs/heads/red"], "pusher": "red", "verdict": True}

    def test_and_what_it_says_of_the_file_is_read_by_who_pushes(self, checkout, tmp_path):
        said = b"configs/red.yaml:67: trading.buy_abov: unknown key\n\x1b[2JYour push counts\n"
        with self.told(checkout, tmp_path, Reply(said)) as (_, host):
            red = host.clone("red", tmp_path / "red", "red")
            sha = commit(red, "configs/red.yaml", "1\n")
            done = run_git(red, "push", "origin", "red")
        assert (done.returncode, tip(host, "red")) == (0, sha)
        lines = [line.rstrip() for line in done.stderr.splitlines()]
        assert "remote: configs/red.yaml:67: trading.buy_abov: unknown key" in lines
        assert "remote: [2JYour push counts" in lines

    def test_and_when_it_is_away_or_refuses_the_push_counts_all_the_same(self, checkout, tmp_path):
        with self.told(checkout, tmp_path, Reply(status=403)) as (heard, host):
            red = host.clone("red", tmp_path / "red", "red")
            commit(red, "configs/red.yaml", "1\n")
            assert "The platform answered 403" in run_git(red, "push", "origin", "red").stderr
            heard.close()
            sha = commit(red, "configs/red.yaml", "2\n")
            done = run_git(red, "push", "origin", "red")
            assert (done.returncode, tip(host, "red")) == (0, sha)
            assert "The platform could not be told" in done.stderr
            assert "found all the same" in done.stderr
