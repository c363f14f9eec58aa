"""A branch that people push to and the platform commits to comes together, whoever is quicker."""

from my_dagster_project.git.branch import BranchRepo
from my_dagster_project.git.remote import Remote
from tests.support.gitrepo import git
from tests.support.two_sides import POINTER, YAML, Sides, sync_branch


class TestOneSideWentOn:
    def test_the_same_on_both_sides_is_nothing(self, sides):
        done = sides.sync()
        assert (done.integrated, done.pushed, done.warning) == ("nothing", False, "")
        assert {done.fetched} == sides.heads()

    def test_what_the_team_pushed_arrives(self, sides):
        pushed = sides.person_commits(YAML, "team: crimson\n")
        done = sides.sync()
        assert (done.fetched, done.integrated, done.pushed) == (pushed, "fast-forward", False)
        assert sides.heads() == {pushed}

    def test_what_the_platform_committed_is_pushed(self, sides):
        sha = sides.platform_commits(POINTER)
        done = sides.sync()
        assert (done.integrated, done.pushed, done.warning) == ("nothing", True, "")
        assert sides.heads() == {sha}

    def test_a_branch_only_the_remote_has_is_made_here(self, sides):
        git(sides.team, "push", "-q", "origin", "red:green")
        assert sides.sync("green").integrated == "fast-forward"
        assert sides.repo.head("green") == sides.repo.head("red")

    def test_a_branch_only_we_have_is_made_there(self, sides):
        sides.repo.ensure_branch("platform")
        done = sides.sync("platform")
        assert (done.fetched, done.integrated, done.pushed, done.warning) == (None, "nothing", True, "")
        assert git(sides.remote, "rev-parse", "platform") == sides.repo.head("platform")

    def test_a_branch_nobody_has_is_said(self, sides):
        done = sides.sync("green")
        assert (done.integrated, done.warning) == (
            "nowhere",
            "There is no branch 'green', here or on the remote.",
        )

    def test_a_commit_of_a_person_on_the_server_is_pushed_too(self, sides):
        git(sides.server, "switch", "-q", "red")
        sha = sides.person_commits(YAML, "team: crimson\n", folder=sides.server, push=False)
        assert sides.sync().pushed
        assert sides.heads() == {sha}

    def test_only_that_branch_is_fetched_and_no_tag(self, sides):
        git(sides.team, "tag", "round-1")
        git(sides.team, "push", "-q", "origin", "red:green", "round-1")
        sides.sync()
        refs = git(sides.server, "for-each-ref", "--format=%(refname)", "refs/remotes", "refs/tags")
        assert refs == "refs/remotes/origin/red"

    def test_a_path_is_as_good_a_remote_as_a_name(self, sides):
        sides.person_commits(YAML, "team: crimson\n")
        sides.platform_commits(POINTER)
        done = sync_branch(sides.repo, str(sides.remote), "red")
        assert (done.integrated, done.pushed, done.warning) == ("rebased", True, "")
        sides.assert_whole()


