"""No secret of the stack is where somebody could read it who should not."""

import subprocess

import pytest

pytestmark = pytest.mark.stack


def values(stack) -> dict[str, str]:
    found = {name: value for name, value in stack.secrets.items() if len(value) >= 12}
    assert len(found) >= 15
    return found


def leaks(stack, text: str) -> list[str]:
    return [name for name, value in values(stack).items() if value in text]


def test_compose_and_docker_show_none(stack):
    assert leaks(stack, stack.compose("config")) == []
    names = stack.compose("ps", "--all", "--quiet").split()
    assert len(names) >= 12
    assert (
        leaks(
            stack,
            subprocess.run(["docker", "inspect", *names], capture_output=True, text=True, check=True).stdout,
        )
        == []
    )


def test_the_logs_of_every_service_hold_none(stack):
    assert leaks(stack, stack.compose("logs", "--no-color")) == []


@pytest.mark.parametrize("image", ["trading:local", "trading-mlflow:local", "trading-git:local"])
def test_no_image_was_built_with_one(stack, image):
    history = subprocess.run(
        ["docker", "history", "--no-trunc", image], capture_output=True, text=True, check=True
    ).stdout
    assert leaks(stack, history) == []
    listing = [
        "docker",
        "run",
        "--rm",
        "--entrypoint",
        "sh",
        image,
        "-c",
        "find / -xdev -name '.env.secrets*' 2>/dev/null || true",
    ]
    found = subprocess.run(listing, capture_output=True, text=True, check=True).stdout.split()
    assert [path for path in found if not path.endswith(".template")] == []


def test_dagsters_database_holds_none(stack):
    dump = stack.compose("exec", "-T", "postgres", "pg_dump", "-h", "/tmp", "-U", "postgres", "dagster")
    assert "CREATE TABLE" in dump
    assert leaks(stack, dump) == []
