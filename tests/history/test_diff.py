"""Two versions side by side: the file where it differs, the scores, the assets."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from my_dagster_project.foundation.errors import VersioningError
from my_dagster_project.git.branch import BranchRepo
from my_dagster_project.history.diff import ABSENT, AssetLine, ConfigLine, compare, differences, show
from my_dagster_project.storage.dvc_format import dir_md5, md5_of
from tests.history.conftest import MODEL, REPORT, report

RED = "team: red\nsymbols: [AAPL]\ntraining: {seed: 42, cutoff: 2012-11-30}\n"


class TestDifferences:
    def test_only_keys_that_differ_with_dotted_paths(self):
        a = {"training": {"seed": 1, "cutoff": "x"}, "symbols": ["AAPL", "IBM"]}
        b = {"training": {"seed": 2, "cutoff": "x"}, "symbols": ["AAPL"]}
        assert list(differences(a, b)) == [("training.seed", 1, 2), ("symbols", ["AAPL", "IBM"], ["AAPL"])]

    def test_lists_of_named_items_are_compared_by_name(self):
        a = {"ludwig": {"input_features": [{"name": "x", "type": "number"}, {"name": "y", "type": "number"}]}}
        b = {
            "ludwig": {"input_features": [{"name": "y", "type": "category"}, {"name": "z", "type": "number"}]}
        }
        assert list(differences(a, b)) == [
            ("ludwig.input_features[x]", {"name": "x", "type": "number"}, ABSENT),
            ("ludwig.input_features[y].type", "number", "category"),
            ("ludwig.input_features[z]", ABSENT, {"name": "z", "type": "number"}),
        ]

    def test_another_order_of_named_items_is_a_difference(self):
        a, b = ([{"name": name} for name in names] for names in ("xy", "yx"))
        assert list(differences({"f": a}, {"f": b})) == [("f (order)", ["x", "y"], ["y", "x"])]

    def test_true_is_not_1_but_1_is_1_0(self):
        assert list(differences({"a": True, "b": 1}, {"a": 1, "b": 1.0})) == [("a", True, 1)]

    @given(
        documents := st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.text("abc", min_size=1, max_size=2), inner, max_size=3)
            ),
            max_leaves=10,
        ),
        documents,
    )
    def test_equal_documents_never_differ_and_order_of_sides_does_not_matter(self, a, b):
        assert list(differences(a, json.loads(json.dumps(a)))) == []
        assert sorted(path for path, *_ in differences(a, b)) == sorted(
            path for path, *_ in differences(b, a)
        )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (["AAPL", "IBM"], "AAPL, IBM"),
        ({"kind": "RSI", "n": 14}, "{kind: RSI, n: 14}"),
        (True, "true"),
        (None, "null"),
    ],
)
def test_values_are_shown_as_a_team_writes_them(value, text):
    assert show(value) == text


class TestCompare:
    def test_configuration_scores_and_assets_side_by_side(self, here):
        here.edit("red", RED)
        here.write(MODEL, {"m": b"1"}, config_sha="aaa")
        first = here.version(REPORT, report(n=60, mase=1.01, direction=0.5))
        here.edit("red", RED.replace("seed: 42", "seed: 7"))
        second = here.version(REPORT, report(n=60, mase=0.99, direction=0.55))
        found = compare(here.repo, here.assets, "red", first, second)
        assert found.config == [ConfigLine("training.seed", "42", "7")]
        a, b = found.scores["AAPL"]
        assert (a.mase, b.mase, b.direction) == (1.01, 0.99, 0.55)
        assert math.isnan(a.ic)
        assert [line.asset for line in found.assets] == [REPORT]
        assert (found.a.sha, found.b.sha) == (first, second)

    def test_an_asset_that_one_version_lacks_is_shown_as_absent(self, here):
        first = here.version(MODEL, {"m": b"1"})
        second = here.version(REPORT, report(n=1))
        found = compare(here.repo, here.assets, "red", first, second)
        md5 = dir_md5({name: md5_of(data) for name, data in report(n=1).items()})
        assert found.assets == [AssetLine(REPORT, None, md5)]
        assert found.scores["AAPL"][0] is None

    def test_a_file_that_is_no_yaml_is_a_note_and_the_rest_is_compared(self, here):
        first = here.version(MODEL, {"m": b"1"})
        here.edit("red", "team: red\n<<<<<<< HEAD\n")
        second = here.version(MODEL, {"m": b"2"})
        found = compare(here.repo, here.assets, "red", first, second)
        assert f"{second[:10]}:configs/red.yaml:2: " in found.notes[0]
        assert [line.asset for line in found.assets] == [MODEL]

    def test_a_report_whose_bytes_are_gone_or_are_no_report_is_a_note(self, here):
        first = here.version(REPORT, report(n=1))
        second = here.version(REPORT, {"report.json": b"[]"})
        for info in here.assets.contents.remote.list("files/md5/"):
            if not info.key.endswith(".dir") and b"metrics" in here.assets.contents.remote.get(info.key):
                here.assets.contents.remote.delete(info.key)
        found = compare(here.repo, here.assets, "red", first, second)
        assert found.scores == {"AAPL": (None, None)}
        assert len(found.notes) == 2

    def test_runs_of_another_configuration_than_the_file_shows_are_said(self, here):
        first = here.version(MODEL, {"m": b"1"}, config_sha="aaa")
        second = here.version(MODEL, {"m": b"2"}, config_sha="bbb")
        assert (
            "used different configurations" in compare(here.repo, here.assets, "red", first, second).notes[0]
        )

    def test_a_commit_without_anything_of_the_team_is_said(self, here):
        here.version(MODEL, {"m": b"1"})
        with pytest.raises(VersioningError, match=r"has neither configs/blue\.yaml nor assets of team blue"):
            compare(here.repo, here.assets, "blue", "main", "red")
        with pytest.raises(VersioningError, match="'nowhere' is neither a branch nor a commit"):
            compare(here.repo, here.assets, "red", "nowhere", "red")

    def test_a_torn_pointer_is_named(self, here):
        here.version(MODEL, {"m": b"1"})
        BranchRepo(here.repo).commit_files("red", {"assets/red/AAPL/model.dvc": b"<<<<<<<"}, "torn", {})
        with pytest.raises(VersioningError, match=r"assets/red/AAPL/model\.dvc is not a DVC pointer"):
            compare(here.repo, here.assets, "red", "red~1", "red")
