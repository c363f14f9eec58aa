"""An old version becomes the current one, as a new version; nothing is lost, and Dagster judges it rightly."""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import dagster as dg
import pytest

from my_dagster_project.foundation.errors import VersioningError
from my_dagster_project.history.log import team_versions
from my_dagster_project.history.provenance import announce
from my_dagster_project.history.restore import restore
from my_dagster_project.pipeline.chain import restore_turn
from my_dagster_project.storage.dvc_format import object_key
from my_dagster_project.storage.folders import current_folder
from tests.history.chain import SESSIONS, Chain
from tests.history.conftest import FEATURES, MODEL, ORDERS, PREDICTIONS, REPORT
from tests.support.gitrepo import git
from tests.support.versions import read_version

FILES = {"model.onnx": os.urandom(1000), "meta/config ü.json": b"{}", "empty": b""}
IBM = ("red", "IBM", "model")


def bring_back(deployment, sha, **options):
    return restore(deployment.assets, deployment.repo, "red", sha, deployment.commit, restore_turn, **options)


class TestObjects:
    def test_a_version_becomes_current_and_a_new_version_that_says_from_where(self, on_both):
        first = on_both.version(MODEL, FILES, config_sha="abc", mase="1.5")
        second = on_both.version(MODEL, {"other": b"2"})
        done = bring_back(on_both, first[:10])
        [commit] = on_both.commit()
        assert on_both.assets.read(MODEL) == FILES
        assert [read_version(on_both.assets, on_both.repo, one, MODEL) for one in (commit.sha, second)] == [
            FILES,
            {"other": b"2"},
        ]
        newest = team_versions(on_both.repo, "red")[0]
        assert (newest.sha, newest.restored_from, newest.config_shas) == (commit.sha, first, ("abc",))
        assert newest.figures == {MODEL: {"mase": "1.5"}}
        assert (done.sha, [item.asset for item in done.assets]) == (first, [MODEL])

    def test_what_was_current_and_not_yet_a_version_becomes_one_first(self, here):
        first = here.version(MODEL, {"m": b"1"})
        here.write(MODEL, {"m": b"never committed"})
        bring_back(here, first)
        here.commit()
        shas = [version.sha for version in team_versions(here.repo, "red", 3)]
        kept = [read_version(here.assets, here.repo, sha, MODEL) for sha in shas]
        assert kept == [{"m": b"1"}, {"m": b"never committed"}, {"m": b"1"}]

    def test_sessions_come_back_and_later_ones_stay(self, on_both):
        first = on_both.version(
            PREDICTIONS, {"2013-01-02.parquet": b"a", "2013-01-03.parquet": b"b"}, replace=False
        )
        on_both.version(PREDICTIONS, {"2013-01-03.parquet": b"B", "2013-01-04.parquet": b"C"}, replace=False)
        [item] = bring_back(on_both, first).assets
        on_both.commit()
        expected = {"2013-01-02.parquet": b"a", "2013-01-03.parquet": b"b", "2013-01-04.parquet": b"C"}
        assert on_both.assets.read(PREDICTIONS) == expected
        assert read_version(on_both.assets, on_both.repo, "red", PREDICTIONS) == expected
        assert (item.written, item.later) == (("2013-01-03.parquet",), ("2013-01-04.parquet",))
        assert team_versions(on_both.repo, "red")[0].sessions == "2013-01-03"

    def test_in_a_season_what_was_predicted_stays(self, here):
        first = here.version(MODEL, {"m": b"1"})
        here.version(PREDICTIONS, {"2013-01-02.parquet": b"a"}, replace=False)
        here.version(MODEL, {"m": b"2"})
        lived = here.version(PREDICTIONS, {"2013-01-02.parquet": b"A"}, replace=False)
        turn = partial(restore_turn, season=True)
        done = restore(here.assets, here.repo, "red", f"{lived}~1", here.commit, turn)
        assert (here.assets.read(MODEL), done.left_alone) == ({"m": b"2"}, (PREDICTIONS,))
        restore(here.assets, here.repo, "red", first, here.commit, turn)
        assert here.assets.read(MODEL) == {"m": b"1"}
        assert here.assets.read(PREDICTIONS) == {"2013-01-02.parquet": b"A"}

    def test_what_is_current_already_makes_no_version(self, here):
        sha = here.version(MODEL, FILES)
        [item] = bring_back(here, sha).assets
        assert (item.written, here.commit()) == ((), [])

    def test_only_one_symbol_if_asked(self, here):
        here.version(MODEL, {"m": b"1"})
        first = here.version(IBM, {"m": b"1"})
        here.write(MODEL, {"m": b"2"})
        here.write(IBM, {"m": b"2"})
        here.commit()
        bring_back(here, first, symbol="IBM")
        assert (here.assets.read(MODEL), here.assets.read(IBM)) == ({"m": b"2"}, {"m": b"1"})

    def test_orders_and_other_teams_stay_as_they_are(self, here):
        first = here.version(ORDERS, {"2013-01-02.json": b"1"}, replace=False)
        here.version(("blue", "AAPL", "model"), {"m": b"1"})
        first = here.version(MODEL, {"m": b"1"})
        here.version(ORDERS, {"2013-01-02.json": b"2"}, replace=False)
        here.version(("blue", "AAPL", "model"), {"m": b"2"})
        assert bring_back(here, first).left_alone == (ORDERS,)
        assert here.assets.read(ORDERS) == {"2013-01-02.json": b"2"}
        assert here.assets.read(("blue", "AAPL", "model")) == {"m": b"2"}

    def test_a_lost_or_damaged_manifest_is_cured(self, here):
        sha = here.version(MODEL, FILES)
        here.assets.store.put(".manifests/red/AAPL/model/whole.json", b"torn")
        bring_back(here, sha)
        assert here.assets.read(MODEL) == FILES


