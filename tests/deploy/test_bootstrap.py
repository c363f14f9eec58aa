"""The bootstrap against a real PostgreSQL and a real MinIO: run twice, nothing more is reached than is meant."""

import secrets
from collections.abc import Iterator
from datetime import date

import pytest
from botocore.exceptions import ClientError

from my_dagster_project.deploy.bootstrap import main, patiently, teams_apart
from my_dagster_project.deploy.buckets import Server, prepare_buckets
from my_dagster_project.deploy.databases import DatabaseUnreachableError, Superuser, prepare_databases
from my_dagster_project.foundation.errors import StorageError, StorageUnreachableError
from my_dagster_project.foundation.s3_settings import S3Settings
from my_dagster_project.storage.s3_store import process_client
from tests.support.deployment import write_project
from tests.support.minio import free_port
from tests.support.postgres import Postgres, postgres

NAMES = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "MLFLOW_S3_KEY",
    "MLFLOW_S3_SECRET",
    "DVC_READ_KEY",
    "DVC_READ_SECRET",
)


@pytest.fixture(scope="module")
def database(tmp_path_factory) -> Iterator[Postgres]:
    with postgres(tmp_path_factory.mktemp("pg")) as server:
        yield server


@pytest.fixture
def superuser(database) -> Superuser:
    host = database.server.get_uri().partition("host=")[2]
    return Superuser(host, "postgres", "not asked for on a socket")


def test_each_database_belongs_to_its_role_alone(database, superuser):
    import psycopg2

    passwords = {"dagster": "one", "mlflow": "two"}
    assert prepare_databases(superuser, passwords) == "made dagster, mlflow"
    with psycopg2.connect(host=superuser.host, user="dagster", dbname="dagster") as connection:
        connection.cursor().execute("CREATE TABLE mine (x int)")
    connection.close()
    with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
        psycopg2.connect(host=superuser.host, user="mlflow", dbname="dagster")
    assert prepare_databases(superuser, passwords) == "dagster, mlflow are there"


def test_a_changed_password_counts(database, superuser):
    import psycopg2

    def stored() -> str:
        connection = psycopg2.connect(host=superuser.host, user="postgres", dbname="postgres")
        with connection, connection.cursor() as asks:
            asks.execute("SELECT rolpassword FROM pg_authid WHERE rolname = 'red'")
            return asks.fetchone()[0]

    prepare_databases(superuser, {"red": "it's one"})
    before = stored()
    prepare_databases(superuser, {"red": "two"})
    assert before.startswith("SCRAM-SHA-256")
    assert stored() != before


def test_a_database_server_that_is_away_may_come_back():
    with pytest.raises(DatabaseUnreachableError) as caught:
        prepare_databases(Superuser("127.0.0.1", "postgres", "canary-value"), {"dagster": "x"})
    assert "canary-value" not in str(caught.value)


@pytest.fixture
def keys() -> dict[str, str]:
    return {name: secrets.token_hex(10) for name in NAMES} | {"TRADING_DVC_URL": "s3://trading/dvc"}


@pytest.fixture
def server(s3) -> Server:
    if s3.kind != "minio":
        pytest.skip("users and policies are MinIO's own; there is none on this machine")
    return Server(s3.settings.endpoint_url, s3.settings.access_key, s3.settings.secret_key)


def client(server: Server, key: str, secret: str):
    return process_client(S3Settings(server.url, key, secret))


def refused(call, **arguments) -> bool:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Code"] == "AccessDenied"


def test_every_user_reaches_its_own_and_nothing_else(server, keys):
    prepare_buckets(server, keys)
    assert "are there; users trading, mlflow, dvc-read" in prepare_buckets(server, keys)
    platform, mlflow, reader = (client(server, keys[NAMES[i]], keys[NAMES[i + 1]]) for i in (0, 2, 4))
    platform.put_object(Bucket="trading", Key="store/a", Body=b"a")
    platform.put_object(Bucket="trading", Key="dvc/b", Body=b"b")
    assert refused(platform.put_object, Bucket="mlflow", Key="x", Body=b"")
    mlflow.put_object(Bucket="mlflow", Key="x", Body=b"")
    assert refused(mlflow.get_object, Bucket="trading", Key="dvc/b")
    assert reader.get_object(Bucket="trading", Key="dvc/b")["Body"].read() == b"b"
    assert refused(reader.get_object, Bucket="trading", Key="store/a")
    assert refused(reader.put_object, Bucket="trading", Key="dvc/b", Body=b"")
    assert refused(reader.delete_object, Bucket="trading", Key="dvc/b")
    assert refused(platform.put_object, Bucket="trading", Key="elsewhere/c", Body=b"")
    assert refused(platform.create_bucket, Bucket="more")


