"""The bare repository: made and filled from the organiser's checkout once, given its rules again at every start."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from my_dagster_project.deploy.git.receive import MOST_REQUEST
from my_dagster_project.deploy.git.rules import HEADS, MAIN, PLATFORM, RegistryError, branches_of

_ROOT = Path(__file__).parents[3]
_REGISTRY = "configs/teams.yaml"
_SEEDED = "refs/seed/main"
_CONFIG = {
    "receive.fsckObjects": "true",
    # The hook says in words what is too large for a team (sizes.py), receive.py what is too large for everybody.
    "receive.maxInputSize": str(MOST_REQUEST),
    # A larger file is never held in memory: 1.5 GB of zeros travel as 1.5 MB.
    "core.bigFileThreshold": "2m",
    # Only the protocol is served, never a file of the repository (its configuration, its hooks).
    "http.getanyfile": "false",
    "http.uploadarchive": "false",
}
_HOOKS = {"pre-receive": "pre_receive", "post-receive": "post_receive"}


class SeedError(Exception):
    """The checkout that the repository should begin with cannot be read."""


def prepare(repo: Path, source: Path, season: str = "") -> str:
    """Make the repository what it should be, while nothing is served yet; says in one line what was done. Raises SeedError.

    It is filled only while it has no main, which comes last; afterwards the checkout is never looked at again. With `season`
    ("30s", from one session to the next) the registry of recorded prices says on main that a season is lived.
    """
    _git(repo.parent, "init", "--quiet", "--bare", f"--initial-branch={MAIN}", str(repo))
    _clear_leftovers(repo)
    for name, value in _CONFIG.items():
        _git(repo, "config", name, value)
    for hook, module in _HOOKS.items():
        install(repo / "hooks" / hook, f"my_dagster_project.deploy.git.{module}")
    if has_main(repo):
        return f"{repo.name} is there, with {len(_heads(repo))} branches."
    if not (source / "HEAD").is_file():
        return (
            f"{repo.name} is empty and {source} holds no git repository: as organiser, `git push` main to it."
        )
    return f"{repo.name} was filled from {source}: {', '.join(_seed(repo, source, season))}."


def has_main(repo: Path) -> bool:
    """Whether there is a main branch to clone."""
    return _run(repo, "rev-parse", "--verify", "--quiet", f"{HEADS}{MAIN}").returncode == 0


def teams_without_account(repo: Path, users: Mapping[str, str]) -> list[str]:
    """Teams of the registry on main that could not push; none when the registry cannot be read."""
    found = _run(repo, "show", f"{HEADS}{MAIN}:configs/teams.yaml")
    try:
        return [team for team in branches_of(found.stdout).teams if team not in users]
    except RegistryError:
        return []


def _seed(repo: Path, source: Path, season: str) -> list[str]:
    here = _heads(source)
    main = f"{HEADS}{MAIN}" if MAIN in here else "HEAD"
    registry = _run(source, "show", f"{main}:{_REGISTRY}")
    try:
        known = branches_of(registry.stdout)
    except RegistryError as error:
        raise SeedError(
            f"{source}: configs/teams.yaml at {main.removeprefix(HEADS)} cannot be read: {error}"
        ) from None
    wanted = sorted({*known.teams.values(), *({known.platform} & here)})
    # A team without a branch gets one where main is: its people find it by `git clone --branch`.
    starts = {branch: f"{HEADS}{branch}" if branch in here else main for branch in wanted}
    specs = [f"{start}:{HEADS}{branch}" for branch, start in starts.items()] + [f"{main}:{_SEEDED}"]
    fetched = _run(repo, "fetch", "--quiet", "--atomic", "--no-tags", "--update-shallow", str(source), *specs)
    if fetched.returncode:
        raise SeedError(f"{source} could not be read: {' '.join(fetched.stderr.split())}")
    text = with_season(registry.stdout, season)
    begun = _commit(repo, text, f"A season is lived here, a session every {season}") if text else _SEEDED
    _git(repo, "update-ref", f"{HEADS}{MAIN}", begun)
    _git(repo, "update-ref", "-d", _SEEDED)
    return [f"{MAIN} with a season" if text else MAIN, *wanted]


def with_season(registry: str, every: str) -> str:
    """The registry's text with a lapse of its prices, which have ended; '' where it says a season itself, or they go on."""
    import yaml

    document = yaml.safe_load(registry)
    ends = (document.get("market") or {}).get("end")
    if not every or not ends or document.get("season"):
        return ""
    return f"{registry.rstrip()}\n\nseason:\n  clock: {{lapse: {{session_every: {every}}}}}\n"


def _commit(repo: Path, registry: str, message: str) -> str:
    """A commit on what was fetched, with another registry; no branch is moved."""
    blob = _git(repo, "hash-object", "-w", "--stdin", given=registry).strip()
    index = {"GIT_INDEX_FILE": str(repo / "seed.index")}
    _git(repo, "read-tree", _SEEDED, **index)
    _git(repo, "update-index", "--cacheinfo", f"100644,{blob},{_REGISTRY}", **index)
    tree = _git(repo, "write-tree", **index).strip()
    (repo / "seed.index").unlink()
    who = {f"GIT_{role}_{what}": PLATFORM for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    return _git(repo, "commit-tree", tree, "-p", _SEEDED, "-m", message, **who).strip()


def _clear_leftovers(repo: Path) -> None:
    """Take away what a killed push left: nothing else runs at a start, and a lock would block its branch for ever."""
    for lock in [*repo.glob("*.lock"), *(repo / "refs").rglob("*.lock")]:
        lock.unlink()
    for folder in repo.glob("objects/*incoming-*"):
        shutil.rmtree(folder, ignore_errors=True)


def install(program: Path, module: str) -> None:
    """Make a module of ours a program that git or the web server calls; replaces the file in one step."""
    # -P: the folder we are called in is no place to import from.
    new = program.with_suffix(".new")
    program.parent.mkdir(exist_ok=True)
    new.write_text(
        f'#!/bin/sh\nPYTHONPATH="{_ROOT}" exec "{sys.executable}" -P -m {module}\n', encoding="utf-8"
    )
    new.chmod(0o755)
    new.replace(program)


def _heads(repo: Path) -> set[str]:
    return set(_git(repo, "for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads").split())


def _git(folder: Path, *arguments: str, given: str | None = None, **environ: str) -> str:
    done = _run(folder, *arguments, given=given, **environ)
    if done.returncode:
        raise SeedError(f"git {arguments[0]} failed in {folder}: {' '.join(done.stderr.split())}")
    return done.stdout


def _run(
    folder: Path, *arguments: str, given: str | None = None, **environ: str
) -> subprocess.CompletedProcess[str]:
    # The checkout belongs to another user than ours; as a setting of the process it also holds for the upload-pack
    # that a fetch starts there (git clears GIT_CONFIG_COUNT and -c for it, not this).
    environment = {
        **os.environ,
        **environ,
        "GIT_CONFIG_GLOBAL": str(Path(__file__).with_name("gitconfig")),
    }
    return subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env=environment,
        input=given,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
