"""Where the links of the pages lead."""

from dataclasses import dataclass
from urllib.parse import quote

from my_dagster_project.foundation.settings import Settings

_EXPERIMENTS = "/#/experiments?workflowType=machine_learning"


@dataclass(frozen=True)
class Links:
    """Where links lead: `front` is empty on the front itself and its address elsewhere."""

    front: str
    dagit: str
    mlflow: str
    evidently: str = ""

    @classmethod
    def from_settings(cls, settings: Settings, *, served: bool = False) -> "Links":
        """For pages of the front (`served`), or for a file that somebody opens."""
        front = "" if served else settings.front_url or "http://localhost:8080"
        # Its home page is about language models; ours are experiments.
        mlflow = settings.mlflow_link and settings.mlflow_link.rstrip("/") + _EXPERIMENTS
        return cls(front, settings.dagit_link.rstrip("/"), mlflow, settings.evidently_link)

    def run(self, run_id: str) -> str:
        """A run in Dagit."""
        return f"{self.dagit}/runs/{quote(run_id)}"

    def experiment(self, run_id: str) -> str:
        """A training's run in MLflow; '' where it has no address for people."""
        return f"{self.mlflow.partition('/#/')[0]}/#/runs/{quote(run_id)}" if self.mlflow else ""

    def asset(self, *key: str) -> str:
        """An asset in Dagit."""
        return f"{self.dagit}/assets/{'/'.join(quote(part) for part in key)}"

    def report(self, team: str, symbol: str) -> str:
        """A report on the front."""
        return f"{self.front}/reports/{quote(team)}/{quote(symbol)}"

    def team(self, team: str) -> str:
        """A team's page on the front."""
        return f"{self.front}/teams/{quote(team)}"