def test_a_team_that_sees_its_own_reads_its_own_the_markets_and_the_competitions(server, keys):
    keys |= {"GIT_ACCOUNTS": "organiser:of-organiser,red:of-red-team,blue:of-blue-team"}
    prepare_buckets(server, keys)
    platform, reader = (client(server, keys[NAMES[i]], keys[NAMES[i + 1]]) for i in (0, 4))
    names = (
        "store/red/x",
        "store/blue/x",
        "store/redder/x",
        "store/market/x",
        "store/competition/x",
        "dvc/b",
    )
    for name in names:
        platform.put_object(Bucket="trading", Key=name, Body=b"a")
    assert "team-red, team-blue" in prepare_buckets(server, keys, ["red", "blue"])
    red = client(server, "team-red", "of-red-team")
    for who, readable in ((red, {names[0], names[3], names[4]}), (reader, {names[3], names[4]})):
        for name in names:
            if name in readable:
                assert who.get_object(Bucket="trading", Key=name)["Body"].read() == b"a"
                assert who.list_objects_v2(Bucket="trading", Prefix=f"{name[:-1]}")["KeyCount"] == 1
            else:
                assert refused(who.get_object, Bucket="trading", Key=name), name
                assert refused(who.list_objects_v2, Bucket="trading", Prefix=name[:-1]), name
        for prefix in ("", "store/", "store/red", "dvc/"):
            assert refused(who.list_objects_v2, Bucket="trading", Prefix=prefix), prefix
        assert refused(who.put_object, Bucket="trading", Key="store/red/x", Body=b"")
    prepare_buckets(server, keys)
    assert reader.get_object(Bucket="trading", Key="dvc/b")["Body"].read() == b"a"


@pytest.mark.parametrize(
    ("said", "apart"), [("", []), ("visibility: own", ["red", "blue"]), ("teams: [", ["-"])]
)
def test_whether_teams_see_their_own_says_the_registry(tmp_path, said, apart):
    write_project(tmp_path, ["red", "blue"], ["AAPL"], date(2025, 9, 2))
    registry = tmp_path / "configs" / "teams.yaml"
    registry.write_text(f"{registry.read_text()}\n{said}\n")
    assert teams_apart({"TRADING_PROJECT": str(tmp_path)}) == apart


def test_a_changed_secret_counts(server, keys):
    prepare_buckets(server, keys)
    prepare_buckets(server, keys | {"AWS_SECRET_ACCESS_KEY": "f" * 40})
    with pytest.raises(ClientError):
        client(server, keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"]).list_objects_v2(
            Bucket="trading"
        )
    client(server, keys["AWS_ACCESS_KEY_ID"], "f" * 40).list_objects_v2(Bucket="trading")


def test_a_wrong_root_key_is_said(server, keys):
    with pytest.raises(StorageError, match=r"bucket .* (AccessDenied|SignatureDoesNotMatch)"):
        prepare_buckets(Server(server.url, server.key, "wrong-secret"), keys)


def test_an_s3_server_without_users_gets_buckets_and_a_word(keys):
    from moto.server import ThreadedMotoServer

    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    try:
        host, port = moto.get_host_and_port()
        assert "no admin API" in prepare_buckets(Server(f"http://{host}:{port}", "a", "b"), keys)
    finally:
        moto.stop()


def test_a_store_that_is_away_may_come_back(keys):
    with pytest.raises(StorageUnreachableError):
        prepare_buckets(Server(f"http://127.0.0.1:{free_port()}", "a", "b"), keys)


def test_only_what_may_pass_is_tried_again():
    asked = []

    def starting() -> str:
        asked.append(1)
        if len(asked) < 3:
            raise StorageUnreachableError("starting")
        return "there"

    def wrong() -> str:
        asked.append(1)
        raise StorageError("wrong")

    assert patiently(starting, pause=0) == "there"
    asked.clear()
    with pytest.raises(StorageError):
        patiently(wrong, pause=0)
    assert len(asked) == 1


def test_a_missing_variable_is_named(capsys):
    assert main({}) == 1
    assert "POSTGRES_PASSWORD is not set" in capsys.readouterr().err