class TestBothSidesWentOn:
    def test_our_commits_go_on_top_of_the_teams_with_message_trailers_and_dates(self, sides):
        before = [
            sides.platform_commits(f"assets/red/ü {n}.dvc", message=f"Wörds {n}\n\nMore.") for n in range(3)
        ]
        shown = [_without_history(sides, sha) for sha in before]
        theirs = sides.person_commits(YAML, "team: crimson\n")
        done = sides.sync()
        assert (done.fetched, done.integrated, done.pushed, done.warning) == (theirs, "rebased", True, "")
        after = git(sides.server, "rev-list", "--reverse", f"{theirs}..red").split()
        assert [_without_history(sides, sha) for sha in after] == shown
        assert sides.read(YAML) == ("team: crimson\n",) * 2
        sides.assert_whole()

    def test_a_pointer_the_platform_wrote_wins_and_others_are_the_teams(self, sides):
        for name in "abc":
            sides.platform_commits(f"assets/{name}.dvc", "old\n")
        sides.sync()
        git(sides.team, "pull", "-q")
        (sides.team / "assets" / "c.dvc").unlink()
        (sides.team / "assets" / "b.dvc").write_text("theirs\n")
        git(sides.team, "add", "-A")
        sides.person_commits("assets/a.dvc", "theirs\n")
        sides.platform_commits("assets/a.dvc", "ours\n")
        assert sides.sync().integrated == "rebased"
        found = [sides.read(f"assets/{name}.dvc")[1] for name in "abc"]
        assert found == ["ours\n", "theirs\n", None]

    def test_a_push_in_between_is_fetched_and_tried_again(self, sides, monkeypatch):
        sides.platform_commits(POINTER)
        _person_is_quicker(sides, monkeypatch, times=2)
        done = sides.sync()
        assert (done.integrated, done.pushed, done.warning) == ("rebased", True, "")
        assert sides.read("configs/2") == ("2",) * 2
        sides.assert_whole()

    def test_somebody_always_quicker_is_a_warning_and_the_next_time_completes_it(self, sides, monkeypatch):
        sides.platform_commits(POINTER)
        with monkeypatch.context() as patch:
            _person_is_quicker(sides, patch, times=9)
            done = sides.sync()
        assert (done.integrated, done.pushed) == ("rebased", False)
        assert done.warning == (
            "3 times somebody pushed 'red' before we could. Nothing is lost: the next synchronisation tries again."
        )
        assert sides.sync().pushed
        assert sides.read(POINTER) == ("1\n",) * 2

    def test_a_platform_commit_in_between_is_rebased_as_well(self, sides, monkeypatch):
        from my_dagster_project.git import remote_plan

        sides.platform_commits("assets/a.dvc")
        sides.person_commits(YAML, "team: crimson\n")
        write = remote_plan.write_commits

        def slow(*arguments):
            monkeypatch.setattr(remote_plan, "write_commits", write)
            monkeypatch.setattr("my_dagster_project.git.branch._LOCK_WAIT", -1.0)
            sides.platform_commits("assets/b.dvc")
            return write(*arguments)

        monkeypatch.setattr(remote_plan, "write_commits", slow)
        assert sides.sync().pushed
        assert (sides.read("assets/a.dvc"), sides.read("assets/b.dvc")) == (("1\n",) * 2,) * 2
        sides.assert_whole()

    def test_commits_the_team_rebased_itself_do_not_come_twice(self, sides):
        sides.platform_commits("assets/a.dvc")
        git(sides.team, "fetch", "-q", str(sides.server), "red")
        theirs = sides.person_commits(YAML, "team: crimson\n", push=False)
        git(sides.team, "cherry-pick", "FETCH_HEAD")
        git(sides.team, "push", "-q", "origin", "red")
        sides.platform_commits("assets/b.dvc")
        assert sides.sync().integrated == "rebased"
        assert git(sides.remote, "rev-list", "--count", f"{theirs}..red") == "2"
        sides.assert_whole()


def test_a_bare_repository_syncs_as_well(sides, tmp_path):
    git(tmp_path, "clone", "-q", "--bare", str(sides.remote), "bare.git")
    bare = BranchRepo(tmp_path / "bare.git")
    bare.commit_files("red", {POINTER: b"1"}, "Materialize", {})
    sides.person_commits(YAML, "team: crimson\n")
    assert sync_branch(bare, "origin", "red").integrated == "rebased"
    assert BranchRepo(sides.remote).read_file("red", POINTER) == b"1"


def _without_history(sides: Sides, sha: str) -> list[str]:
    """A commit without its parent, tree and the moment it was put there."""
    lines = git(sides.server, "cat-file", "commit", sha).splitlines()
    return [line for line in lines if not line.startswith(("tree ", "parent ", "committer "))]


def _person_is_quicker(sides: Sides, monkeypatch, times: int) -> None:
    push, left = Remote.push, iter(range(1, times + 1))

    def late(self, branch, sha):
        if number := next(left, None):
            git(sides.team, "pull", "-q", "--rebase")
            sides.person_commits(f"configs/{number}", str(number))
        return push(self, branch, sha)

    monkeypatch.setattr(Remote, "push", late)
