"""Objects in an S3 bucket (MinIO or any other server) through boto3. Nothing MinIO-only."""

from __future__ import annotations

import base64
import hashlib
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from my_dagster_project.foundation.errors import ObjectMissingError, StorageError, StorageUnreachableError
from my_dagster_project.foundation.s3_settings import S3Settings
from my_dagster_project.storage.object_store import ObjectInfo, ObjectStore, check_key

CONNECT_TIMEOUT = 3  # seconds
READ_TIMEOUT = 30  # seconds; boto3's own 60 s x 5 attempts would hang a run for minutes
ATTEMPTS = 4  # in all; standard mode then pauses 7 s at most, so a server that is down is said within 10 s
POOL = 16

_MISSING = {"NoSuchKey", "NotFound"}
_TAKEN = {
    "PreconditionFailed",
    "ConditionalRequestConflict",
}  # the second: several at once, one of which gets it
_LOOK = "look for"
_ADVICE = {
    "NoSuchBucket": "the bucket does not exist; create it first",
    "InvalidAccessKeyId": "the server does not know the access key",
    "SignatureDoesNotMatch": "the server refused the secret key",
    "AccessDenied": "the access key may not do this",
    "404": "what answers there is no S3 server; check the endpoint",
    "403": "the access key may not do this",
    "XMinioStorageFull": "the server's disk is full; free some (`trading gc --delete` removes old versions) and run it again",
}
_FULL = 507  # Insufficient Storage (RFC 4918): waiting does not help


class _ThereIsOneError(StorageError):
    """A PUT that was to make a new object found one."""


