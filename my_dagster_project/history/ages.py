"""How old the objects of a store are: the one thing garbage collection must know that readers and writers need not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

from my_dagster_project.foundation.errors import StorageError
from my_dagster_project.foundation.s3_settings import S3Settings
from my_dagster_project.storage.opening import open_store


@dataclass(frozen=True)
class Aged:
    """An object of a store: its key, size in bytes, and when it was last written (UTC, by the store's clock)."""

    key: str
    size: int
    modified: datetime


def aged_objects(url: str, s3: S3Settings | None, prefix: str) -> list[Aged]:
    """Give every object of a store under a prefix that ends in "/"; StorageError when the store cannot be listed."""
    parts = urlsplit(url)
    open_store(url, s3)  # says in words what is wrong with an address
    if parts.scheme == "s3":
        return list(_in_bucket(parts.netloc, parts.path.strip("/"), s3 or S3Settings(), prefix))
    return list(_in_folder(Path(unquote(parts.path)), prefix))


def _in_folder(root: Path, prefix: str) -> Iterator[Aged]:
    for path in (root / prefix).rglob("*"):
        with suppress(FileNotFoundError):  # deleted meanwhile
            status = path.lstat()
            if path.is_file() and not path.is_symlink():
                modified = datetime.fromtimestamp(status.st_mtime, UTC)
                yield Aged(path.relative_to(root).as_posix(), status.st_size, modified)


def _in_bucket(bucket: str, prefix: str, s3: S3Settings, under: str) -> Iterator[Aged]:
    from my_dagster_project.storage.s3_store import load_boto3, process_client

    load_boto3()
    from botocore.exceptions import BotoCoreError, ClientError

    root = f"{prefix}/" if prefix else ""
    try:
        pages = (
            process_client(s3).get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=root + under)
        )
        for page in pages:
            for entry in page.get("Contents", ()):
                yield Aged(
                    entry["Key"].removeprefix(root), int(entry["Size"]), entry["LastModified"].astimezone(UTC)
                )
    except (ClientError, BotoCoreError) as error:
        # `from None`: boto's own texts quote the endpoint, credentials in it included.
        raise StorageError(f"Could not list s3://{bucket}/{root}{under}: {type(error).__name__}") from None
