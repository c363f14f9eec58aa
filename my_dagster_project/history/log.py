"""A branch's history as versions: what the platform recorded, and what people changed in the team's file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from my_dagster_project.foundation.advice import everything_due
from my_dagster_project.foundation.errors import VersioningError
from my_dagster_project.git.fast_import import IDENTITY
from my_dagster_project.git.process import bounded_git
from my_dagster_project.storage.manifests import Asset

# NUL cannot occur in a commit, so nobody's message can pretend to be the next one.
_FORMAT = "%x00%H%x00%ct%x00%an%x00%s%x00%(trailers:only,unfold)%x00"
_FIELDS = 6
_MOST_LOG = 128 * 1024 * 1024  # bytes; a year of daily runs of fifty symbols is a tenth of it
_ASSETS, _POINTER = "assets/", ".dvc"
RESTORED_FROM = "restored_from"


class _NoSuchRevisionError(VersioningError):
    """git knows no such branch or commit."""


@dataclass(frozen=True)
class Version:
    """One commit that changed assets or the team's file.

    `when` is UTC; `sessions` is `first..last` or one session; `config_shas` the configurations its runs used; `figures`
    what the runs noted per asset, as text ({"mase": "1.002"}); `restored_from` the sha this version brought back.
    """

    sha: str
    when: datetime
    author: str
    subject: str
    sessions: str | None = None
    runs: tuple[str, ...] = ()
    config_shas: tuple[str, ...] = ()
    assets: tuple[Asset, ...] = ()
    figures: Mapping[Asset, Mapping[str, str]] = field(default_factory=dict)
    config_changed: bool = False
    restored_from: str | None = None

    @property
    def by_platform(self) -> bool:
        """Whether the platform made this commit (a person otherwise)."""
        return self.author == IDENTITY.partition(" <")[0]


def team_versions(
    repo: Path, branch: str, limit: int | None = None, team: str | None = None
) -> list[Version]:
    """Give a branch's newest versions first, with one git process; VersioningError if there is no such branch.

    `team` names the file configs/<team>.yaml whose changes count; the branch's own name otherwise. A branch that is not
    here is read as last fetched from origin.
    """
    for ref in (f"refs/heads/{branch}", f"refs/remotes/origin/{branch}"):
        with suppress(_NoSuchRevisionError):
            return versions_at(repo, ref, limit, team or branch)
    raise VersioningError(
        f"There is no branch {branch!r} in {repo}, here or as fetched from origin; the first {everything_due()} makes it."
    )


def versions_at(repo: Path, revision: str, limit: int | None, team: str) -> list[Version]:
    """Give the versions reachable from a ref or sha, newest first; VersioningError if there is no such revision."""
    config = f"configs/{team}.yaml"
    try:
        out = _git_log(repo, revision, limit, config)
    except VersioningError as error:
        kind = _NoSuchRevisionError if "bad revision" in str(error) else VersioningError
        raise kind(f"The history of {revision} in {repo} cannot be read: {error}") from None
    return [_version(fields, config) for fields in _records(out.decode(errors="replace"))]


def _git_log(repo: Path, revision: str, limit: int | None, config: str) -> bytes:
    most = () if limit is None else (f"--max-count={limit}",)
    # combined: of a merge only what differs from every parent, so what was decided in the merge itself.
    options = ("--name-only", "--diff-merges=combined", f"--format={_FORMAT}", *most)
    return bounded_git(repo, _MOST_LOG, "log", *options, "--end-of-options", revision, "--", _ASSETS, config)


def _records(out: str) -> Iterator[list[str]]:
    fields = out.split("\0")[1:]
    return (fields[start : start + _FIELDS] for start in range(0, len(fields), _FIELDS))


def _version(fields: list[str], config: str) -> Version:
    sha, when, author, subject, trailer_text, names = fields
    paths = names.split("\n")
    trailers = _trailers(trailer_text)
    figures, restored = _figures(trailers.get("Metrics", []))
    return Version(
        sha=sha,
        when=_moment(when),
        author=author,
        subject=subject,
        sessions=next(iter(trailers.get("Sessions", [])), None),
        runs=tuple(trailers.get("Dagster-Run", [])),
        config_shas=tuple(trailers.get("Config-Sha", [])),
        assets=tuple(asset for path in paths if (asset := asset_of(path))),
        figures=figures,
        config_changed=config in paths,
        restored_from=next(iter(trailers.get("Restored-From", restored)), None),
    )


def _moment(seconds: str) -> datetime:
    """A commit's time; one that no calendar has (year 50 000) is as good as none: the beginning of all time."""
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)


def asset_of(path: str) -> Asset | None:
    """Give the asset a pointer's path stands for (`assets/red/AAPL/model.dvc`), None for any other path."""
    if not (path.startswith(_ASSETS) and path.endswith(_POINTER)):
        return None
    asset = tuple(path.removeprefix(_ASSETS).removesuffix(_POINTER).split("/"))
    return asset if all(asset) else None


def _trailers(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        name, _, value = line.partition(": ")
        found.setdefault(name, []).append(value.strip())
    return found


def _figures(lines: list[str]) -> tuple[dict[Asset, dict[str, str]], list[str]]:
    """Read `red/AAPL/report mase=1.002 ic=0.04`; what a restoration noted there is not a figure."""
    figures: dict[Asset, dict[str, str]] = {}
    restored: list[str] = []
    for line in lines:
        name, *pairs = line.split(" ")
        values = dict(pair.partition("=")[::2] for pair in pairs)
        restored += [value] if (value := values.pop(RESTORED_FROM, None)) else []
        if values:
            figures.setdefault(tuple(name.split("/")), {}).update(values)
    return figures, restored
