"""What runs on the server itself, outside of containers: shell scripts and systemd units."""

import shutil
import subprocess
from pathlib import Path

import pytest

STACK = Path(__file__).parents[2] / "my_dagster_project" / "deploy"
DOCKER = "[Unit]\nDescription=Docker\n[Service]\nExecStart=/bin/true\n"


@pytest.mark.parametrize("name", ["backup", "restore", "databases.sh"])
def test_a_script_is_valid_shell_and_says_how_it_is_used(name):
    script = STACK / name
    assert subprocess.run(["sh", "-n", script]).returncode == 0
    without = subprocess.run(["sh", script], capture_output=True, text=True)
    assert without.returncode != 0
    assert name == "databases.sh" or f"usage: deploy/{name} FILE" in without.stderr


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd here")
def test_systemd_has_nothing_to_say_about_the_units(tmp_path):
    units = [path for path in STACK.iterdir() if path.suffix in (".service", ".timer")]
    for unit in units:
        shutil.copy(unit, tmp_path)
    (tmp_path / "docker.service").write_text(DOCKER)
    command = ["systemd-analyze", "verify", *sorted(tmp_path / unit.name for unit in units)]
    done = subprocess.run(command, capture_output=True, text=True)
    said = [line for line in (done.stdout + done.stderr).splitlines() if "trading" in line]
    assert len(units) == 3
    assert (done.returncode, said) == (0, [])
