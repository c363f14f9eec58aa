"""Keeps a branch here and on the remote the same: people push configurations there, the platform commits versions here.

Nothing is ever pushed by force and no commit is dropped. Where both sides went on, the platform's own commits (pointers
only) are written anew on top of the remote's; commits of people are never rewritten, they get a warning with the command.
The branch that only the organiser moves (main) is followed: it comes here and is never pushed.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace

from my_dagster_project.foundation.errors import VersioningError
from my_dagster_project.foundation.git_login import GitLogin
from my_dagster_project.git.branch import BranchRepo
from my_dagster_project.git.following import catch_up
from my_dagster_project.git.process import bounded_git
from my_dagster_project.git.remote import Remote
from my_dagster_project.git.remote_follow import plan_following, unlike_branch
from my_dagster_project.git.remote_plan import Integrated, Look, Plan, is_outdated, plan
from my_dagster_project.git.remote_refs import BranchRefs, agreements, settled
from my_dagster_project.git.remote_talk import RemoteError, RemoteSilentError

_ROUNDS = 3
_ATTEMPTS = 20
_MOST_NAMES = 16 * 1024 * 1024  # bytes of all paths of a commit: 300 000 files
_LATER = "Nothing is lost: the next synchronisation tries again."

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Synced:
    """What became of one branch.

    `fetched` is the remote's sha (None: unreachable, or no such branch there), `integrated` what was done here with it,
    `warning` a text for people, empty when all is well.
    """

    branch: str
    fetched: str | None
    integrated: Integrated
    pushed: bool
    warning: str


def sync_all(
    git: BranchRepo,
    remote: str,
    branches: Iterable[str],
    *,
    login: GitLogin | None = None,
    follow: str | None = None,
) -> list[Synced]:
    """Sync branches one by one, each whatever happens to the others; `follow` comes first and fast-forwards only.

    `remote` is a name or an address; what fails is a warning, never raised. The remote is asked once what it has; only
    branches that moved are fetched, and a remote that fails or keeps silent is left alone until the next time. A branch that
    takes too long while the remote answers is left alone too, and the others go on.
    """
    place = Remote(git.path, remote, login)
    syncs: list[_Sync] = [_Sync(git, place, branch) for branch in branches]
    if follow:
        syncs.insert(0, _Follow(git, place, follow))
    try:
        had = agreements(git.path, place)
        tips = place.tips(sync.branch for sync in syncs)
        done_already = settled(git.path, place, tips) - {follow}
    except (VersioningError, OSError) as error:
        return [_not_synced(sync.branch, str(error)) for sync in syncs]
    done: list[Synced] = []
    silent = ""
    for sync in syncs:
        if sync.branch in done_already:
            done.append(Synced(sync.branch, tips[sync.branch], "nothing", False, ""))
            continue
        try:
            done.append(
                sync.run(Look(had.get(sync.branch), tips.get(sync.branch)))
                if not silent
                else _not_synced(sync.branch, silent)
            )
        except RemoteSilentError as error:
            silent = str(error) if _keeps_silent(place, sync.branch) else ""
            done.append(_not_synced(sync.branch, str(error)))
        except (VersioningError, OSError) as error:
            done.append(_not_synced(sync.branch, str(error)))
        except Exception as error:
            # Whatever people push to one branch must not keep the others from being brought together.
            _log.exception("Branch %s could not be synchronised", sync.branch)
            done.append(_not_synced(sync.branch, f"{type(error).__name__}: {error}."))
    return done


def _keeps_silent(place: Remote, branch: str) -> bool:
    """Whether a remote that took too long for a branch says nothing at all; else it is that branch, which has too much to fetch."""
    try:
        place.tips([branch])
    except VersioningError:
        return True
    return False


def _not_synced(branch: str, reason: str) -> Synced:
    return Synced(branch, None, "nothing", False, f"{reason} {_LATER}")


@dataclass(frozen=True)
class _Sync:
    """One branch on its two sides."""

    git: BranchRepo
    remote: Remote
    branch: str

    def run(self, look: Look) -> Synced:
        """Fetch, integrate and push; from the start when somebody's push was quicker than ours."""
        done: Integrated = "nothing"
        for attempt in range(_ROUNDS):
            look = self._fetched(look if attempt == 0 else self._look())
            made = self._integrate(look)
            done = made.integrated if made.integrated not in ("nothing", "outdated") else done
            so_far = Synced(self.branch, look.there, done, False, made.warning)
            if made.integrated == "outdated":
                continue
            if made.head is None or not made.push:
                return so_far
            try:
                if self.remote.push(self.branch, made.head):
                    self._refs.agree(made.head)
                    return replace(so_far, pushed=True)
            except RemoteError as error:
                return replace(so_far, warning=_text(made.warning, str(error), _LATER))
        overtaken = f"{_ROUNDS} times somebody pushed {self.branch!r} before we could."
        return replace(so_far, warning=_text(so_far.warning, overtaken, _LATER))

    def plan(self, refs: BranchRefs, here: str | None, look: Look) -> Plan:
        """Give what is to be done."""
        return plan(refs, here, look)

    def _look(self) -> Look:
        """Ask the remote again; what both sides had is read first (see Look)."""
        had = self._refs.agreed()
        return Look(had, self.remote.tips([self.branch]).get(self.branch))

    def _fetched(self, look: Look) -> Look:
        """The same with the commit here. What the remote answered counts, not our copy: others fetch into that as well."""
        if look.there is None or self.remote.has_fetched(self.branch, look.there):
            return look
        now = self.remote.fetch(self.branch)
        return look if now and self.remote.has_commit(look.there) else replace(look, there=now)

    @property
    def _refs(self) -> BranchRefs:
        return BranchRefs(self.git.path, self.remote, self.branch)

    def _integrate(self, look: Look) -> Plan:
        """Move the local branch to where the plan says; plans anew when another commit comes in between."""
        refs, path = self._refs, self.git.path
        if look.there:
            # Before anything compares it or checks it out: a kilobyte can be ten thousand million files.
            bounded_git(path, _MOST_NAMES, "ls-tree", "-r", "-z", "--name-only", look.there)
        with self.git.turn():
            late = catch_up(path, self.branch)
            for _ in range(_ATTEMPTS):
                here = refs.here()
                if is_outdated(refs, look):
                    return Plan("outdated", here, warning=late)
                made = self.plan(refs, here, look)
                reason = refs.move(here, made.head) if made.head and made.head != here else ""
                if not reason:
                    if look.there and made.integrated != "conflict":
                        refs.agree(look.there)
                    return replace(made, warning=_text(made.warning, late, catch_up(path, self.branch)))
        raise VersioningError(
            f"Branch {self.branch!r} could not be moved, so nothing was integrated: {reason}"
        )


@dataclass(frozen=True)
class _Follow(_Sync):
    """A branch that others move: it comes here, with its files, and nothing of ours goes there."""

    def run(self, look: Look) -> Synced:
        done = super().run(look)
        return replace(done, warning=_text(done.warning, unlike_branch(self.git, self.branch)))

    def plan(self, refs: BranchRefs, here: str | None, look: Look) -> Plan:
        return plan_following(refs, here, look)


def _text(*parts: str) -> str:
    return " ".join(dict.fromkeys(part for part in parts if part))