class TestRefusals:
    @pytest.mark.parametrize("damage", ["missing", "damaged"])
    def test_bytes_that_are_gone_refuse_everything_and_change_nothing(self, on_both, damage):
        on_both.write(FEATURES, {"f": b"1"})
        first = on_both.version(MODEL, {"m": b"1", "n": b"kept"})
        on_both.write(FEATURES, {"f": b"2"})
        on_both.version(MODEL, {"m": b"2"})
        [md5] = [md5 for name, md5 in bring_back_plan(on_both, first).items() if name == "m"]
        remote = on_both.assets.contents.remote
        remote.delete(object_key(md5)) if damage == "missing" else remote.put(object_key(md5), b"X")
        head = git(on_both.repo, "rev-parse", "red")
        with pytest.raises(VersioningError) as refused:
            bring_back(on_both, first)
        assert "nothing was changed" in str(refused.value)
        assert "red/AAPL/model: 1 of 2 files are missing or damaged (m)" in str(refused.value)
        assert "dvc push" in str(refused.value)
        assert (on_both.assets.read(FEATURES), on_both.assets.read(MODEL)) == ({"f": b"2"}, {"m": b"2"})
        assert (on_both.commit(), git(on_both.repo, "rev-parse", "red")) == ([], head)

    def test_a_folder_whose_list_is_gone_is_said_with_its_pointer(self, here):
        first = here.version(MODEL, {"m": b"1"})
        for info in here.assets.contents.remote.list("files/md5/"):
            if info.key.endswith(".dir"):
                here.assets.contents.remote.delete(info.key)
        with pytest.raises(
            VersioningError, match=r"assets/red/AAPL/model\.dvc names .*\.dir, which is not in"
        ):
            bring_back(here, first)

    def test_a_commit_without_assets_and_one_that_does_not_exist_are_said(self, here):
        here.version(MODEL, {"m": b"1"})
        with pytest.raises(VersioningError, match="has no assets of team red; `trading versions red`"):
            bring_back(here, "main")
        with pytest.raises(VersioningError, match="has no assets of red MSFT"):
            bring_back(here, "red", symbol="MSFT")
        with pytest.raises(VersioningError, match="'--all' is neither a branch nor a commit"):
            bring_back(here, "--all")

    def test_without_a_commit_of_what_is_current_nothing_is_overwritten(self, here):
        first = here.version(MODEL, {"m": b"1"})
        here.write(MODEL, {"m": b"2"})

        def fails():
            raise VersioningError("red: locked")

        with pytest.raises(VersioningError, match="locked"):
            restore(here.assets, here.repo, "red", first, fails, restore_turn)
        assert here.assets.read(MODEL) == {"m": b"2"}

    def test_another_teams_branch_that_cannot_be_committed_is_no_obstacle(self, here):
        first = here.version(MODEL, {"m": b"1"})
        here.version(MODEL, {"m": b"2"})
        here.write(("blue", "AAPL", "model"), {"m": b"1"})

        def fails():
            raise VersioningError("blue: locked")

        restore(here.assets, here.repo, "red", first, fails, restore_turn)
        assert here.assets.read(MODEL) == {"m": b"1"}

    def test_a_name_that_leads_out_of_the_asset_is_refused(self, here):
        here.version(MODEL, {"m": b"1"})
        body = b'[{"md5": "c4ca4238a0b923820dcc509a6f75849b", "relpath": "../../../blue/AAPL/model/m"}]'
        here.assets.contents.put("c4ca4238a0b923820dcc509a6f75849b", b"1")
        from my_dagster_project.git.branch import BranchRepo
        from my_dagster_project.storage.dvc_format import Pointer, md5_of, pointer_text

        md5 = md5_of(body) + ".dir"
        here.assets.contents.put(md5, body)
        forged = pointer_text(Pointer(md5, "model", 1, 1))
        BranchRepo(here.repo).commit_files("red", {"assets/red/AAPL/model.dvc": forged}, "forged", {})
        with pytest.raises(VersioningError, match="is not an object key"):
            bring_back(here, "red")
        assert here.assets.read(MODEL) == {"m": b"1"}
        assert here.assets.names(("blue", "AAPL", "model")) == []