class S3Store:
    """An ObjectStore under `s3://bucket/prefix`. Cheap to make and to pickle: the client is the process's own."""

    def __init__(self, bucket: str, prefix: str, settings: S3Settings) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._settings = settings

    def __repr__(self) -> str:
        return f"S3Store({self.url!r})"

    @property
    def url(self) -> str:
        """The address as s3://bucket/prefix."""
        return f"s3://{self._bucket}/{self._prefix}".rstrip("/")

    def put(self, key: str, data: bytes) -> None:
        """Write the object in one PUT; the server checks the bytes against their MD5."""
        self._put(key, data)

    def put_new(self, key: str, data: bytes) -> bool:
        """Write the object in one conditional PUT, which S3 knows since 2024 and MinIO before.

        boto3 asks again when an answer is lost, and is then told of its own first PUT.
        """
        try:
            self._put(key, data, IfNoneMatch="*")
        except _ThereIsOneError:
            return self.get(key) == data
        return True

    def _put(self, key: str, data: bytes, **terms: str) -> None:
        digest = base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
        with self._explained("write", key) as client:
            client.put_object(**self._address(key), Body=data, ContentMD5=digest, **terms)

    def get(self, key: str) -> bytes:
        """Give the object's bytes; ObjectMissingError when there is none."""
        with self._explained("read", key) as client:
            body: bytes = client.get_object(**self._address(key))["Body"].read()
            return body

    def size(self, key: str) -> int | None:
        """Give the object's size in bytes, None when there is no such object."""
        try:
            with self._explained(_LOOK, key) as client:
                return int(client.head_object(**self._address(key))["ContentLength"])
        except ObjectMissingError:
            return None

    def exists(self, key: str) -> bool:
        """Say whether there is an object under the key."""
        return self.size(key) is not None

    def list(self, prefix: str) -> list[ObjectInfo]:
        """Give every object whose key starts with the prefix, sorted by key; one request per 1000 objects."""
        with self._explained("list", prefix) as client:
            pages = client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._prefix + prefix
            )
            found = [entry for page in pages for entry in page.get("Contents", ())]
        start = len(self._prefix)
        return sorted(
            ObjectInfo(entry["Key"][start:], int(entry["Size"]), entry.get("ETag", "").strip('"'))
            for entry in found
        )

    def delete(self, key: str) -> None:
        """Remove the object; one that is not there is no error."""
        with self._explained("delete", key) as client:
            client.delete_object(**self._address(key))

    def copy_to(self, key: str, other_store: ObjectStore, other_key: str) -> None:
        """Copy an object; on the same server the bytes do not travel through us."""
        if not isinstance(other_store, S3Store) or other_store._settings != self._settings:
            other_store.put(other_key, self.get(key))
            return
        with self._explained("copy", key) as client:
            client.copy_object(**other_store._address(other_key), CopySource=self._address(key))

    def unfinished(self, before: datetime, *, delete: bool = False) -> Sequence[ObjectInfo]:
        """Nothing: the server forgets a put whose bytes did not all come."""
        return []

    def _address(self, key: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": self._prefix + check_key(key)}

    @contextmanager
    def _explained(self, action: str, key: str) -> Iterator[Any]:
        """Lend the client and turn its errors into ours: what, where, why.

        `from None`: boto's own texts quote the endpoint, credentials in it included, and Dagster stores causes too.
        """
        load_boto3()
        from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
        from botocore.exceptions import ConnectionError as NoConnectionError

        where = f"{key!r} in {self.url} ({_public(self._settings.endpoint_url)})"
        try:
            yield process_client(self._settings)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if code in _MISSING or (code == "404" and action == _LOOK):  # a HEAD has no body to say more in
                raise ObjectMissingError(f"There is no object {key!r} in {self.url}") from None
            if code in _TAKEN:
                raise _ThereIsOneError(f"There is an object {key!r} in {self.url}") from None
            kind = StorageUnreachableError if _is_the_servers_fault(error.response) else StorageError
            raise kind(f"Could not {action} {where}: {_ADVICE.get(code, code)}") from None
        except (NoConnectionError, HTTPClientError) as error:
            text = f"Could not {action} {where}: the server does not answer ({type(error).__name__}). Is it running?"
            raise StorageUnreachableError(text) from None
        except BotoCoreError as error:
            raise StorageError(f"Could not {action} {where}: {type(error).__name__}") from None


def _is_the_servers_fault(response: Mapping[str, Any]) -> bool:
    """A 5xx, or being asked to slow down: the same request may work in a moment."""
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return (status >= 500 and status != _FULL) or status == 429


_clients: dict[S3Settings, Any] = {}
_clients_lock = threading.Lock()


def load_boto3() -> None:
    """Import boto3 and what it needs, one thread at a time; call it before importing a part of botocore.

    Two threads of the first write of a process once imported boto3 and `botocore.exceptions` at the same moment: Python puts
    a module into `sys.modules` before it is an attribute of its package, and boto3 found "no attribute 'exceptions'".
    """
    with _clients_lock:
        import boto3.session  # noqa: F401


def process_client(settings: S3Settings) -> Any:
    """Give this process's boto3 client for these settings, made at first use; safe to share between threads."""
    with _clients_lock:
        if settings not in _clients:
            _clients[settings] = _make_client(settings)
        return _clients[settings]


@cache
def _session() -> Any:
    """What knows S3's requests, once a process and for its forks: to read that takes 0.1 s of CPU, and a client of it 5 ms."""
    import boto3.session

    return boto3.session.Session()


def know_s3(settings: S3Settings) -> None:
    """Have at hand what a client needs, for forks of this process; nothing connects."""
    if settings.access_key:  # Without one boto3 looks for some, also in the network.
        _make_client(settings)


def _make_client(settings: S3Settings) -> Any:
    from botocore.config import Config

    config = Config(
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=READ_TIMEOUT,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        max_pool_connections=POOL,
        s3={"addressing_style": "path"},
        # boto3 >= 1.36 sends CRC trailers by default, which several S3 servers refuse.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return _session().client(
        "s3",
        endpoint_url=settings.endpoint_url,
        aws_access_key_id=settings.access_key,
        aws_secret_access_key=settings.secret_key,
        region_name=settings.region,
        config=config,
    )


def _forget_clients() -> None:
    """After a fork: open connections, and a lock another thread may have held, belong to the parent."""
    global _clients_lock
    _clients_lock = threading.Lock()
    _clients.clear()


os.register_at_fork(after_in_child=_forget_clients)


def _public(endpoint_url: str | None) -> str:
    parts = urlsplit(endpoint_url or "")
    return parts.netloc.rpartition("@")[2] or "AWS"
