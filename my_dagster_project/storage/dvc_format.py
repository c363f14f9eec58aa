"""DVC's own file formats, byte for byte, without DVC.

We depend on the format (two small files, stable since DVC 3.0), never on DVC's internals: importing dvc costs 1 s per
process, writing these costs nothing. Real `dvc pull`, `status -c` and `get` in the tests hold us to it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from my_dagster_project.errors import VersioningError

DIR_SUFFIX = ".dir"

GITIGNORE = b"/config.local\n/tmp\n/cache\n"
ASSETS_GITIGNORE = (
    b"# Bytes live in the DVC remote; only pointers are committed.\n*\n!*/\n!*.dvc\n!.gitignore\n"
)


@dataclass(frozen=True)
class Pointer:
    """What a `.dvc` file says: the md5 (ending in .dir for a folder), its size in bytes, the output's name beside it."""

    md5: str
    path: str
    size: int | None = None
    nfiles: int | None = None


def md5_of(data: bytes) -> str:
    """Give the hex md5 DVC knows these bytes by."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def object_key(md5: str) -> str:
    """Give the key of a content in a DVC 3 remote; the md5 of a folder ends in .dir."""
    return f"files/md5/{md5[:2]}/{md5[2:]}"


def dir_body(files: Mapping[str, str]) -> bytes:
    """Give the `.dir` object of a folder from its {relative path: md5}."""
    entries = [{"md5": md5, "relpath": name} for name, md5 in sorted(files.items())]
    return json.dumps(entries, sort_keys=True).encode()


def dir_md5(files: Mapping[str, str]) -> str:
    """Give the md5 of a folder, `.dir` included, as a pointer holds it."""
    return md5_of(dir_body(files)) + DIR_SUFFIX


def parse_dir(body: bytes) -> dict[str, str]:
    """Give {relative path: md5} of a `.dir` object; VersioningError when it is not one."""
    try:
        return {entry["relpath"]: entry["md5"] for entry in json.loads(body)}
    except (ValueError, TypeError, KeyError):
        raise VersioningError(
            "A .dir object of the DVC remote is damaged: not a list of md5 and relpath."
        ) from None


def pointer_text(pointer: Pointer) -> bytes:
    """Give the `.dvc` file of a pointer, as `dvc add` would write it."""
    out: dict[str, Any] = {"md5": pointer.md5, "size": pointer.size, "nfiles": pointer.nfiles}
    known = {key: value for key, value in out.items() if value is not None}
    document = {"outs": [{**known, "hash": "md5", "path": pointer.path}]}
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True).encode()


def parse_pointer(text: bytes, filename: str) -> Pointer:
    """Read a `.dvc` file, whatever its line endings or DVC version; VersioningError names the file if it is none."""
    try:
        out = yaml.safe_load(text)["outs"][0]
        pointer = Pointer(str(out["md5"]), str(out["path"]), out.get("size"), out.get("nfiles"))
    except (yaml.YAMLError, UnicodeDecodeError, TypeError, KeyError, IndexError, AttributeError):
        raise VersioningError(f"{filename} is not a DVC pointer with an md5; restore it from git.") from None
    return pointer


def config_text(remote_url: str) -> bytes:
    """Give `.dvc/config` with one default remote and no keys: DVC takes those from AWS_* or .dvc/config.local."""
    url = remote_url.removeprefix("file://")
    return (
        "[core]\n    analytics = false\n    check_update = false\n    autostage = false\n    remote = storage\n"
        f"['remote \"storage\"']\n    url = {url}\n"
    ).encode()
