"""A small competition in a git repository of its own, used as a stranger would: `trading` and `git`, nothing imported."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from hashlib import md5
from pathlib import Path
from typing import Any

import yaml

from tests.support.configs import Change, write_configs
from tests.support.forks import Command, parent
from tests.support.gitrepo import git
from tests.support.minio import free_port
from tests.support.waiting import answers, wait_for

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
SESSIONS = ("2013-02-22", "2013-02-25", "2013-02-26", "2013-02-27", "2013-02-28")
SYMBOLS = {"red": ("AAPL", "IBM"), "blue": ("IBM",)}
# Less than pytest's own for a test, which would not say what the command had said.
PATIENCE_SECONDS = 550
# What says who you are and where things lie on the machine that runs the tests must not reach the tests.
_OURS = (
    "TRADING_",
    "ALPACA_",
    "ALPHA_VANTAGE",
    "AWS_",
    "DAGSTER_",
    "MLFLOW_",
    "GIT_",
    "DVC_",
    "PYTHON_DOTENV_",
)


@dataclass(frozen=True)
class Done:
    """How a command ended, and all it said."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def problems(self) -> list[str]:
        """The lines that say what failed, after the tables."""
        return [line for line in self.lines if line.startswith("✗") and " not done " not in line]


@dataclass
class Project:
    """A checkout on branch main, and the environment its owner works in."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.folder / ".local"

    @property
    def store(self) -> Path:
        return self.home / "store"

    def environ(self, **more: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
        # What is tried again waits 30 s and 90 s otherwise; nothing here gets better by waiting.
        ours = {"PATH": path, "COLUMNS": "130", "TRADING_RETRY_SECONDS": "0.02"}
        return {**kept, **ours, **self.environment, **more}

    def begin(self, *arguments: str, log: Path) -> Command:
        """Start the command line, without its imports; all it says goes to `log`."""
        with log.open("wb") as out:
            return parent().begin(arguments, self.folder, self.environ(), out, out, timeout=PATIENCE_SECONDS)

    def command(self, *command: str, cwd: Path | None = None, **environment: str) -> Done:
        """Run any command in the project's folder."""
        done = subprocess.run(
            command,
            cwd=cwd or self.folder,
            env=self.environ(**environment),
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def trading(self, *arguments: str, **environment: str) -> Done:
        """Run the command line, without its imports; a traceback is wrong whatever the command."""
        done = Done(
            *parent().trading(arguments, self.folder, self.environ(**environment), timeout=PATIENCE_SECONDS)
        )
        assert "Traceback" not in done.text, done.text
        return done

    @contextmanager
    def serving(self, command: str, path: str, **environment: str) -> Iterator["Served"]:
        """`trading COMMAND` on a free port of this project's; ready when `path` is answered."""
        port, log = free_port(), self.folder.with_name(f"{self.folder.name}-{command}.log")
        with log.open("wb") as out:
            process = subprocess.Popen(
                ["trading", command, "--port", str(port)],
                cwd=self.folder,
                env=self.environ(**environment),
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        served = Served(port, process)
        try:
            wait_for(lambda: answers(f"{served.url}{path}"), by=process, log=log)
            yield served
        finally:
            kill_group(process)

    def copy(self, folder: Path) -> "Project":
        """The same checkout with all its history somewhere else, as after a move of the folder."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Project(folder, dict(self.environment))

    def edit(self, name: str, change: Change) -> None:
        """Change configs/<name>.yaml in the working tree."""
        path = self.folder / "configs" / f"{name}.yaml"
        document = yaml.safe_load(path.read_text())
        change(document)
        path.write_text(yaml.safe_dump(document, sort_keys=False))

    def commit_edit(self, team: str, change: Change) -> None:
        """Change a team's file on its branch, in a second work tree as the team itself would have."""
        tree = self.folder.with_name(f"{self.folder.name}-{team}")
        git(self.folder, "worktree", "add", "-q", str(tree), team)
        Project(tree).edit(team, change)
        # Also one that changes nothing: a class draws its files at random, and drew the one a team had.
        git(tree, "commit", "-q", "-a", "--allow-empty", "-m", f"{team} has an idea")
        git(self.folder, "worktree", "remove", "--force", str(tree))

    def stored(self) -> dict[str, str]:
        """The md5 of every file of the store and of the DVC remote."""
        return {
            str(path.relative_to(self.home)): md5(path.read_bytes()).hexdigest()
            for part in ("store", "dvc")
            for path in sorted((self.home / part).rglob("*"))
            if path.is_file()
        }

    def commits(self) -> dict[str, str]:
        """By branch: the commit it is at."""
        listing = git(self.folder, "for-each-ref", "--format=%(refname:short) %(objectname)", "refs/heads")
        return dict(line.split() for line in listing.splitlines())

    def rows(self, database: str, query: str) -> list[tuple[Any, ...]]:
        """What a query finds in one of the SQLite files under .local; nothing while there is no such file or table."""
        path = self.home / database
        if not path.exists():
            return []
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as connection:
            try:
                return connection.execute(query).fetchall()
            except sqlite3.OperationalError:
                return []

    def dagster_runs(self) -> list[tuple[str, str]]:
        """Job and status of every Dagster run, in order."""
        return self.rows("dagster/history/runs.db", "SELECT pipeline_name, status FROM runs ORDER BY id")

    def trades(self) -> dict[str, list[tuple[Any, ...]]]:
        """The broker's books without what differs from run to run (ids, the wall clock)."""
        book = "broker/accounts.sqlite"
        return {
            "orders": self.rows(
                book,
                "SELECT team, session, client_order_id, symbol, side, qty, status, filled_qty, filled_avg_price"
                " FROM orders ORDER BY team, session, client_order_id",
            ),
            "fills": self.rows(
                book,
                "SELECT team, session, type, symbol, side, qty, price, amount FROM activities"
                " ORDER BY team, session, symbol, type, side, amount",
            ),
            "equity": self.rows(
                book, "SELECT team, session, equity, cash FROM equity ORDER BY team, session"
            ),
            "accounts": self.rows(book, "SELECT team, cash, session FROM accounts ORDER BY team"),
        }


@dataclass(frozen=True)
class Served:
    """A page server of a project."""

    port: int
    process: "subprocess.Popen[bytes]"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def new_project(folder: Path, market: dict[str, Any] | None = None) -> Project:
    """A committed checkout of the configs, cut short so that a run takes seconds."""
    files = {team: _shrunk(its) for team, its in SYMBOLS.items()}
    write_configs(folder, lambda registry: _shorten(registry, market or {}), files)
    for name in (".gitignore", "dvc.yaml"):
        shutil.copy(ROOT / name, folder / name)
    shutil.copytree(ROOT / ".dvc", folder / ".dvc", ignore=shutil.ignore_patterns("tmp", "cache", "*.local"))
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "first")
    return Project(folder)


def _shorten(registry: dict[str, Any], market: dict[str, Any]) -> None:
    registry["teams"] = {team: registry["teams"][team] for team in SYMBOLS}
    registry["market"] |= {"start": date(2009, 1, 2), **market}
    registry["competition"]["replay_sessions"] = len(SESSIONS)


def _shrunk(symbols: tuple[str, ...]) -> Change:
    def shrink(config: dict[str, Any]) -> None:
        config["symbols"] = list(symbols)
        config.setdefault("training", {})["start"] = date(2010, 1, 4)
        config["ludwig"].setdefault("trainer", {})["epochs"] = 2

    return shrink


def kill_group(process: "subprocess.Popen[Any]") -> None:
    """kill -9 for a process and all it started (it was started in a session of its own)."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=20)
