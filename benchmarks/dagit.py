"""Dagit's pages for a team beside Dagster's plain web server: the same instance, definitions and questions, asked in turn."""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import dagster as dg
import pytest

from benchmarks.figures import Figure, Findings
from benchmarks.measure import BenchmarkError
from benchmarks.workshop import Workshop
from my_dagster_project.foundation.dagster_private import DagsterWebserver
from my_dagster_project.foundation.sign_in import USER_HEADER
from my_dagster_project.pipeline.assets import keys
from tests.deploy.test_dagit_people import people_of
from tests.support.deployment import Deployment, deployed, write_project

_TEAMS, _SYMBOLS = ("red", "blue"), ("AAPL", "GOOG", "IBM", "MSFT")
_MOST = 1.2
_EVENTS, _FIGURES = 20, 10
_MADE = "metadataEntries { label description } tags { key value } timestamp runId partition"
# What the pages of Dagit ask for.
_PAGES = {
    "all assets of the teams": f"""{{ assetNodes {{ assetKey {{ path }} description groupName kinds jobNames
  hasMaterializePermission hasWipePermission dependencyKeys {{ path }} dependedByKeys {{ path }} metadataEntries {{ label }}
  assetMaterializations(limit: 5) {{ {_MADE} }}
  assetChecksOrError {{ ... on AssetChecks {{ checks {{ name description }} }} }} }} }}""",
    "the lineage": """{ assetNodes { assetKey { path } dependencyKeys { path } dependedByKeys { path }
  hasMaterializePermission staleStatus repository { name } } }""",
    "one asset": f"""{{ assetNodeOrError(assetKey: {{path: ["red", "orders"]}}) {{ ... on AssetNode {{ assetKey {{ path }}
  description hasMaterializePermission metadataEntries {{ label }} assetMaterializations(limit: 100) {{ {_MADE} }} }} }} }}""",
}

type Ask = Callable[[str], Any]


def measure(workshop: Workshop) -> Findings:
    """CPU and wall time of an answer, medians of answers in turn; BenchmarkError when one is none."""
    figures = []
    with _servers(workshop) as (ours, plain):
        for page, query in _PAGES.items():
            took = [(_took(ours, query), _took(plain, query)) for _ in range(workshop.rounds(15) + 1)][1:]
            for number, what in enumerate(("CPU", "wall")):
                mine, theirs = (statistics.median(pair[side][number] for pair in took) for side in (0, 1))
                figures.append(Figure(f"{page}, {what}", "ms", mine, theirs, target_ratio=_MOST))
    return Findings(
        title="Dagit for a team",
        plain="dagster-webserver as it comes, which knows no persons.",
        figures=tuple(figures),
        notes=(
            "Asked as red where teams see their own only; both in one process, over the same definitions.",
        ),
    )


@contextmanager
def _servers(workshop: Workshop) -> Iterator[tuple[Ask, Ask]]:
    from starlette.testclient import TestClient

    folder = workshop.place()
    write_project(folder, list(_TEAMS), list(_SYMBOLS), date(2025, 9, 2))
    registry = folder / "configs" / "teams.yaml"
    registry.write_text(f"{registry.read_text()}\nvisibility: own\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRADING_PROXY_NAMES_USER", "1")
        with deployed(folder) as deployment:
            _fill(deployment)
            ours = people_of(deployment).client
            plain = TestClient(DagsterWebserver(deployment.context).create_asgi_app())
            yield (
                lambda query: ours.post("/graphql", json={"query": query}, headers={USER_HEADER: "red"}),
                lambda query: plain.post("/graphql", json={"query": query}),
            )


def _fill(deployment: Deployment) -> None:
    figures = {f"figure {number}": number for number in range(_FIGURES)}
    made = [keys.orders_key(team) for team in _TEAMS]
    made += [
        of(team, symbol)
        for of in (keys.features_key, keys.model_key)
        for team in _TEAMS
        for symbol in _SYMBOLS
    ]
    for key in made * _EVENTS:
        deployment.instance.report_runless_asset_event(dg.AssetMaterialization(key, metadata=figures))


def _took(ask: Ask, query: str) -> tuple[float, float]:
    """Milliseconds of CPU and of the clock."""
    wall, cpu = time.perf_counter(), time.process_time()
    answer = ask(query)
    took = (time.process_time() - cpu) * 1e3, (time.perf_counter() - wall) * 1e3
    if answer.status_code != 200 or answer.json().get("errors"):
        raise BenchmarkError(answer.text[:400])
    return took
