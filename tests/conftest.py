"""Fixtures shared by all rooms."""

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from xdist.scheduler import LoadFileScheduling

from my_dagster_project.foundation.settings import load_settings
from tests.support import draws, minio, shared

# What waits 30 s for a server to come back waits a moment here, in child processes too.
os.environ.setdefault("TRADING_RETRY_SECONDS", "0.02")
# What a person has in `.env.secrets` of this checkout, as `make up` writes it, changes no test, in child processes neither.
os.environ["PYTHON_DOTENV_DISABLED"] = "1"
# A disk makes sure of every write of SQLite, git and ours: 100 ms each on a busy machine, and a sixth of the CPU. No test can
# tell memory from a disk; a run of all needs 2 GB of it.
if shared.memory_to_spare() > 6e9:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(shared.MEMORY))
draws.load_profile()


@pytest.fixture(scope="module", autouse=True)
def _environment_comes_back() -> Iterator[None]:
    """Every file of tests begins with the environment of the session, whatever libraries and commands set in the one before:
    MLflow's server once left its address there, and another file's maintenance forgot the runs in it."""
    before = dict(os.environ)
    yield
    for name in os.environ.keys() - before.keys():
        del os.environ[name]
    os.environ.update(before)
    load_settings.cache_clear()


# Files of minutes are begun first, so that no core waits for another at the end; beside the one that makes the finished
# competition those that do not look at it, because whoever does waits until it is made.
LONGEST_FIRST = (
    "deploy/workers/test_pool.py",
    "e2e/test_class.py",
    "e2e/test_golden_season.py",
    "test_planted_bugs.py",
    "e2e/test_branch_flow.py",
    "e2e/test_kill.py",
    "models",
    "pipeline/test_missed_ticks.py",
    "pipeline/test_rounds.py",
    "e2e/test_bad_input.py",
    "e2e",
    "storage/test_versions.py",
    "test_tracked_secrets.py",
    "people/front/test_hook.py",
    "paper_broker/test_service.py",
    "git/test_remote_trouble.py",
    "reports/test_evidently_report.py",
    "pipeline",
    "trading/test_broken_replay.py",
    "trading/test_scenarios.py",
)
# One process has these: importing Ludwig costs each 11 s, and those of the room share the models they have trained.
WITH_LUDWIG = ("models", "pipeline/assets/test_chain.py")


class _FilesTogether(LoadFileScheduling):
    def _split_scope(self, nodeid: str) -> str:
        path = super()._split_scope(nodeid)
        return "with Ludwig" if path.removeprefix("tests/").startswith(WITH_LUDWIG) else path


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log) -> LoadFileScheduling | None:
    """As `--dist loadfile`, with some files as one."""
    return _FilesTogether(config, log) if config.getvalue("dist") == "loadfile" else None


COLLECTED = pytest.StashKey[set[str]]()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Remember which modules collecting has imported, for tests/test_imports.py."""
    session.config.stash[COLLECTED] = set(sys.modules)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order the files, not the tests in them."""
    items.sort(key=lambda item: _place(item.path.relative_to(Path(__file__).parent).as_posix()))


def _place(path: str) -> int:
    places = (n for n, first in enumerate(LONGEST_FIRST) if path.startswith(first))
    return next(places, len(LONGEST_FIRST))


@pytest.fixture
def environ(monkeypatch) -> Iterator[Callable[..., None]]:
    """Sets variables for this test, and lets the settings of the process be read anew: they read the environment once."""

    def put(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        load_settings.cache_clear()

    yield put
    monkeypatch.undo()
    load_settings.cache_clear()


@pytest.fixture(scope="session")
def s3(tmp_path_factory) -> Iterator[minio.S3Server]:
    """A real MinIO, one for the whole session; use `s3.new_bucket()` to be alone in it."""
    with minio.s3_server(tmp_path_factory.mktemp("minio")) as server:
        yield server


def pytest_terminal_summary(terminalreporter) -> None:
    """Say in one summary what did not run at all and why, and what did not run on the real part."""
    for reason, count in skips(terminalreporter).most_common():
        terminalreporter.write_line(f"skipped {count}: {reason}", yellow=True)
    line = minio.summary_line()
    if line:
        terminalreporter.write_line(line, yellow=True)


def pytest_sessionfinish(session) -> None:
    """On a machine that has all it needs nothing is skipped: a test that was is a failure there."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter and "TRADING_TESTS_PREPARED" in os.environ and skips(reporter):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def skips(terminalreporter) -> Counter[str]:
    """How often each reason for a skip was given."""
    reports = terminalreporter.stats.get("skipped", [])
    return Counter(report.longrepr[2].removeprefix("Skipped: ") for report in reports)
