"""Temporary copies of the project that benchmarks may do anything with: own folder, own state, own git repository."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import yaml

from benchmarks.measure import Sample, run
from my_dagster_project.deploy.instance.home import prepare_environment
from my_dagster_project.foundation.settings import Settings, settings_from

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
# Whatever would send a benchmark to somebody's real state, or make imports slower than a user's are.
_FOREIGN = ("TRADING_", "DAGSTER_", "MLFLOW_", "ALPACA_", "ALPHA_", "AWS_", "DVC_", "PYTHON", "GIT_")


@dataclass(frozen=True)
class Project:
    """A folder with the configurations and a git repository; its state is in `.local`, as a user's is."""

    folder: Path

    @property
    def settings(self) -> Settings:
        """Where its parts lie."""
        return settings_from({}, self.folder)

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a fresh shell in the folder; benchmarks' own modules can be run in it."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
        return {**kept, "PYTHONPATH": str(ROOT), "TRADING_PROJECT": str(self.folder)}

    @property
    def tuned_environment(self) -> dict[str, str]:
        """The same with what the command line sets (one torch thread, no telemetry): both sides get it."""
        environment = self.environment
        prepare_environment(self.settings, environment)
        return environment

    def python(self, module: str, *arguments: str | Path, memory: bool = False) -> Sample:
        """Run a module of the benchmarks in a fresh Python process."""
        command = [sys.executable, "-m", f"benchmarks.{module}", *arguments]
        return run(command, self.folder, self.tuned_environment, memory=memory)


@dataclass(frozen=True)
class Trained:
    """A project whose models are trained, and the folder of the same models trained by plain Ludwig."""

    project: Project
    plain_models: Path


class Workshop:
    """Makes projects under one temporary folder. `quick` cuts them short: two symbols, two epochs, five sessions."""

    def __init__(self, folder: Path, quick: bool, rounds: int | None = None) -> None:
        self.folder, self.quick = folder, quick
        self._rounds = rounds
        self._made = 0

    def rounds(self, usual: int) -> int:
        """How often to measure: as asked for on the command line, else once when quick, else `usual`."""
        return self._rounds or (1 if self.quick else usual)

    def place(self) -> Path:
        """A new folder."""
        self._made += 1
        place = self.folder / f"{self._made:02d}"
        place.mkdir()
        return place

    def fresh(self) -> Project:
        """A project as after `git clone`: nothing computed. The code is the one installed in this environment."""
        folder = self.place()
        shutil.copytree(ROOT / "configs", folder / "configs")
        if self.quick:
            _cut_short(folder / "configs")
        (folder / ".gitignore").write_text("/.local/\n/benchmark.log\n", encoding="utf-8")
        start_repository(folder)
        return Project(folder)

    def copy(self, project: Project) -> Project:
        """The project with all of its state; addresses are relative to the project, so that it is as good as moved."""
        folder = self.place()
        shutil.copytree(project.folder, folder, dirs_exist_ok=True)
        return Project(folder)

    @cached_property
    def prepared(self) -> Project:
        """A project with bars, features and training rows, and in `recipes` what plain Ludwig trains from; made once, only copied."""
        project = self.fresh()
        project.python("through_dagster", "bars", "rows")
        project.python("recipes", project.folder / "recipes")
        return project

    @cached_property
    def trained(self) -> Trained:
        """As `prepared`, with all models; made once, only copied."""
        project = self.copy(self.prepared)
        project.python("through_dagster", "models")
        models = self.place()
        project.python("plain", "train", project.folder / "recipes", models)
        return Trained(project, models)


def git(folder: Path, *arguments: str) -> None:
    """Run git as a person would."""
    identity = ("-c", "user.name=Benchmark", "-c", "user.email=benchmark@example.org")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def start_repository(folder: Path) -> None:
    """Make the folder a git repository with one commit of what is in it."""
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "start")


def _cut_short(configs: Path) -> None:
    registry = yaml.safe_load((configs / "teams.yaml").read_text(encoding="utf-8"))
    registry["competition"]["replay_sessions"] = 5
    (configs / "teams.yaml").write_text(yaml.safe_dump(registry, sort_keys=False), encoding="utf-8")
    for team in registry["teams"]:
        path = configs / f"{team}.yaml"
        text = yaml.safe_load(path.read_text(encoding="utf-8"))
        text["symbols"] = text.get("symbols", registry["market"]["symbols"])[:2]
        text["ludwig"].setdefault("trainer", {})["epochs"] = 2
        path.write_text(yaml.safe_dump(text, sort_keys=False), encoding="utf-8")
