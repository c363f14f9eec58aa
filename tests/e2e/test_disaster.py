"""The disaster drill of the embedded default: back up, lose everything, restore; what people look at is as it was."""

import shutil
import tarfile

import pytest

from tests.support.folders import files_below
from tests.support.gitrepo import git

COMMANDS = (
    ("leaderboard",),
    ("versions", "red"),
    ("versions", "blue"),
    ("report", "red", "AAPL"),
)
EXPERIMENTS = "SELECT r.run_uuid, r.status, m.key, m.value FROM runs r JOIN metrics m USING (run_uuid) ORDER BY 1, 3, m.step"


def seen(project) -> list[str]:
    return [project.trading(*command).out for command in COMMANDS]


def kept(project) -> dict[str, object]:
    artifacts = project.home / "mlflow" / "artifacts"
    return {
        "objects": project.stored(),
        "artifacts": files_below(artifacts),
        "experiments": project.rows("mlflow/mlflow.db", EXPERIMENTS),
        "runs": project.dagster_runs(),
        "trades": project.trades(),
        "branches": project.commits(),
    }  # fmt: skip


@pytest.mark.slow
def test_everything_is_back_after_a_disaster_byte_for_byte(copied, tmp_path):
    before, said = kept(copied), seen(copied)
    assert len(before["experiments"]) > 3
    assert len(before["artifacts"]) > 3
    backup = tmp_path / "trading.tar"
    assert copied.trading("backup", str(backup)).code == 0
    assert backup.stat().st_mode & 0o777 == 0o600

    shutil.rmtree(copied.home)
    for branch in before["branches"].keys() - {"main"}:
        git(copied.folder, "branch", "-q", "-D", branch)
    git(copied.folder, "reflog", "expire", "--expire=now", "--all")
    git(copied.folder, "gc", "-q", "--prune=now")
    assert copied.trading("leaderboard").code == 1

    done = copied.trading("restore-backup", str(backup))
    assert done.code == 0, done.text
    assert kept(copied) == before
    assert seen(copied) == said
    # The restored state is one to go on from: nothing is out of date.
    again = copied.trading("run")
    assert again.code == 0, again.text
    assert copied.stored() == before["objects"]
    assert copied.commits() == before["branches"]


@pytest.mark.slow
def test_a_backup_is_neither_overwritten_nor_restored_over_what_is_there_nor_when_it_is_damaged(
    copied, tmp_path
):
    backup = tmp_path / "trading.tar"
    assert copied.trading("backup", str(backup)).code == 0
    assert "a backup never replaces another" in copied.trading("backup", str(backup)).err
    refused = copied.trading("restore-backup", str(backup))
    assert refused.code == 1
    assert "A backup goes to an empty place" in refused.err
    with tarfile.open(backup) as tar:
        member = max(tar, key=lambda one: one.size)
    content = bytearray(backup.read_bytes())
    content[member.offset_data + member.size // 2] ^= 1
    damaged = tmp_path / "damaged.tar"
    damaged.write_bytes(content)
    before = copied.stored()
    for options in (["--check"], ["--force"]):
        done = copied.trading("restore-backup", str(damaged), *options)
        assert done.code == 1
        assert f"the backup is damaged: {member.name} is not what was put in" in " ".join(done.err.split())
    assert copied.stored() == before
    assert "Whole:" in copied.trading("restore-backup", str(backup), "--check").err
