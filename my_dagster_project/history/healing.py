"""Sessions that the store has and the head of their branch has not: noted again, so that the next commit has them.

Two clones of the platform on one store each commit what they find pending; where one's commits are then put on top of the
other's, a pointer replaces a pointer, and the sessions of the other one are gone from the head: 25 of 48, with nothing
pending and no word. The same after somebody's rebase, or a `git reset --hard` to before the first version, which leaves no
pointer to compare. What readers see is the store, so that is what the head must have.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from my_dagster_project.foundation.errors import ObjectMissingError, VersioningError
from my_dagster_project.git.blobs import Blob
from my_dagster_project.git.branch import BranchRepo
from my_dagster_project.git.process import bounded_git
from my_dagster_project.history.commits import HEALED, pointer_path
from my_dagster_project.history.log import asset_of
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.content import Content, each
from my_dagster_project.storage.dvc_format import MOST_POINTER, Pointer, dir_md5, parse_pointer
from my_dagster_project.storage.folders import committed_folder
from my_dagster_project.storage.manifests import Asset
from my_dagster_project.storage.pending import Pending, now

_MOST_NAMES = 4 * 1024 * 1024  # bytes of a listing: 80 000 pointers
# By repository and branch: the head that was looked at last, and our own commits since. Whoever moves the branch, what
# differs from any of them is looked at once more.
_seen: dict[tuple[Path, str], list[str]] = {}


def note_missing(assets: AssetStore, git: BranchRepo, branch: str, head: str, owners: Sequence[str]) -> None:
    """Note as pending what the store has of these owners' sessions and the branch's head lacks; nothing where it did not move.

    Raises StorageError, and VersioningError for a branch that cannot be read.
    """
    if _seen.get((git.path, branch)) == [head]:
        return
    waiting = {
        (one.asset, name) for owner in owners for one in assets.pending.of(owner) for name in one.files
    }
    paths = _changed_pointers(assets, git, branch, head, owners)
    blobs = git.blobs(head, paths, MOST_POINTER)
    for path, asset in paths.items():
        _note(assets, asset, blobs.get(path), waiting)
    _seen[git.path, branch] = [head]


def note_commit(git: BranchRepo, branch: str, sha: str) -> None:
    """Remember a commit of our own: the store has what is in it, so that a head without it is looked at."""
    _seen.get((git.path, branch), []).append(sha)


def _changed_pointers(
    assets: AssetStore, git: BranchRepo, branch: str, head: str, owners: Sequence[str]
) -> dict[str, Asset]:
    """The pointers that differ from when the branch was looked at last; the first time all, also those it lacks."""
    stored: set[Asset] = set()
    folders = [f"assets/{owner}/" for owner in owners]
    out = b""
    try:
        for sha in _seen[git.path, branch]:
            how = ("diff-tree", "-r", "-z", "--name-only", sha, head)
            out += bounded_git(git.path, _MOST_NAMES, *how, "--", *folders)
    except (KeyError, VersioningError):  # never looked at, or what was there then is rewritten and collected
        out = bounded_git(git.path, _MOST_NAMES, "ls-tree", "-r", "-z", "--name-only", head, "--", *folders)
        stored = {asset for owner in owners for asset in assets.of(owner)}
    names = [name for name in out.decode(errors="replace").split("\0") if "\n" not in name]
    there = {name: asset for name in names if (asset := asset_of(name))}
    return {pointer_path(asset): asset for asset in stored} | there


def _note(assets: AssetStore, asset: Asset, pointer: Blob | None, waiting: set[tuple[Asset, str]]) -> None:
    with suppress(ObjectMissingError, VersioningError):  # then the next write starts it anew, and says so
        added = assets.added(asset)
        files = assets.files(asset) if pointer is None else _lacking(assets, asset, added, pointer)
        # What waits anyway is no loss; of what is written whole the last one waiting is the one that counts.
        waits = [name for one, name in waiting if one == asset]
        new = {name: content for name, content in files.items() if name not in waits}
        if new and (added or not waits):
            assets.pending.note(Pending(asset, new, not added, {HEALED: str(len(new))}, now()))


def _lacking(assets: AssetStore, asset: Asset, added: list[str], pointer: Blob) -> dict[str, Content]:
    there = parse_pointer(pointer.whole("/".join(asset)), "/".join(asset))
    return _missing_sessions(assets, asset, added, there) if added else _other_whole(assets, asset, there)


def _missing_sessions(
    assets: AssetStore, asset: Asset, added: list[str], there: Pointer
) -> dict[str, Content]:
    has = committed_folder(there, assets.contents).files
    names = [name for name in added if name not in has]
    contents = each(lambda name: assets.content(asset, name), names)
    return {name: content for name, content in zip(names, contents, strict=True) if content}


def _other_whole(assets: AssetStore, asset: Asset, there: Pointer) -> dict[str, Content]:
    """What is written whole (a model) is the head's or it is another: never a mixture of two."""
    files = assets.files(asset)
    return {} if dir_md5({name: one.md5 for name, one in files.items()}) == there.md5 else files
