"""What a team changed in its file, edit by edit, and what its reports said before each one and after it."""

import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from statistics import fmean

from my_dagster_project.foundation.errors import VersioningError
from my_dagster_project.git.branch import BranchRepo
from my_dagster_project.history.diff import ConfigLine, differences, show
from my_dagster_project.history.log import Version, versions_at
from my_dagster_project.teams.sources import MAIN_BRANCH, team_path
from my_dagster_project.teams.yaml_lines import YamlProblemError, parse_yaml

MOST_EDITS = 10
_REPORT = "report"
type Figures = Mapping[str, Mapping[str, float]]
"""By symbol what its report said: {"IBM": {"mase": 1.012}}."""


@dataclass(frozen=True)
class Edit:
    """A commit that changed a team's file: where it differs from the edit before, and the reports' figures around it.

    `before` is what was recorded last before it, `after` last until the next edit; without a report they lack the symbol.
    `problem` says why it cannot be told what was changed, `since` (ISO) is the first session of the first version made after it, ''
    where there is none yet.
    """

    version: Version
    changed: tuple[ConfigLine, ...] = ()
    before: Figures = field(default_factory=dict)
    after: Figures = field(default_factory=dict)
    problem: str = ""
    since: str = ""

    def effect(self, figure: str) -> tuple[float | None, float | None]:
        """Give the mean of a figure over the symbols before and after it; None where there is no report."""
        return _mean(self.before, figure), _mean(self.after, figure)


def edits(repo: Path, branch_head: str, team: str, most: int = MOST_EDITS) -> list[Edit]:
    """Give the last edits of a team's file on its branch, newest first: those since it left main, whose history is the project's.

    `branch_head` is the commit that the branch stands at; VersioningError where git fails.
    """
    began = BranchRepo(repo).common_ancestor(MAIN_BRANCH, branch_head)
    versions = _versions(repo, f"{began}..{branch_head}" if began else branch_head, team)
    places = [place for place, version in enumerate(versions) if version.config_changed]
    shas = [*(versions[place].sha for place in places), began]
    made, later = [], -1
    for place, before in zip(places[:most], shas[1:], strict=False):
        changed, problem = _changed(repo, team, before, versions[place].sha)
        around = (_newest(versions[place + 1 :]), _newest(versions[later + 1 : place + 1]))
        since = _since(versions[later + 1 : place])
        made.append(Edit(versions[place], changed, *around, problem, since))
        later = place
    return made


# What a range of commits holds never changes.
@lru_cache(maxsize=64)
def _versions(repo: Path, commits: str, team: str) -> tuple[Version, ...]:
    return tuple(versions_at(repo, commits, None, team))


def _since(versions: Sequence[Version]) -> str:
    """The first session that the oldest of these versions is about."""
    return next((one.sessions.split("..")[0] for one in reversed(versions) if one.sessions), "")


def _newest(versions: Iterable[Version]) -> Figures:
    """What the versions' reports said last, by symbol; figures that are no numbers are none."""
    found: dict[str, Mapping[str, float]] = {}
    for version in versions:
        for asset, figures in version.figures.items():
            if len(asset) == 3 and asset[-1] == _REPORT:
                found.setdefault(asset[1], _numbers(figures))
    return found


def _numbers(figures: Mapping[str, str]) -> dict[str, float]:
    """Anybody can write a commit with a trailer that is no number."""
    found = {}
    for name, text in figures.items():
        with suppress(ValueError):
            found[name] = float(text)
    return {name: value for name, value in found.items() if math.isfinite(value)}


def _mean(figures: Figures, name: str) -> float | None:
    values = [one[name] for one in figures.values() if name in one]
    return fmean(values) if values else None


# Commits never change: what differs between two of them is read once.
@lru_cache(maxsize=512)
def _changed(repo: Path, team: str, before: str | None, after: str) -> tuple[tuple[ConfigLine, ...], str]:
    git, path = BranchRepo(repo), team_path(team)
    try:
        texts = [git.read_file(sha, path) if sha else None for sha in (before, after)]
        old, new = (None if text is None else parse_yaml(text).data for text in texts)
        if old is None:
            return (), "the file's first version" if new is not None else "the file was taken away"
        return tuple(ConfigLine(key, show(a), show(b)) for key, a, b in differences(old, new)), ""
    except YamlProblemError as problem:
        return (), f"one of the two is no YAML: line {problem.line}: {problem.message}"
    except VersioningError as error:
        return (), str(error)
