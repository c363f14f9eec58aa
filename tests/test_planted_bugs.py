"""The tests have teeth: each of these bugs, planted in a copy of the checkout, is caught by the test named beside it."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.gitrepo import git

ROOT = Path(__file__).parents[1]
PACKAGE = "my_dagster_project"


@dataclass(frozen=True)
class Bug:
    """One line of the product made wrong, and a test file of `make test` that must not pass then."""

    name: str
    file: str
    right: str
    wrong: str
    test: str


BUGS = (
    Bug(
        "the sign of a size",
        "domain/deciding.py",
        "np.maximum(accounts.held - sizes.qty, 0.0)",
        "np.maximum(sizes.qty - accounts.held, 0.0)",
        "tests/domain/test_orders.py",
    ),
    Bug(
        "a feature that sees the next session",
        "domain/features.py",
        ".shift(feature.lag)",
        ".shift(feature.lag - 1)",
        "tests/domain/test_features.py",
    ),
    Bug(
        "training on closes after the cut-off",
        "domain/targets.py",
        'seen = bars[bars["session"] <= pd.Timestamp(cutoff)]',
        "seen = bars",
        "tests/domain/test_targets.py",
    ),
    Bug(
        "a model that predicts what it has seen",
        "domain/predictions.py",
        "if session <= trained_through]",
        "if session < trained_through]",
        "tests/domain/test_predictions.py",
    ),
    Bug(
        "a ridge that foretells everything and is believed",
        "domain/controls.py",
        "if score <= most:",
        "if score <= most * 10:",
        "tests/domain/test_leaks.py",
    ),
    Bug(
        "a bar of a session that is not over",
        "foundation/calendar.py",
        "if self.is_session(today) and self.close_at(today) <= now:",
        "if self.is_session(today):",
        "tests/foundation/test_calendar.py",
    ),
    Bug(
        "an order sent twice",
        "domain/plan.py",
        'name = f"{team}-{session:%Y%m%d}-{symbol}-{side}-{rev}"',
        "name = f\"{team}-{session:%Y%m%d}-{symbol}-{side}-{rev}{__import__('time').monotonic_ns() % 10000}\"",
        "tests/trading/test_scenarios.py",
    ),
    Bug(
        "a limit that is asked of sells only",
        "domain/risk.py",
        "        if reason:\n            refused.append",
        '        if reason and order.side == "sell":\n            refused.append',
        "tests/domain/test_risk.py",
    ),
    Bug(
        "a kill switch that fails open",
        "trading/halts.py",
        "return Halts(unreadable=str(error) or type(error).__name__)",
        "return Halts()",
        "tests/trading/test_halts.py",
    ),
    Bug(
        "a pointer without its bytes",
        "storage/content.py",
        "self.remote.put(",
        "str(",
        "tests/storage/test_assets.py",
    ),
    Bug(
        "a file that can be seen half-written",
        "storage/file_store.py",
        "temporary.replace(self._path(key))",
        "self._path(key).write_bytes(data)",
        "tests/storage/test_object_store.py",
    ),
    Bug(
        "a secret in a log",
        "foundation/redaction.py",
        "text = text.replace(value, MASK)",
        "pass",
        "tests/foundation/test_redaction.py",
    ),
    Bug(
        "another site's page that launches a job",
        "foundation/same_origin.py",
        "return _address(origin) not in ours - {None}",
        "return False",
        "tests/foundation/test_same_origin.py",
    ),
    Bug(
        "an account that two runs trade at once",
        "trading/lease.py",
        "fcntl.LOCK_EX | fcntl.LOCK_NB",
        "fcntl.LOCK_SH | fcntl.LOCK_NB",
        "tests/trading/test_lease.py",
    ),
)


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    """The checkout's tracked files as they are now."""
    folder = tmp_path_factory.mktemp("planted") / "checkout"
    for name in git(ROOT, "ls-files", "-z").split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_the_line_of_a_planted_bug_is_one_of_the_package(bug):
    """Here already: a bug that can no longer be planted would only be noticed in `make test-full`."""
    assert (ROOT / PACKAGE / bug.file).read_text().count(bug.right) == 1, (
        f"{bug.file} has changed: plant this bug anew"
    )
    assert (ROOT / bug.test).is_file(), f"{bug.test} is gone: name the test that catches this bug now"


@pytest.mark.full
@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_planted_bug_is_caught(copy, bug, tmp_path):
    path = copy / PACKAGE / bug.file
    text = path.read_text()
    path.write_text(text.replace(bug.right, bug.wrong))
    try:
        done = run_tests(copy, bug.test, tmp_path)
    finally:
        path.write_text(text)
    assert done.returncode == 1, done.stdout[-2000:]
    assert "\nFAILED " in done.stdout, done.stdout[-2000:]


def run_tests(copy: Path, test: str, tmp_path: Path) -> "subprocess.CompletedProcess[str]":
    options = ["-x", "-q", "-m", "not full", "-p", "no:cacheprovider", "--basetemp", str(tmp_path / "tests")]
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "TRADING_"))
    }
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, test],
        cwd=copy,
        env={**environment, "PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
        timeout=300,
    )
