"""The platform's side: real jobs, in one process, in the project of the environment: `python -m benchmarks.through_dagster STEP ...`.

Steps: bars, rows (features and training rows), models (the whole <team>_train jobs), predictions, replay. Its last line says in JSON how long each
step took without the start of the process.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence

import dagster as dg

from my_dagster_project.deploy.instance.home import prepare_environment
from my_dagster_project.foundation.settings import load_settings
from my_dagster_project.main_job.runner import Runner
from my_dagster_project.pipeline import chain
from my_dagster_project.pipeline.assets import keys
from my_dagster_project.pipeline.code_location import build_definitions
from my_dagster_project.pipeline.partitions import replay_sessions
from my_dagster_project.pipeline.refit_windows import windows_in_use
from my_dagster_project.teams.deployment import current_platform


class Jobs:
    """The jobs of all teams, run one after the other."""

    def __init__(self) -> None:
        settings = load_settings()
        prepare_environment(settings)
        self.platform = current_platform(settings)
        self._runner = Runner(build_definitions(self.platform, settings), dg.DagsterInstance.get())
        self.sessions = [session.isoformat() for session in replay_sessions(self.platform)]

    def bars(self) -> None:
        """Every symbol's bars."""
        self._run("market", "", [keys.bars_key(symbol) for symbol in self.platform.symbols])

    def rows(self) -> None:
        """Every team's features, and the training rows of each refit that the replay predicts by."""
        for team in self.platform.teams:
            self._train(team, keys.features_key, keys.training_rows_key)

    def models(self) -> None:
        """The whole <team>_train jobs: features, rows, and each refit with tracking, ONNX export and checks."""
        for team in self.platform.teams:
            self._train(team, keys.features_key, keys.training_rows_key, keys.model_key)

    def _train(self, team: str, *of: keys.TeamSymbolKey) -> None:
        self._run("train", team, self._keys(team, *of), windows_in_use(self.platform, team))

    def predictions(self) -> None:
        """All sessions of the replay in one run per team."""
        for team in self.platform.teams:
            self._run("daily", team, self._keys(team, keys.predictions_key), self.sessions)

    def replay(self) -> None:
        """The first team's orders, all sessions in one run, as `trading run` has them traded."""
        team = next(iter(self.platform.teams))
        self._run("trade", team, [keys.orders_key(team)], self.sessions)

    def _keys(self, team: str, *of: keys.TeamSymbolKey) -> list[dg.AssetKey]:
        return [key(team, symbol) for symbol in self.platform.teams[team].symbols for key in of]

    def _run(
        self, purpose: str, team: str, selection: list[dg.AssetKey], sessions: Sequence[str] = ()
    ) -> None:
        if not self._runner.run(chain.job(purpose).of(team), selection, lambda event, text: None, sessions):
            raise SystemExit("\n".join(f"{one.step}: {one.message}" for one in self._runner.problems))


def main(steps: Sequence[str]) -> None:
    """Do the steps in the order given."""
    jobs = Jobs()
    by_name: dict[str, Callable[[], None]] = {
        "bars": jobs.bars,
        "rows": jobs.rows,
        "models": jobs.models,
        "predictions": jobs.predictions,
        "replay": jobs.replay,
    }
    took: dict[str, float] = {"sessions": len(jobs.sessions)}
    for step in steps:
        started = time.perf_counter()
        by_name[step]()
        took[step] = time.perf_counter() - started
    print(json.dumps(took))


if __name__ == "__main__":
    main(sys.argv[1:])
