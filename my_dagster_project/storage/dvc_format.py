"""DVC's own file formats, byte for byte, without DVC.

We depend on the format (two small files, stable since DVC 3.0), never on DVC's internals: importing dvc costs 1 s per
process, writing these costs nothing. Real `dvc pull`, `status -c` and `get` in the tests hold us to it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from yaml import CBaseLoader

from my_dagster_project.foundation.errors import StorageError, VersioningError

DIR_SUFFIX = ".dir"
MOST_POINTER = 64 * 1024
"""Bytes of the largest `.dvc` file that is read; ours have about 100."""

_MOST_DEPTH = 8
_FILE = re.compile(r"[0-9a-f]{32}")
_POINTED = re.compile(r"[0-9a-f]{32}(\.dir)?")
_COUNT = re.compile(r"[0-9]{1,15}")
_BARE = re.compile(r"""[^\s'"#,]([^'"#,\n]*[^\s'"#,])?""")

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
        files = {entry["relpath"]: entry["md5"] for entry in json.loads(body)}
    except (ValueError, TypeError, KeyError, RecursionError):
        files = {"": ""}
    if all(
        isinstance(name, str) and isinstance(md5, str) and _FILE.fullmatch(md5) for name, md5 in files.items()
    ):
        return files
    raise VersioningError("A .dir object of the DVC remote is damaged: not a list of md5 and relpath.")


def pointer_text(pointer: Pointer) -> bytes:
    """Give the `.dvc` file of a pointer, as `dvc add` would write it."""
    out: dict[str, Any] = {"md5": pointer.md5, "size": pointer.size, "nfiles": pointer.nfiles}
    known = {key: value for key, value in out.items() if value is not None}
    document = {"outs": [{**known, "hash": "md5", "path": pointer.path}]}
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True).encode()


def parse_pointer(text: bytes, filename: str) -> Pointer:
    """Read a `.dvc` file, whatever its line endings or DVC version; VersioningError names the file if it is none.

    Teams can write one too, so nothing in it is believed to be what it should be: every scalar is text until its form
    says otherwise, and the text is small, flat and without anything that could make it grow.
    """
    try:
        if len(text) > MOST_POINTER:
            raise _BadFormError(f"it has {len(text):,} bytes, a pointer at most {MOST_POINTER:,}")
        _check_events(text)
        out = yaml.load(text, Loader=CBaseLoader)["outs"][0]  # noqa: S506 - the base loader makes text of all
        return _pointer(out)
    except _BadFormError as error:
        problem = str(error)
    except (yaml.YAMLError, UnicodeDecodeError, TypeError, KeyError, IndexError, AttributeError):
        problem = "it has no output with an md5 and a path"
    raise VersioningError(
        f"{filename} is not a DVC pointer with an md5 ({problem}); restore it from git."
    ) from None


class _BadFormError(Exception):
    """What keeps a text from being a pointer, in words."""


def _check_events(text: bytes) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=CBaseLoader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _BadFormError("it has anchors or aliases")
        if getattr(event, "tag", None) is not None:
            raise _BadFormError("it has tags (!)")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _MOST_DEPTH:
                raise _BadFormError(f"it is nested more than {_MOST_DEPTH} levels deep")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _pointer(out: Mapping[str, Any]) -> Pointer:
    md5, path = out["md5"], out["path"]
    if not isinstance(md5, str) or not _POINTED.fullmatch(md5):
        raise _BadFormError("its md5 is not 32 hex digits, with .dir behind them for a folder")
    if not isinstance(path, str) or not path:
        raise _BadFormError("its path is not a name")
    return Pointer(md5, path, _count(out, "size"), _count(out, "nfiles"))


def _count(out: Mapping[str, Any], key: str) -> int | None:
    """A plain number of at most 15 digits: a petabyte is 16."""
    value = out.get(key)
    if value is not None and not (isinstance(value, str) and _COUNT.fullmatch(value)):
        raise _BadFormError(f"its {key} is not a plain number of at most 15 digits")
    return None if value is None else int(value)


def config_text(remote_url: str) -> bytes:
    """Give `.dvc/config` with one default remote and no keys: DVC takes those from AWS_* or .dvc/config.local."""
    url = remote_url.removeprefix("file://")
    return (
        "[core]\n    analytics = false\n    check_update = false\n    autostage = false\n    remote = storage\n"
        f"['remote \"storage\"']\n    url = {_quoted(url)}\n"
    ).encode()


def _quoted(value: str) -> str:
    """A value as DVC's parser (configobj) takes it: bare where nothing in it means anything to that, as it always was."""
    if _BARE.fullmatch(value):
        return value
    marks = ("'", '"', "'''", '"""')
    mark = next((mark for mark in marks if mark not in value and not value.endswith(mark[0])), None)
    if mark is None:
        raise StorageError(
            f"DVC's configuration cannot name {value!r}: it holds both kinds of quotes, three in a row"
        )
    return f"{mark}{value}{mark}"
