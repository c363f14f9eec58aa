"""No tracked file holds a secret, by detect-secrets; what looks like one and is none is listed, hashed, in .secrets.baseline."""

import json
import re
from contextlib import chdir
from pathlib import Path

import pytest

from tests.support.gitrepo import git

ROOT = Path(__file__).parents[1]
# The lock file is all hashes; the corpus is of broken files on purpose, at one of which the scanner stumbles.
NOT_SCANNED = (".secrets.baseline", "uv.lock", "tests/teams/corpus/")


def found(folder: Path, names: list[str]) -> set[str]:
    """File, line and kind of what looks like a secret in these files of a folder and is not in the baseline."""
    patterns, others = detectors()
    baseline = json.loads((ROOT / ".secrets.baseline").read_text())
    # A scan asks 27 detectors about each line. About most of Python's files those that know a pattern need not be
    # asked: none of it has the pattern. Of other files the scan makes lines that do not stand in them. The rest of the
    # detectors know a secret in Python by its quotes, and say about a line in a sixth of the time that a scan takes.
    few = {name for name in names if name.endswith(".py") and not matches(folder / name, patterns)}
    by_others = [one for one in baseline["plugins_used"] if one["name"] in others]
    assert len(by_others) == len(others)
    scanned = scan(folder, sorted({*names} - few), baseline)
    with_others = baseline | {"plugins_used": by_others}
    return scanned | scan(folder, sorted(suspected(folder, few, with_others)), with_others)


def suspected(folder: Path, names: set[str], baseline: dict) -> set[str]:
    """The Python files with a line about which a detector says something; a scan asks what it is."""
    from detect_secrets.core.scan import get_plugins
    from detect_secrets.settings import transient_settings

    with transient_settings(baseline):
        plugins = list(get_plugins())
        return {
            name
            for name in names
            for number, line in enumerate((folder / name).read_text().splitlines(), 1)
            if ("'" in line or '"' in line)
            and any(one.analyze_line(filename=name, line=line, line_number=number) for one in plugins)
        }


def scan(folder: Path, names: list[str], baseline: dict) -> set[str]:
    from detect_secrets import SecretsCollection
    from detect_secrets.settings import transient_settings

    with chdir(folder), transient_settings(baseline):
        secrets = SecretsCollection()
        for name in names:
            secrets.scan_file(name)
        new = secrets - SecretsCollection.load_from_baseline(baseline)
    return {f"{file}:{secret.line_number} {secret.type}" for file, secret in new}


def detectors() -> tuple[list[re.Pattern[str]], set[str]]:
    """The patterns by which some detectors know a secret, and the names of those that know theirs by more."""
    from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
    from detect_secrets.plugins.base import RegexBasedDetector

    known = get_mapping_from_secret_type_to_class().values()
    by_pattern = [one for one in known if issubclass(one, RegexBasedDetector)]
    patterns = [pattern for one in by_pattern for pattern in one.denylist]
    return patterns, {one.__name__ for one in known} - {one.__name__ for one in by_pattern}


def matches(file: Path, patterns: list[re.Pattern[str]]) -> bool:
    text = file.read_text()
    return any(pattern.search(text) for pattern in patterns)


def test_no_tracked_file_holds_a_secret():
    tracked = git(ROOT, "ls-files", "-z").split("\0")
    there = [
        name for name in tracked if name and not name.startswith(NOT_SCANNED) and (ROOT / name).is_file()
    ]
    assert len(there) > 500
    assert found(ROOT, there) == set()


@pytest.mark.parametrize("file", ["settings.py", "red.yaml"])
@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("key: 'AKIA{}'", "AWS Access Key"),
        ("url: 'https://red:{}@example.org'", "Basic Auth Credentials"),
        ("password: '{}'", "Secret Keyword"),
        ("page: '{}'", "Base64 High Entropy String"),
    ],
)
def test_a_secret_is_found(tmp_path, file, line, kind):
    value = "ABCDEFGHJKLMNPQR" if "AKIA" in line else "".join(map(chr, range(100, 120))) + "QWERTZUI"
    (tmp_path / file).write_text(f"# A comment.\n{line.format(value)}\n")
    assert f"{file}:2 {kind}" in found(tmp_path, [file])
