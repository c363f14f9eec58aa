"""What is said before `make up` starts anything; ports are real ones."""

import socket

import pytest

from my_dagster_project.deploy import preflight
from my_dagster_project.deploy.preflight import (
    docker_problems,
    ports_in_use,
    settings_of,
    too_little,
    wrong_addresses,
    wrong_values,
)
from tests.deploy.test_scripts import ROOT


def answers(**said):
    """A docker that says this to each subcommand."""
    return lambda command, *rest: said.get(command, "")


def free_ports() -> dict[str, str]:
    """A free port for every setting."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in preflight.PORTS]
    try:
        return {name: str(one.getsockname()[1]) for name, one in zip(preflight.PORTS, sockets, strict=True)}
    finally:
        for one in sockets:
            one.close()


def test_a_busy_port_is_named_with_its_setting():
    settings = free_ports()
    assert list(ports_in_use(settings, answers())) == []
    with socket.create_server(("127.0.0.1", int(settings["TRADING_FRONT_PORT"]))) as other:
        port = other.getsockname()[1]
        [said] = ports_in_use(settings, answers())
        assert said.startswith(f"Port {port} of 127.0.0.1 cannot be had (Address already in use).")
        assert "TRADING_FRONT_PORT=" in said
        ours = answers(ps=f"127.0.0.1:{port}->8080/tcp, 8090/tcp\n")
        assert list(ports_in_use(settings, ours)) == [], "our own stack that runs already"
        ours = answers(ps=f"127.0.0.1:{port - 1}-{port + 1}->8080-8082/tcp\n")
        assert list(ports_in_use(settings, ours)) == [], "ports that Docker tells as one span"


def test_ports_of_what_is_elsewhere_are_not_asked_for():
    settings = free_ports()
    with socket.create_server(("127.0.0.1", int(settings["TRADING_GIT_PORT"]))):
        assert (
            list(ports_in_use({**settings, "TRADING_GIT_REMOTE": "https://example.org/x"}, answers())) == []
        )


def test_a_port_that_is_none_is_said():
    [said] = ports_in_use({**free_ports(), "TRADING_S3_PORT": "90000"}, answers())
    assert said == "TRADING_S3_PORT is '90000'; it is a port, a number from 1 to 65535."


def test_two_services_cannot_have_one_port():
    ports = free_ports()
    ports["TRADING_FRONT_PORT"] = ports["TRADING_DAGIT_PORT"]
    [said] = ports_in_use(ports, answers())
    assert said.startswith("TRADING_FRONT_PORT and TRADING_DAGIT_PORT are both")
    assert not [*ports_in_use({**free_ports(), "TRADING_BIND": "127.0.0.1"}, answers())]


def test_an_address_of_another_machine_is_said_once():
    [said] = ports_in_use({**free_ports(), "TRADING_BIND": "192.0.2.1"}, answers())
    assert said.startswith("TRADING_BIND is 192.0.2.1, and nothing can be published there")


def test_a_value_that_a_service_would_refuse_is_said():
    well = {"TRADING_SEASON": "1.5m", "TRADING_WORKER_SLOTS": "3", "TRADING_WORKER_MEMORY": "3500m"}
    assert not [*wrong_values(well), *wrong_values(dict.fromkeys(well, ""))]
    ill = {"TRADING_SEASON": "30", "TRADING_WORKER_SLOTS": "two", "TRADING_SCHEDULES": "maybe"}
    assert [said.split(";")[0] for said in wrong_values(ill)] == [f"{name} is {ill[name]!r}" for name in ill]


def test_settings_are_those_of_the_file_and_the_environment_wins():
    text = "# TRADING_GIT_PORT=1\nNOTIFY_RED_WEBHOOK=x\nTRADING_BIND=0.0.0.0\nexport TRADING_S3_PORT='9100'\nSECRET=x\n"
    assert settings_of(text, {"TRADING_BIND": "10.0.0.5", "HOME": "/root"}) == {
        "TRADING_BIND": "10.0.0.5",
        "TRADING_S3_PORT": "9100",
        "NOTIFY_RED_WEBHOOK": "x",
    }


def test_an_address_that_is_none_is_said_by_its_setting_a_webhooks_without_its_value():
    found = {"TRADING_S3_ENDPOINT": "s3.example.org", "NOTIFY_RED_WEBHOOK": "hooks.example.org/secret"}
    assert list(wrong_addresses({**found, "TRADING_BIND": "0.0.0.0", "TRADING_HOST": ""})) == [
        "TRADING_S3_ENDPOINT is 's3.example.org'; it is an address like http://localhost:9000",
        "NOTIFY_RED_WEBHOOK is no address like https://chat.example.org/hooks/...",
    ]


@pytest.mark.parametrize(
    ("compose", "info", "said"),
    [
        ("2.39.1", "28.0", ""),
        ("v2.24.0-desktop.1", "28.0", ""),
        ("2.20.3", "28.0", "Docker Compose is 2.20.3; 2.24 or newer is needed"),
        ("", "28.0", "Docker Compose is not installed; 2.24"),
        ("2.39.1", "", "The Docker Engine does not answer"),
    ],
)
def test_dockers_version_is_looked_at(compose, info, said):
    found = list(docker_problems(answers(compose=compose, info=info)))
    assert [line[: len(said)] for line in found] == ([said] if said else [])


def test_without_docker_the_sentence_says_what_to_install():
    def missing(*_: str) -> str:
        raise FileNotFoundError("docker")

    [said] = docker_problems(missing)
    assert said.startswith("Docker was not found.")


def test_too_little_memory_or_disk_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr(preflight, "MEMORY_GB", 1e6)
    monkeypatch.setattr(preflight, "DISK_GB", 10**9)
    memory, disk = too_little(answers(info=str(tmp_path)))
    assert "GB of memory; the stack needs 8 GB" in memory
    assert disk.startswith(f"Docker's folder {tmp_path} has ")


def test_everybody_says_the_same_figure_for_disk():
    said = f"{preflight.DISK_GB} GB of disk"
    for file in ("README.adoc", "Makefile", "my_dagster_project/operations/README.adoc"):
        assert said in (ROOT / file).read_text(encoding="utf-8"), file


def test_every_published_port_is_known():
    import re

    composed = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    assert set(re.findall(r"TRADING_BIND:-127\.0\.0\.1\}:\$\{(TRADING_\w+_PORT)", composed)) == set(
        preflight.PORTS
    )
