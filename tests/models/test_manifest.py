import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from my_dagster_project.foundation.errors import ModelError
from my_dagster_project.models.manifest import MANIFEST, Input, Manifest, Parity, read_manifest

finite = st.floats(allow_nan=False, allow_infinity=False)
names = st.from_regex(r"[a-z][a-z0-9_]{0,31}", fullmatch=True)
inputs = st.one_of(
    st.builds(Input, name=names, type=st.just("number"), fill=finite),
    st.builds(
        Input,
        name=names,
        type=st.just("category"),
        fill=st.text(),
        categories=st.dictionaries(st.text(), st.integers(0, 9)),
        unknown=st.integers(0, 9),
    ),
    st.builds(Input, name=names, type=st.just("binary"), fill=st.booleans()),
)
manifests = st.builds(
    Manifest,
    team=names,
    symbol=st.just("AAPL"),
    target=st.sampled_from(["next_return", "next_direction"]),
    inputs=st.lists(inputs, max_size=4).map(tuple),
    trained_through=st.dates(date(1990, 1, 1), date(2030, 1, 1)),
    seed=st.integers(0),
    rows=st.dictionaries(names, st.integers(0)),
    epochs=st.integers(0),
    return_scale=finite,
    versions=st.dictionaries(names, st.text()),
    exported=st.booleans(),
    reason=st.none() | st.text(),
    parity=st.none() | st.builds(Parity, max_abs_diff=finite, rows=st.integers(0)),
)


@given(manifests)
def test_a_manifest_survives_being_stored(manifest):
    assert read_manifest({MANIFEST: manifest.to_json()}) == manifest


@given(manifests)
def test_what_was_stored_before_there_were_kinds_is_ludwigs(manifest):
    content = json.loads(manifest.to_json())
    del content["kind"], content["answers"]
    old = read_manifest({MANIFEST: json.dumps(content).encode()})
    assert old.kind == "ludwig"
    assert old.answer == {"next_return": "return", "next_direction": "probability"}[manifest.target]


@given(manifests)
def test_the_stored_text_is_canonical(manifest):
    text = manifest.to_json()
    assert text == json.dumps(json.loads(text), sort_keys=True, indent=2).encode() + b"\n"


@given(manifests)
def test_a_manifest_of_another_format_is_refused(manifest):
    content = json.loads(manifest.to_json()) | {"format": 2}
    with pytest.raises(ModelError, match="format 2"):
        read_manifest({MANIFEST: json.dumps(content).encode()})


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"{}", b'{"format": 1}', b"\xff"])
def test_a_torn_manifest_is_one_message(text):
    with pytest.raises(ModelError, match=r"manifest.json cannot be read .*Train it again"):
        read_manifest({MANIFEST: text})


@given(manifests)
def test_the_model_of_another_team_symbol_or_target_is_refused(manifest):
    manifest.require(manifest.team, "AAPL", manifest.target)
    for other in (
        ("x-y", "AAPL", manifest.target),
        (manifest.team, "IBM", manifest.target),
        (manifest.team, "AAPL", "x"),
    ):
        with pytest.raises(ModelError, match="the stored model says it is of"):
            manifest.require(*other)
