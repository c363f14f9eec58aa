"""What everybody relies on in the compose files, without an engine."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from my_dagster_project.operations.secrets import GENERATED, GIT_ACCOUNTS
from my_dagster_project.pipeline.dagit_client import LOCATION

ROOT = Path(__file__).parents[2]
STACK = ROOT / "my_dagster_project" / "deploy"
ONE_SHOT = {"bootstrap", "tools", "minio-data"}
# Whom an image of ours runs as, from its Dockerfile; another's image is told in the compose file.
BUILT = {
    image: (re.findall(r"(?m)^USER (\S+)$", (ROOT / folder / "Dockerfile").read_text()) or [""])[-1]
    for image, folder in {
        "trading:local": "my_dagster_project/deploy",
        "trading-git:local": "my_dagster_project/deploy/git",
        "trading-mlflow:local": "mlflow-tracking-server",
    }.items()
}
# Gathered by deploy/compose, every time.
GATHERED = "TRADING_EXTRA"
SECRET_NAME = re.compile(r"SECRET|PASSWORD|TOKEN|_KEY|WEBHOOK|ACCOUNTS$")


class Loader(yaml.SafeLoader):
    """YAML with Compose's tags."""


Loader.add_constructor("!reset", lambda loader, node: None)


def read(path: Path) -> dict[str, Any]:
    return yaml.load(path.read_text(), Loader)


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """The stack as Compose puts it together from its three files."""
    whole = read(ROOT / "docker-compose.yml")
    alone = read(ROOT / "mlflow-tracking-server" / "docker-compose.yml")
    change = read(STACK / "mlflow.yaml")
    server, differs = alone["services"]["mlflow"], change["services"]["mlflow"]
    merged = {
        **server,
        **differs,
        "environment": server["environment"] | differs["environment"],
        "secrets": [*server["secrets"], *differs["secrets"]],
    }
    whole["services"]["mlflow"] = {key: value for key, value in merged.items() if value is not None}
    whole["secrets"] |= alone["secrets"] | change["secrets"]
    return whole


SERVICES = [*read(ROOT / "docker-compose.yml")["services"], "mlflow"]


@pytest.fixture(params=SERVICES)
def service(request, compose) -> tuple[str, dict[str, Any]]:
    return request.param, compose["services"][request.param]


def test_it_stays_up_within_limits(service):
    name, told = service
    assert told["restart"] == ("no" if name in ONE_SHOT else "unless-stopped")
    assert told["mem_limit"]
    assert told["logging"]["options"]["max-size"] == "10m"
    assert told["init"] is True
    if name not in ONE_SHOT:
        assert told["healthcheck"]["test"]
        assert told["stop_grace_period"]


def test_it_has_no_more_rights_than_it_needs(service):
    _, told = service
    assert told["cap_drop"] == ["ALL"]
    assert told["security_opt"] == ["no-new-privileges:true"]


def test_it_is_nobody_with_rights(service):
    name, told = service
    if name == "minio-data":  # Hands root's files over, without a network.
        assert (told["user"], told["network_mode"], told["volumes"]) == ("root", "none", ["minio:/data"])
        return
    user = told.get("user") or BUILT[told["image"]]
    assert user not in ("", "root", "0"), name


def test_what_is_published_is_bound_to_one_address(service):
    name, told = service
    ports = told.get("ports", [])
    assert all(port.startswith("${TRADING_BIND:-127.0.0.1}:") for port in ports)
    assert not ports or name in {"caddy", "minio", "git"}


@pytest.mark.parametrize("file", ["expose.yaml", "worker-host.yaml", "s3-elsewhere.yaml"])
def test_additional_files_publish_nothing_unasked(file, compose):
    told = read(STACK / file)
    for name, service in told["services"].items():
        assert name in compose["services"]
        assert all(port.startswith("${TRADING_BIND:-127.0.0.1}:") for port in service.get("ports", []))


def test_its_image_is_pinned(service):
    _, told = service
    assert re.fullmatch(r"(\$\{MINIO_IMAGE:-)?[a-z/-]+:[\w.-]+\}?", told["image"])
    assert "latest" not in told["image"]


def test_no_secret_stands_in_its_environment(service):
    _, told = service
    for name, value in told.get("environment", {}).items():
        if SECRET_NAME.search(name) and not name.startswith("MLFLOW_ACCOUNTS"):
            assert re.fullmatch(r"/run/secrets/[A-Z_]+|\{[A-Z0-9_]+\}", str(value)), name


def test_its_secrets_are_made_at_the_first_start(service, compose):
    _, told = service
    for name in told.get("secrets", []):
        assert compose["secrets"][name] == {"environment": name}
        assert name in GENERATED or name in (GIT_ACCOUNTS, GATHERED)


def test_the_image_is_built_once(compose):
    ours = {name for name, told in compose["services"].items() if told["image"] == "trading:local"}
    assert len(ours) > 5
    assert {name for name in ours if "build" in compose["services"][name]} == {"bootstrap"}
    assert {compose["services"][name]["pull_policy"] for name in ours} == {"never"}


@pytest.mark.parametrize(
    ("secret", "holders"),
    [
        ("MINIO_ROOT_PASSWORD", {"minio", "bootstrap", "tools"}),
        ("POSTGRES_PASSWORD", {"postgres", "bootstrap"}),
        ("ORGANISER_PASSWORD", {"caddy"}),
        ("GIT_ACCOUNTS", {"git", "caddy", "bootstrap", "mlflow"}),
    ],
)
def test_the_keys_to_everything_are_held_by_few(compose, secret, holders):
    assert {
        name for name, told in compose["services"].items() if secret in told.get("secrets", [])
    } == holders


def test_workers_share_no_volume(compose):
    assert "volumes" not in compose["services"]["worker"]


def test_the_location_has_the_name_that_is_reloaded():
    workspace = read(ROOT / "my_dagster_project" / "deploy" / "instance" / "workspace.yaml")
    assert workspace["load_from"][0]["grpc_server"]["location_name"] == LOCATION


def test_the_instance_names_no_driver_that_is_not_there():
    instance = read(ROOT / "my_dagster_project" / "deploy" / "instance" / "stack.yaml")
    database = instance["storage"]["custom"]["config"]["postgres_db"]
    assert database["scheme"] == "postgresql+psycopg2"
    assert database["password"] == {"env": "DAGSTER_PG_PASSWORD"}


@pytest.mark.parametrize(
    "dockerfile",
    sorted([*STACK.rglob("Dockerfile"), ROOT / "mlflow-tracking-server" / "Dockerfile"]),
    ids=str,
)
def test_images_build_without_an_image_registry_and_run_as_nobody_special(dockerfile):
    text = dockerfile.read_text()
    assert not text.startswith("# syntax")
    assert not re.search(r"^COPY +--from", text, re.MULTILINE)
    assert re.search(r"^USER (?!root)", text, re.MULTILINE)


def test_only_what_runs_goes_into_the_image():
    lines = (STACK / "Dockerfile.dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert not any("env" in rule or rule in ("!tests", "!.git") for rule in rules)


def test_mlflow_is_the_same_version_on_both_sides():
    version = re.search(r'"mlflow==([\d.]+)"', (ROOT / "pyproject.toml").read_text())[1]
    requirements = ROOT / "mlflow-tracking-server"
    assert f"mlflow[auth]=={version}" in (requirements / "requirements.in").read_text()
    assert f"mlflow=={version}\n" in (requirements / "requirements.txt").read_text()