def bring_back_plan(deployment, sha) -> dict[str, str]:
    from my_dagster_project.git.branch import BranchRepo
    from my_dagster_project.history.pointers import owner_pointers, version_files

    pointer = owner_pointers(BranchRepo(deployment.repo), sha, "red")[MODEL]
    return version_files(deployment.assets.contents, MODEL, pointer)


class TestDagster:
    def restored(self, chain, sha):
        done = restore(
            chain.deployment.assets, chain.deployment.repo, "red", sha, chain.deployment.commit, restore_turn
        )
        unknown = announce(chain.instance, done)
        chain.deployment.commit()
        return unknown

    @pytest.fixture
    def a(self, here) -> Chain:
        return Chain(here, "A")

    def test_a_runless_materialization_without_code_version_passes_as_up_to_date(self, a):
        """Why the tags matter: this is what Dagster's resolver says, whatever the configuration is."""
        a.run_all()
        b = a.with_config("B")
        assert MODEL in b.due()
        tags = {"dagster/data_version": "anything"}
        for asset in (FEATURES, MODEL):
            b.instance.report_runless_asset_event(dg.AssetMaterialization(dg.AssetKey(asset), tags=tags))
        assert MODEL not in b.due()

    def test_with_its_configuration_back_nothing_restored_is_made_anew(self, a):
        first = a.run_all()
        a.with_config("B").run_all()
        assert self.restored(a, first) == []
        assert a.due() == [ORDERS]

    def test_with_the_other_configuration_it_is_due_like_after_any_edit(self, a):
        first = a.run_all()
        b = a.with_config("B")
        b.run_all()
        self.restored(a, first)
        assert b.due() == [FEATURES, MODEL, PREDICTIONS]  # the orders are those that B decided

    def test_forth_and_back_again_everything_is_up_to_date_even_the_orders(self, a):
        first = a.run_all()
        b = a.with_config("B")
        second = b.run_all()
        self.restored(a, first)
        self.restored(b, second)
        assert b.due() == []
        self.restored(a, first)
        assert a.due() == [ORDERS]

    def test_predictions_of_another_model_are_due_when_only_the_later_ones_are(self, a):
        first = a.run_all(SESSIONS[:2])
        a.with_config("B").run_all()
        self.restored(a, first)
        assert a.due(SESSIONS[:2]) == [REPORT, ORDERS]
        assert PREDICTIONS in a.due(SESSIONS)

    def test_sessions_predicted_day_by_day_are_known_one_by_one(self, a):
        a.run_all(SESSIONS[:2])
        for session in SESSIONS[2:]:
            a.run(PREDICTIONS, sessions=(session, session))
        a.run(REPORT)
        first = {done.branch: done.sha for done in a.deployment.commit()}["red"]
        a.with_config("B").run_all()
        assert self.restored(a, first) == []
        assert a.due() == [ORDERS]

    def test_a_report_that_was_behind_its_predictions_still_is(self, a):
        a.run_all(SESSIONS[:2])
        a.run(PREDICTIONS, sessions=(SESSIONS[2], SESSIONS[2]))
        first = {done.branch: done.sha for done in a.deployment.commit()}["red"]
        a.with_config("B").run_all()
        self.restored(a, first)
        assert a.due() == [REPORT, ORDERS]

    def test_dagit_shows_what_is_current_with_its_origin(self, a):
        first = a.run_all()
        a.with_config("B").run_all()
        self.restored(a, first)
        event = a.instance.get_latest_materialization_event(dg.AssetKey(MODEL)).asset_materialization
        assert event.metadata["restored_from"].value == first
        assert event.description == f"Restored from version {first[:10]}."
        assert event.tags["dagster/data_version"] == a.deployment.assets.fingerprint(MODEL)
        made = a.instance.get_materialized_partitions(dg.AssetKey(PREDICTIONS))
        assert made == set(SESSIONS)

    def test_announcing_again_reports_nothing_twice(self, a):
        first = a.run_all()
        a.with_config("B").run_all()
        self.restored(a, first)
        before = a.instance.fetch_materializations(dg.AssetKey(PREDICTIONS), limit=100).records
        self.restored(a, first)
        assert len(a.instance.fetch_materializations(dg.AssetKey(PREDICTIONS), limit=100).records) == len(
            before
        )

    def test_a_crash_between_bytes_and_news_is_healed_by_restoring_again(self, a):
        first = a.run_all()
        a.with_config("B").run_all()
        restore(a.deployment.assets, a.deployment.repo, "red", first, a.deployment.commit, restore_turn)
        assert MODEL in a.due()
        self.restored(a, first)
        assert a.due() == [ORDERS]

    def test_a_version_dagster_has_never_seen_is_due_and_said(self, a):
        first = a.run_all()
        a.with_config("B").run_all()
        elsewhere = Chain(a.deployment, "A")
        elsewhere.run(("market", "AAPL", "bars"))
        assert self.restored(elsewhere, first) == [FEATURES, MODEL, PREDICTIONS, REPORT]
        assert elsewhere.due() == [FEATURES, MODEL, PREDICTIONS, REPORT, ORDERS]

    def test_an_unchanged_asset_counts_under_its_old_configuration_again(self, here):
        """Equal bytes, another code version: what is restored is the origin too, not only the bytes."""
        a = Chain(here, "A")
        first = a.run_all()
        b = a.with_config("B")
        b.run_all()
        here.assets.write(FEATURES, here.assets.read(FEATURES), replace=True, record={})
        self.restored(a, first)
        assert FEATURES not in a.due()


@pytest.mark.slow
def test_real_dvc_pulls_the_restored_version(on_both, tmp_path):
    first = on_both.version(MODEL, FILES)
    on_both.version(MODEL, {"other": b"2"})
    bring_back(on_both, first)
    on_both.commit()
    git(tmp_path, "clone", "-q", "-b", "red", str(on_both.repo), "clone")
    environment = {**os.environ, **on_both.place.environment, "DVC_SITE_CACHE_DIR": str(tmp_path / "site")}
    dvc = str(Path(sys.executable).with_name("dvc"))
    done = subprocess.run(
        [dvc, "pull"], cwd=tmp_path / "clone", env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    folder = tmp_path / "clone" / "assets/red/AAPL/model"
    assert {name: (folder / name).read_bytes() for name in FILES} == FILES
    assert dict(current_folder(on_both.assets, MODEL).files).keys() == FILES.keys()
