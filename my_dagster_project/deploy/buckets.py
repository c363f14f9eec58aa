"""Buckets, and users that reach their own bucket only; minio-py is used here and nowhere else."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from my_dagster_project.foundation.addresses import address
from my_dagster_project.foundation.errors import StorageError, StorageUnreachableError
from my_dagster_project.storage.names import COMPETITION, MARKET

if TYPE_CHECKING:
    from minio import Minio, MinioAdmin
    from urllib3 import PoolManager

_READ = ["s3:GetObject"]
_WRITE = [*_READ, "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
_LIST = ["s3:ListBucket", "s3:GetBucketLocation", "s3:ListBucketMultipartUploads"]
# What MinIO's admin API answers where there is none: another S3 server takes the path for a bucket's.
_NO_ADMIN_API = ("400", "403", "404", "405", "501")


@dataclass(frozen=True)
class Server:
    """An S3 server and the key that may do everything there."""

    url: str
    key: str
    secret: str = field(repr=False)


@dataclass(frozen=True)
class User:
    """A key and what it may do with the objects under its places, each `bucket` or `bucket/prefix`.

    Without `lists` it is told no names but those under its places.
    """

    name: str
    places: tuple[str, ...]
    actions: list[str]
    key: str
    secret: str = field(repr=False)
    lists: bool = True

    @property
    def buckets(self) -> list[str]:
        """The buckets of its places."""
        return sorted({place.partition("/")[0] for place in self.places})

    def policy(self) -> dict:
        """The policy in AWS's language."""
        buckets = [f"arn:aws:s3:::{bucket}" for bucket in self.buckets]
        objects = [f"arn:aws:s3:::{place.rstrip('/')}/*" for place in self.places]
        listing: dict[str, object] = {"Effect": "Allow", "Action": _LIST, "Resource": buckets}
        if not self.lists:
            below = [f"{place.partition('/')[2].rstrip('/')}/*" for place in self.places]
            listing |= {"Action": _LIST[:1], "Condition": {"StringLike": {"s3:prefix": below}}}
        return {
            "Version": "2012-10-17",
            "Statement": [listing, {"Effect": "Allow", "Action": self.actions, "Resource": objects}],
        }


def users_of(environ: Mapping[str, str], own: Sequence[str] = ()) -> list[User]:
    """The platform, MLflow, and people's `dvc pull`, which reads versions and neither writes nor sees anything else.

    With teams that see their `own` only: a key for each (`team-red`, and its password in GIT_ACCOUNTS) that reads its current
    objects, the market's and the competition's; the key that all share reads the last two. The versions of all teams lie in one
    pool under their md5, so that pool is closed.
    """
    platform = environ["AWS_ACCESS_KEY_ID"], environ["AWS_SECRET_ACCESS_KEY"]
    mlflow = environ["MLFLOW_S3_KEY"], environ["MLFLOW_S3_SECRET"]
    reader = environ["DVC_READ_KEY"], environ["DVC_READ_SECRET"]
    store = address(environ, "TRADING_STORE_URL") or "s3://trading/store"
    dvc = address(environ, "TRADING_DVC_URL") or "s3://trading/dvc"
    artifacts = address(environ, "TRADING_MLFLOW_BUCKET") or "s3://mlflow"
    store, dvc, artifacts = (url.removeprefix("s3://") for url in (store, dvc, artifacts))
    public = tuple(f"{store}/{owner}" for owner in (MARKET, COMPETITION))
    passwords = dict(pair.split(":", 1) for pair in environ.get("GIT_ACCOUNTS", "").split(",") if ":" in pair)
    return [
        User("trading", (store, dvc), _WRITE, *platform),
        User("mlflow", (artifacts,), _WRITE, *mlflow),
        User("dvc-read", public if own else (dvc,), _READ, *reader, lists=not own),
        *(
            User(
                f"team-{team}",
                (f"{store}/{team}", *public),
                _READ,
                f"team-{team}",
                passwords[team],
                lists=False,
            )
            for team in own
            if team in passwords
        ),
    ]


def prepare_buckets(server: Server, environ: Mapping[str, str], own: Sequence[str] = ()) -> str:
    """Make the buckets, policies and users that are missing; says what was done. `own` as in `users_of`.

    A team's key of a time when teams saw their own only stays, and reads what it read. On a server without MinIO's admin API the keys given must exist there already; it says so. Raises StorageError.
    """
    users = users_of(environ, own)
    made = _make_buckets(server, sorted({bucket for user in users for bucket in user.buckets}))
    told = f"made {', '.join(made)}" if made else "are there"
    admin = _admin(server)
    if admin is None:
        names = "AWS_ACCESS_KEY_ID, MLFLOW_S3_KEY and DVC_READ_KEY"
        return f"{told}; {server.url} has no admin API of MinIO: make the users of {names} there yourself"
    for user in users:
        _admit(admin, user)
    return f"{told}; users {', '.join(user.name for user in users)}"


def _make_buckets(server: Server, names: list[str]) -> list[str]:
    from minio.error import MinioException, S3Error
    from urllib3.exceptions import HTTPError

    client = _client(server)
    made = []
    for name in names:
        try:
            if not client.bucket_exists(name):
                client.make_bucket(name)
                made.append(name)
        except S3Error as error:
            if error.code in ("ServerNotInitialized", "XMinioServerNotInitialized", "SlowDown"):
                raise StorageUnreachableError(f"{server.url} is still starting: {error.message}") from None
            raise StorageError(f"bucket {name} at {server.url}: {error.code}: {error.message}") from None
        except (MinioException, HTTPError, OSError) as error:
            raise StorageUnreachableError(f"{server.url} does not answer: {type(error).__name__}") from None
    return made


def _admit(admin: "MinioAdmin", user: User) -> None:
    from minio.error import MinioAdminException

    try:
        admin.policy_add(user.name, policy=user.policy())
        admin.user_add(user.key, user.secret)
        admin.policy_set(user.name, user=user.key)
    except MinioAdminException as error:
        raise StorageError(f"user {user.name}: {_reason(error)}") from None


def _admin(server: Server) -> "MinioAdmin | None":
    """The admin API, None where the server has none."""
    from minio import MinioAdmin
    from minio.credentials import StaticProvider
    from minio.error import MinioAdminException

    url = urlsplit(server.url)
    admin = MinioAdmin(
        endpoint=url.netloc,
        credentials=StaticProvider(server.key, server.secret),
        secure=url.scheme == "https",
        http_client=_patience(),
    )
    try:
        json.loads(admin.policy_list())
    except ValueError:
        return None
    except MinioAdminException as error:
        if _code(error) in _NO_ADMIN_API:
            return None
        raise StorageError(f"{server.url}: {_reason(error)}") from None
    return admin


def _client(server: Server) -> "Minio":
    from minio import Minio

    url = urlsplit(server.url)
    return Minio(
        endpoint=url.netloc,
        access_key=server.key,
        secret_key=server.secret,
        secure=url.scheme == "https",
        region="us-east-1",
        http_client=_patience(),
    )


def _patience() -> "PoolManager":
    """By default minio-py waits 5 minutes for an answer and asks six times; the bootstrap itself asks again."""
    from urllib3 import PoolManager, Retry, Timeout

    return PoolManager(timeout=Timeout(connect=3, read=20), retries=Retry(total=0))


def _code(error: Exception) -> str:
    return str(getattr(error, "_code", ""))


def _reason(error: Exception) -> str:
    return f"the admin API answered {_code(error)}: {getattr(error, '_body', error)}"
