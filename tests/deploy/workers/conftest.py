"""One deployment for the whole folder, for it takes half a minute to start; a Redis for each test that needs no more."""

from collections.abc import Iterator

import pytest

from tests.deploy.workers.deployment import Deployment, deployed
from tests.e2e.project import SYMBOLS, new_project
from tests.support.gitrepo import git
from tests.support.redis import RedisServer


@pytest.fixture
def redis(tmp_path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path / "redis")
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="session")
def deployment(tmp_path_factory) -> Iterator[Deployment]:
    """Control plane without a worker."""
    folder = tmp_path_factory.mktemp("pool")
    project = new_project(folder / "project")
    for team in SYMBOLS:
        git(project.folder, "branch", team)
    with deployed(folder, project) as running:
        yield running


@pytest.fixture
def working(deployment) -> Deployment:
    """The deployment with a worker that is ready."""
    if "worker" not in deployment.names:
        deployment.start_worker()
    return deployment
