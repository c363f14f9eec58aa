"""Two versions of a team side by side: what its file says, what its models scored, which assets differ."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from my_dagster_project.domain.evaluation import Metrics
from my_dagster_project.foundation.errors import ObjectMissingError, VersioningError
from my_dagster_project.git.branch import BranchRepo
from my_dagster_project.history.log import Version, versions_at
from my_dagster_project.history.pointers import owner_pointers, version_files
from my_dagster_project.reports.evidently_report import read_metrics
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.dvc_format import Pointer
from my_dagster_project.storage.manifests import Asset
from my_dagster_project.teams.yaml_lines import YamlProblemError, parse_yaml

ABSENT = "–"  # noqa: RUF001 - an en dash reads as "not there"; a hyphen reads as a minus sign
_REPORT, _REPORT_FILE = "report", "report.json"
_MOST_REPORT = 16 * 1024 * 1024  # bytes


@dataclass(frozen=True)
class ConfigLine:
    """A key whose value differs: its dotted path (list items with a name as `[name]`), and both values as text."""

    path: str
    a: str
    b: str


@dataclass(frozen=True)
class AssetLine:
    """An asset that differs: md5 of its folder in each version, None where a version has no such asset."""

    asset: Asset
    a: str | None
    b: str | None


@dataclass(frozen=True)
class Comparison:
    """Versions a and b of a team. `scores` holds per symbol both reports' metrics, None where there is no report.

    `notes` say what could not be compared (a file that is no YAML, a report whose bytes are gone).
    """

    a: Version
    b: Version
    config: list[ConfigLine]
    scores: dict[str, tuple[Metrics | None, Metrics | None]]
    assets: list[AssetLine]
    notes: list[str] = field(default_factory=list)


def compare(repo: Path, assets: AssetStore, team: str, a: str, b: str) -> Comparison:
    """Compare a team's file and assets at two branches or commits; VersioningError if one of them does not exist."""
    git, notes = BranchRepo(repo), list[str]()
    shas = (git.resolve(a), git.resolve(b))
    first, second = (_newest(repo, sha, team) for sha in shas)
    configs = [_config(git, sha, team, notes) for sha in shas]
    before, after = (owner_pointers(git, sha, team) for sha in shas)
    scores = {
        symbol: (_score(assets, team, symbol, before, notes), _score(assets, team, symbol, after, notes))
        for symbol in sorted({asset[1] for asset in {*before, *after} if asset[2:] == (_REPORT,)})
    }
    lines = [ConfigLine(path, *map(show, pair)) for path, *pair in differences(*configs)]
    if not lines and first.config_shas and second.config_shas and first.config_shas != second.config_shas:
        notes.append(
            "The file on the branch is the same, yet the runs used different configurations (Config-Sha): "
            "the platform's shared defaults changed, or it read the working tree."
        )
    return Comparison(first, second, lines, scores, _differing(before, after), notes)


def differences(a: Any, b: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Give (dotted path, value in a, value in b) wherever two documents differ; `None` documents are empty ones.

    Lists of named items ({name: ...}) are compared by name, any other list as one value. A value that is missing is ABSENT.
    """
    left, right = _by_name(a), _by_name(b)
    if left is not None and right is not None:
        for key in dict.fromkeys((*left, *right)):
            yield from differences(left.get(key, ABSENT), right.get(key, ABSENT), _join(path, key))
        if left and list(left) != list(right) and sorted(left) == sorted(right) and isinstance(a, list):
            yield f"{path} (order)", [_bare(key) for key in left], [_bare(key) for key in right]
    elif not _same(a, b):
        yield path, a, b


def show(value: Any) -> str:
    """Give a value of a YAML document in one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {show(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return (
            ", ".join(map(show, value)) if not any(isinstance(v, dict | list) for v in value) else str(value)
        )
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)


def _by_name(value: Any) -> Mapping[str, Any] | None:
    """A mapping as it is, a list of uniquely named items as a mapping of them, anything else as None."""
    if value is None or isinstance(value, dict):
        return {str(key): item for key, item in (value or {}).items()}
    if isinstance(value, list) and value and all(isinstance(item, dict) and "name" in item for item in value):
        named = {f"[{item['name']}]": item for item in value}
        return named if len(named) == len(value) else None
    return None


def _join(path: str, key: str) -> str:
    return f"{path}{key}" if not path or key.startswith("[") else f"{path}.{key}"


def _bare(key: str) -> str:
    return key.removeprefix("[").removesuffix("]")


def _same(a: Any, b: Any) -> bool:
    # In Python True == 1, in a team's file `true` is not `1`.
    return bool(a == b) and isinstance(a, bool) == isinstance(b, bool)


def _newest(repo: Path, sha: str, team: str) -> Version:
    versions = versions_at(repo, sha, 1, team)
    if not versions:
        raise VersioningError(f"{sha[:10]} has neither configs/{team}.yaml nor assets of team {team}.")
    return versions[0]


def _config(git: BranchRepo, sha: str, team: str, notes: list[str]) -> Any:
    try:
        text = git.read_file(sha, f"configs/{team}.yaml")
        return None if text is None else parse_yaml(text).data
    except VersioningError as error:
        notes.append(str(error))
        return None
    except YamlProblemError as problem:
        notes.append(f"{sha[:10]}:configs/{team}.yaml:{problem.line}: {problem.message}")
        return None


def _score(
    assets: AssetStore, team: str, symbol: str, pointers: Mapping[Asset, Pointer], notes: list[str]
) -> Metrics | None:
    asset = (team, symbol, _REPORT)
    if asset not in pointers:
        return None
    try:
        md5 = version_files(assets.contents, asset, pointers[asset])[_REPORT_FILE]
        return read_metrics(assets.contents.get(md5, _MOST_REPORT))
    except (VersioningError, ObjectMissingError) as error:
        notes.append(str(error))
    except (KeyError, ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        notes.append(
            f"The report of {team} {symbol} in {pointers[asset].md5} holds no metrics this version can read."
        )
    return None


def _differing(a: Mapping[Asset, Pointer], b: Mapping[Asset, Pointer]) -> list[AssetLine]:
    before, after = ({asset: pointer.md5 for asset, pointer in side.items()} for side in (a, b))
    lines = [AssetLine(asset, before.get(asset), after.get(asset)) for asset in sorted({*a, *b})]
    return [line for line in lines if line.a != line.b]


def both(a: float | None, b: float | None, form: str) -> str:
    """Give two figures in one cell: `1.002 | 0.998`."""
    return " | ".join(
        ABSENT if value is None or math.isnan(value) else format(value, form) for value in (a, b)
    )
