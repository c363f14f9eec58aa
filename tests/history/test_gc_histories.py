"""After any history: every version that anything points to can be read, and exactly the rest is gone."""

import os

from hypothesis import given
from hypothesis import strategies as st

from my_dagster_project.history import gc
from my_dagster_project.history.gc import CONTENTS
from my_dagster_project.storage.dvc_format import (
    Pointer,
    dir_body,
    dir_md5,
    md5_of,
    parse_dir,
    parse_pointer,
    pointer_text,
)
from tests.history.conftest import Deployment
from tests.support.draws import one_folder
from tests.support.gitrepo import git, repo_with_a_commit

STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["write", "add", "commit", "tag", "branch", "delete branch", "rewind", "stash", "garbage", "pack"]
        ),
        st.sampled_from(["red", "blue"]),
        st.integers(0, 5),
    ),
    min_size=3,
    max_size=25,
)


@one_folder(6)
@given(steps=STEPS)
def test_after_any_history_every_version_anything_points_to_can_be_read(on_both, tmp_path_factory, steps):
    """On a folder and on MinIO: the oracle asks git for every ref, reflog entry and stash, one by one."""
    on_both.repo = repo_with_a_commit(tmp_path_factory.mktemp("history") / "repo")
    git(on_both.repo, "config", "core.logAllRefUpdates", "always")
    on_both.assets = fresh_assets(on_both)
    for number, (action, team, value) in enumerate(steps):
        step(on_both, action, team, value, number)
    before = everything(on_both)
    current = {asset: on_both.assets.read(asset) for asset in assets_of(on_both)}
    on_both.swept()
    assert everything(on_both) == before
    assert {asset: on_both.assets.read(asset) for asset in current} == current
    on_both.commit()
    assert (
        before.items() <= everything(on_both).items()
    )  # and what was pending points to nothing that is gone


@one_folder(6)
@given(steps=STEPS)
def test_after_any_history_exactly_what_nothing_points_to_is_gone(here, tmp_path_factory, steps):
    folder = tmp_path_factory.mktemp("history")
    here.repo = repo_with_a_commit(folder / "repo")
    here.assets = fresh_assets(here)
    for number, (action, team, value) in enumerate(steps):
        step(here, action, team, value, number)
    here.commit()
    here.swept()
    needed = gc.mark(here.assets, here.repo)
    left = [
        info.key.removeprefix(CONTENTS).replace("/", "")
        for info in here.assets.contents.remote.list(CONTENTS)
    ]
    assert set(left) <= needed
    assert {md5_of(data) for files in everything(here).values() for data in files.values()} <= set(left)


def fresh_assets(deployment: Deployment):
    from dataclasses import replace

    deployment.place = replace(deployment.place, url=f"{deployment.place.url}/{os.urandom(4).hex()}")
    return deployment.place.assets()


def step(deployment: Deployment, action: str, team: str, value: int, number: int) -> None:
    repo, exists = deployment.repo, git(deployment.repo, "branch", "--list", team)
    if action == "write":
        deployment.write((team, "AAPL", "model"), {"m": f"{team} {value}".encode(), "same": b"same"})
    elif action == "add":
        deployment.write(
            (team, "AAPL", "predictions"),
            {f"2013-01-{value + 10}.parquet": str(number).encode()},
            replace=False,
        )
    elif action == "commit":
        deployment.commit()
    elif action == "garbage":
        deployment.garbage(f"red {value}".encode())
        body = dir_body({"x": md5_of(f"red {value}".encode())})
        deployment.assets.contents.put(md5_of(body) + ".dir", body)
    elif action == "stash":
        files = {"m": md5_of(f"red {value}".encode())}
        deployment.assets.contents.put(files["m"], f"red {value}".encode())
        deployment.assets.contents.put(dir_md5(files), dir_body(files))
        (repo / "README").write_bytes(
            pointer_text(Pointer(dir_md5(files), "x", 1, 1)) + f"# {number}\n".encode()
        )
        git(repo, "stash", "-q")
    elif action == "pack":
        git(repo, "gc", "-q", "--prune=now")
    elif exists and action == "delete branch":
        git(repo, "branch", "-q", "-D", team)
    elif exists and action == "rewind":
        git(repo, "branch", "-q", "-f", team, f"{team}~1", check=False)
    elif exists and action in ("tag", "branch"):
        git(repo, action, "-f", f"{action}-{value}", team)


def everything(deployment: Deployment) -> dict[str, dict[str, bytes]]:
    """The files behind every pointer of every commit that any ref, reflog or stash names, and of its ancestors."""
    refs = git(deployment.repo, "for-each-ref", "--format=%(objectname)").split()
    logged = git(deployment.repo, "log", "--walk-reflogs", "--all", "--format=%H", check=False).split()
    found = {}
    for sha in git(deployment.repo, "rev-list", *refs, *logged).split():
        for line in git(deployment.repo, "ls-tree", "-r", sha).splitlines():
            blob, path = line.split()[2], line.split("\t")[1]
            if path.endswith(".dvc") or path == "README":
                text = git(deployment.repo, "cat-file", "blob", blob).encode()
                if b"md5" in text:
                    found[blob] = files_of(deployment, parse_pointer(text, path))
    return found


def files_of(deployment: Deployment, pointer: Pointer) -> dict[str, bytes]:
    contents = deployment.assets.contents
    return {name: contents.get(md5) for name, md5 in parse_dir(contents.get(pointer.md5)).items()}


def assets_of(deployment: Deployment) -> list[tuple[str, ...]]:
    found = [(team, "AAPL", noun) for team in ("red", "blue") for noun in ("model", "predictions")]
    return [asset for asset in found if deployment.assets.names(asset)]
