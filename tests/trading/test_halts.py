"""The kill switch on a folder and on S3: who is halted, what is kept of it, and that doubt means halted."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from my_dagster_project.foundation.errors import TradingError
from my_dagster_project.foundation.s3_settings import S3Settings
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.file_store import FileStore
from my_dagster_project.storage.opening import open_store
from my_dagster_project.trading.halts import EVERYBODY, check_scope, halt, lift, past_halts, read_halts


def store_in(folder: Path) -> AssetStore:
    return AssetStore(FileStore(folder / "store"), FileStore(folder / "dvc"))


@pytest.fixture(params=["file", "s3"])
def assets(request, tmp_path) -> AssetStore:
    if request.param == "file":
        return store_in(tmp_path)
    server = request.getfixturevalue("s3")
    bucket = f"s3://{server.new_bucket()}"
    return AssetStore(*(open_store(f"{bucket}/{name}", server.settings) for name in ("store", "dvc")))


def test_nobody_is_halted_until_somebody_says_so(assets):
    assert read_halts(assets).reason("red") == ""
    assert past_halts(assets) == []


def test_a_halt_concerns_its_team_and_says_who_when_and_why(assets):
    made = halt(assets, "red", "ann@desk", "fat finger")
    halts = read_halts(assets)
    assert halts.reason("blue") == ""
    expected = f"trading of red is halted since {made.at} by ann@desk: fat finger"
    assert halts.reason("red") == expected
    assert made.at.endswith(" UTC")
    assert [one.reason for one in halts.of("red")] == ["fat finger"]


def test_everybodys_halt_concerns_every_team_and_is_lifted_by_itself(assets):
    halt(assets, EVERYBODY, "ann", "the exchange")
    halt(assets, "red", "bob", "")
    assert read_halts(assets).reason("blue").startswith("everybody's trading is halted since ")
    assert "; trading of red is halted since " in read_halts(assets).reason("red")
    assert [one.by for one in lift(assets, "red", "bob", "")] == ["bob"]
    assert read_halts(assets).reason("red") == read_halts(assets).reason("blue") != ""
    lift(assets, EVERYBODY, "ann", "over")
    assert read_halts(assets).halts == ()


def test_a_lifted_halt_stays_on_record(assets):
    halt(assets, "red", "ann", "fat finger")
    lift(assets, "red", "bob", "checked")
    [past] = past_halts(assets)
    assert (past.scope, past.by, past.reason, past.lifted_by, past.lifted_reason) == (
        "red",
        "ann",
        "fat finger",
        "bob",
        "checked",
    )
    assert lift(assets, "red", "bob", "again") == []
    assert len(past_halts(assets)) == 1


def test_a_halt_made_while_another_is_lifted_stays(tmp_path):
    class Busy(FileStore):
        """A store in which somebody else halts red in the moment in which its halt is lifted."""

        def delete(self, key):
            super().delete(key)
            halt(store_in(tmp_path), "red", "carl", "in that moment")

    halt(store_in(tmp_path), "red", "ann", "first")
    lift(AssetStore(Busy(tmp_path / "store"), FileStore(tmp_path / "dvc")), "red", "bob", "")
    assert [one.by for one in read_halts(store_in(tmp_path)).halts] == ["carl"]


def test_many_people_at_once_lose_nobodys_halt(assets):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: halt(assets, "red", f"p{n}", ""), range(16)))
        lifted = list(pool.map(lambda n: lift(assets, "red", "x", ""), range(4)))
    assert read_halts(assets).reason("red") == ""
    assert {one.by for some in lifted for one in some} == {f"p{n}" for n in range(16)}
    assert len(past_halts(assets)) == 16


@pytest.mark.parametrize("damage", [b"", b"\xff\x00", b"[]", b'{"by": 3}', b"null"])
def test_a_damaged_record_halts_all_the_same_and_can_be_lifted(assets, damage):
    made = halt(assets, "red", "ann", "why")
    assets.store.put(made.key, damage)
    assert read_halts(assets).reason("red").startswith("trading of red is halted since ")
    assert len(lift(assets, "red", "bob", "")) == 1
    assert read_halts(assets).reason("red") == ""


def test_whatever_lies_where_it_should_not_halts_everybody(assets):
    assets.store.put(".trading/halts/stray.json", b"{}")
    assert read_halts(assets).reason("blue").startswith("everybody's trading is halted since ")


def test_a_switch_that_cannot_be_read_halts_everybody(tmp_path):
    assets = store_in(tmp_path)
    place = tmp_path / "store" / ".trading"
    place.mkdir(parents=True)
    (place / "halts").symlink_to(place / "halts")  # a loop: neither there nor not there
    halts = read_halts(assets)
    assert halts.reason("red") == halts.reason("blue")
    assert halts.reason("red").startswith("the kill switch cannot be read, so nobody trades: ")


@pytest.mark.slow
def test_a_store_that_does_not_answer_halts_everybody():
    nobody = S3Settings("http://127.0.0.1:9", "key", "secret")
    assets = AssetStore(open_store("s3://trading/store", nobody), open_store("s3://trading/dvc", nobody))
    assert "the server does not answer" in read_halts(assets).reason("red")


@pytest.mark.parametrize(
    ("team", "everybody", "message"),
    [
        (None, False, "say whom: one of blue, red, or --all"),
        ("red", True, "say whom"),
        ("green", False, "no team 'green'"),
        (EVERYBODY, False, "no team '_all'"),
    ],
)
def test_whom_a_command_means_has_to_be_clear(team, everybody, message):
    with pytest.raises(TradingError, match=message):
        check_scope(team, everybody, ["red", "blue"])
