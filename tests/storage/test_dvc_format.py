"""The formats, held against what the real dvc writes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from my_dagster_project.foundation.errors import VersioningError
from my_dagster_project.storage.dvc_format import (
    Pointer,
    config_text,
    dir_body,
    dir_md5,
    md5_of,
    object_key,
    parse_dir,
    parse_pointer,
    pointer_text,
)

DVC = str(Path(sys.executable).with_name("dvc"))

MD5S = st.text("0123456789abcdef", min_size=32, max_size=32)


def test_a_folder_is_written_byte_for_byte_as_dvc_writes_it(tmp_path):
    files = {"b.txt": b"2", "a/z.bin": b"\x00", "a b/ü.txt": b"", "a.b": b"1", "B": b"3"}
    for name, data in files.items():
        target = tmp_path / "model" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    subprocess.run([DVC, "init", "-q", "--no-scm"], cwd=tmp_path, check=True)
    subprocess.run([DVC, "add", "-q", "model"], cwd=tmp_path, check=True)

    md5s = {name: md5_of(data) for name, data in files.items()}
    pointer = Pointer(dir_md5(md5s), "model", sum(map(len, files.values())), len(files))

    assert pointer_text(pointer) == (tmp_path / "model.dvc").read_bytes()
    assert (tmp_path / ".dvc" / "cache" / object_key(pointer.md5)).read_bytes() == dir_body(md5s)


@given(st.dictionaries(st.text(min_size=1), MD5S))
def test_a_dir_object_comes_back_as_it_went(files):
    assert parse_dir(dir_body(files)) == files
    relpaths = [entry["relpath"] for entry in json.loads(dir_body(files))]
    assert relpaths == sorted(relpaths)


@given(
    st.builds(
        Pointer,
        MD5S,
        st.text(st.characters(categories=["L", "Nd"]), min_size=1),
        st.none() | st.integers(0, 10**15 - 1),
    )
)
def test_a_pointer_comes_back_as_it_went(pointer):
    assert parse_pointer(pointer_text(pointer), "x.dvc") == pointer


MD5 = b"0123456789abcdef0123456789abcdef.dir"


@pytest.mark.parametrize(
    "text",
    [
        b"outs:\r\n- md5: %b\r\n  size: 3\r\n  nfiles: 1\r\n  hash: md5\r\n  path: model\r\n",
        b"wdir: .\nouts:\n- path: model\n  md5: %b\n  nfiles: 1\n  size: 3\n  cache: true\n",
        b"md5: f00\nouts:\n- {md5: %b, size: 3, nfiles: 1, path: model, remote: x}\nmeta: {by: hand}\n",
    ],
    ids=["crlf", "dvc 2", "by hand"],
)
def test_pointers_of_other_hands_are_read(text):
    assert parse_pointer(text % MD5, "model.dvc") == Pointer(MD5.decode(), "model", 3, 1)


def test_an_md5_of_digits_alone_keeps_its_zeros():
    assert parse_pointer(b"outs:\n- md5: " + b"0" * 32 + b"\n  path: x", "x").md5 == "0" * 32


LAUGHS = b"a: &a [x, x]\n" + b"".join(
    b"%c: &%c [%b]\n" % (n + 1, n + 1, b", ".join([b"*%c" % n] * 9)) for n in range(97, 107)
)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"outs: []",
        b"outs:\n- path: x",
        b"<<<<<<< HEAD\nouts:",
        b"\xff",
        b"a: [",
        b"3",
        b"outs:\n- {path: x, md5: 2001-99-99}",
        b"outs:\n- {path: x, md5: %b/../../x}" % MD5[:32],
        b"outs:\n- {path: x, md5: %b, size: abc}" % MD5,
        b"outs:\n- {path: x, md5: %b, size: -1}" % MD5,
        b"outs:\n- {path: x, md5: %b, size: %b}" % (MD5, b"9" * 5000),
        b"outs:\n- {path: x, md5: %b, size: !!int abc}" % MD5,
        b"outs:\n- {path: [x], md5: %b}" % MD5,
        b"outs:\n- {path: x, md5: [%b]}" % MD5,
        b"[" * 2000,
        LAUGHS + b"outs:\n- {path: x, md5: %b}" % MD5,
        b"#" * 70_000 + b"\nouts:\n- {path: x, md5: %b}" % MD5,
    ],
)
def test_what_is_no_pointer_is_refused_by_name(text):
    with pytest.raises(VersioningError, match=r"red:assets/model\.dvc is not a DVC pointer"):
        parse_pointer(text, "red:assets/model.dvc")


@pytest.mark.parametrize(
    "body", [b"", b"3", b"[1]", b'[{"md5": "x"}]', b"{", b"[" * 9999, b'[{"md5": "x", "relpath": "a"}]']
)
def test_a_damaged_dir_object_is_refused(body):
    with pytest.raises(VersioningError, match="damaged"):
        parse_dir(body)


def test_the_configuration_has_one_default_remote_and_a_folder_as_a_plain_path():
    assert b"    url = s3://bucket/dvc\n" in config_text("s3://bucket/dvc")
    assert b"    url = /home/me/dvc\n" in config_text("file:///home/me/dvc")
