"""Opens stores by their addresses. Beside the interface and its two kinds, not in it: neither kind knows the other."""

from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from my_dagster_project.foundation.errors import StorageError
from my_dagster_project.foundation.s3_settings import S3Settings
from my_dagster_project.foundation.settings import load_settings
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.file_store import FileStore
from my_dagster_project.storage.kept import Kept
from my_dagster_project.storage.object_store import ObjectStore
from my_dagster_project.storage.s3_store import S3Store


def open_store(url: str, s3: S3Settings | None = None) -> ObjectStore:
    """Open `file:///absolute/folder` or `s3://bucket/prefix`. Touches neither disk nor network yet."""
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.netloc in ("", "localhost") and parts.path.startswith("/"):
        return FileStore(Path(unquote(parts.path)))
    if parts.scheme == "s3" and parts.netloc and "@" not in parts.netloc:
        return S3Store(parts.netloc, parts.path.strip("/"), s3 or S3Settings())
    # The URL is not repeated: a mistyped one may hold user:password.
    raise StorageError(
        "A store's address is file:///absolute/folder or s3://bucket/prefix, without credentials."
    )


@cache
def open_assets(store_url: str, dvc_url: str) -> AssetStore:
    """The asset store at these addresses, with the S3 settings of this process."""
    settings = load_settings()
    store, remote = (open_store(url, settings.s3) for url in (store_url, dvc_url))
    far = isinstance(store, S3Store)  # A folder is as near as what would be kept of it.
    return AssetStore(store, remote, Kept(settings.home / "kept" if far else None))
