"""Bars: fetched, judged, and kept only when they are sound."""

from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from my_dagster_project.paper_broker.feed import TableFeed
from my_dagster_project.pipeline.assets import keys
from my_dagster_project.pipeline.assets.bars_asset import source_changed
from my_dagster_project.pipeline.resources import all_resources
from my_dagster_project.storage.parquet import from_parquet
from my_dagster_project.storage.revised import noted_revisions
from tests.support.house import checks, csv_house, failures, made

AAPL = keys.bars_key("AAPL")
SOUND = ("market/AAPL/bars", "bars_are_sound")
BEFORE, NOW = date(2013, 2, 22), date(2013, 3, 1)


@pytest.fixture
def house(tmp_path):
    """One team on AAPL, whose prices lie in a file; on the evening of 2013-02-22."""
    return csv_house(tmp_path, {"red": ["AAPL"]}, ["AAPL"], end=BEFORE)


def stored(house):
    return from_parquet(house.store.read_file(("market", "AAPL", "bars"), "bars.parquet"))


def rewrite(house, change):
    """Let the file's last line say something else."""
    path = house.settings.project / "prices" / "AAPL.csv"
    *lines, last = path.read_text().splitlines()
    path.write_text("\n".join([*lines, change(last)]) + "\n")


def test_bars_are_stored_with_what_a_person_wants_to_know(house):
    run = house.materialize(AAPL)
    metadata = made(run)["market/AAPL/bars"][0].metadata
    assert checks(run)[SOUND].passed
    assert metadata["dagster/row_count"].value == len(stored(house)) == 1546
    assert metadata["last_session"].value == "2013-02-22"
    assert metadata["last_close"].value == 450.81
    assert metadata["adjusted_close"].value.startswith("![AAPL adjusted close](data:image/png;base64,")


def test_bars_that_break_a_rule_are_refused_and_the_last_good_ones_stay(house):
    house.materialize(AAPL)
    good = house.store.fingerprint(("market", "AAPL", "bars"))
    rewrite(house, lambda line: line.replace("430.47", "-1.0"))
    today = house.later(end=NOW)
    run = today.materialize(AAPL)
    answer = checks(run)[SOUND]
    assert not answer.passed
    assert "AAPL: a price is zero or negative on 2013-03-01. Correct the rows" in answer.description
    assert answer.severity.value == "ERROR"
    assert list(failures(run).values()) == [answer.description]
    assert made(run) == {}
    assert today.store.fingerprint(("market", "AAPL", "bars")) == good


def test_a_source_that_lags_behind_is_refused_and_mended_by_the_next_run(house):
    house.materialize(AAPL)
    path = house.settings.project / "prices" / "AAPL.csv"
    whole = path.read_text()
    path.write_text("\n".join(whole.splitlines()[:-2]) + "\n")
    today = house.later(end=NOW)
    refused = today.materialize(AAPL)
    assert "the newest bars are missing on 2013-02-28, 2013-03-01" in checks(refused)[SOUND].description
    path.write_text(whole)
    assert checks(today.materialize(AAPL))[SOUND].passed
    assert stored(today)["session"].iloc[-1].date() == NOW


def test_a_refusal_stops_what_comes_after_it_in_the_same_run(house):
    rewrite(house, lambda line: line.replace("430.47", "-1.0"))
    run = house.later(end=NOW).materialize(AAPL, keys.features_key("red", "AAPL"))
    assert made(run) == {}


def test_a_torn_file_is_one_message_with_file_and_line(house):
    path = house.settings.project / "prices" / "AAPL.csv"
    path.write_text(path.read_text()[:-20])
    [message] = failures(house.materialize(AAPL)).values()
    assert message.startswith(f"{path}:1552: ")


def test_a_second_run_with_nothing_new_gives_the_same_version(house):
    versions = [
        made(house.materialize(AAPL))["market/AAPL/bars"][0].tags["dagster/data_version"] for _ in "ab"
    ]
    assert versions[0] == versions[1]


def test_a_symbol_listed_late_is_stored_with_a_warning(tmp_path):
    house = csv_house(tmp_path, {"red": ["FB"]}, ["FB"])
    run = house.materialize(keys.bars_key("FB"))
    answer = checks(run)["market/FB/bars", "bars_are_sound"]
    assert not answer.passed
    assert answer.severity.value == "WARN"
    assert "bars begin late" in answer.description
    assert list(made(run)) == ["market/FB/bars"]


def test_a_symbol_the_source_does_not_know_stops_only_its_own_chain(tmp_path):
    house = csv_house(tmp_path, {"red": ["AAPL", "NOPE"]}, ["AAPL"])
    wanted = [
        key
        for symbol in ("AAPL", "NOPE")
        for key in (keys.bars_key(symbol), keys.features_key("red", symbol))
    ]
    run = house.materialize(*wanted)
    assert not run.success
    [(step, message)] = failures(run).items()
    assert "NOPE" in step
    assert message == f"{tmp_path / 'prices'}: has neither NOPE.csv nor NOPE.parquet."
    assert sorted(made(run)) == ["market/AAPL/bars", "red/AAPL/features"]


def test_a_corrected_bar_arrives_and_is_listed_and_another_path_is_another_source(house):
    house.materialize(AAPL)
    rewrite(house, lambda line: line.replace("430.47", "431.47"))
    wrong, right = house.later(end=NOW), (house.settings.project / "prices" / "AAPL.csv").read_text()
    wrong.materialize(AAPL)
    assert stored(wrong)["close"].iloc[-1] == 431.47
    rewrite(house, lambda line: line.replace("431.47", "430.47"))
    metadata = made(wrong.materialize(AAPL))["market/AAPL/bars"][0].metadata
    assert stored(wrong)["close"].iloc[-1] == 430.47
    assert metadata["revised"].value == 1
    assert "| 2013-03-01 | close | 431.47 | 430.47 |" in metadata["what_was_revised"].value
    assert [str(one) for one in noted_revisions(house.store)["AAPL"]] == [
        "2013-03-01: close 431.47 -> 430.47"
    ]
    elsewhere = house.settings.project / "elsewhere"
    elsewhere.mkdir()
    # Another source may have less, and is taken as it is.
    (elsewhere / "AAPL.csv").write_text("".join([right.splitlines(True)[0], *right.splitlines(True)[100:]]))
    moved = wrong.later(path=str(elsewhere))
    moved.instance = wrong.instance
    assert moved.materialize(AAPL).success
    assert stored(moved)["close"].iloc[-1] == 431.47
    assert len(stored(moved)) == len(right.splitlines()) - 100


def test_what_was_revised_is_listed_as_long_as_it_is_and_all_at_once(house):
    """A volume, a close, a dividend, another symbol's file: listed, and not once they are back, in whatever steps."""
    path = house.settings.project / "prices" / "AAPL.csv"
    right = pd.read_csv(path)
    house.materialize(AAPL)

    def fetched(change):
        table = right.copy()
        change(table)
        table.to_csv(path, index=False)
        metadata = made(house.materialize(AAPL))["market/AAPL/bars"][0].metadata
        return metadata["revised"].value, [str(one) for one in noted_revisions(house.store).get("AAPL", ())]

    def volume(table):
        table.loc[700, "volume"] *= 2

    def close(table):
        volume(table)
        table.loc[800, ["close", "adj_close"]] *= 1.001
        table.loc[:1200, "adj_close"] *= 0.995

    def another(table):
        table[["open", "high", "low", "close", "adj_close"]] *= np.linspace(1, 2, len(table))[:, None]
        table["volume"] += 100 * np.arange(len(table))

    session, shares = right["session"], right["volume"][700]
    doubled = [f"{session[700]}: volume {shares:,.10g} -> {2 * shares:,.10g}"]
    assert fetched(volume) == (1, doubled)
    count, noted = fetched(close)
    assert (count, len(noted)) == (2, 3)
    assert any(f"{session[0]} to {session[1200]} (1201 sessions): adj_close" in line for line in noted)
    assert fetched(volume)[1] == doubled
    assert [line for line in fetched(another)[1] if "by no common factor" not in line] == []
    count, noted = fetched(lambda _: None)
    assert count > 0
    assert noted == []


def test_another_file_is_seen_without_reading_it_and_bars_of_before_are_left_alone(house):
    house.materialize(AAPL)
    source, made_then = (
        all_resources(house.platform, house.settings).market_data,
        house.instance.get_latest_materialization_event(AAPL),
    )
    metadata = dict(made_then.asset_materialization.metadata)
    assert not source_changed(source, "AAPL", metadata)
    assert not source_changed(source, "AAPL", {"last_session": metadata["last_session"]})
    rewrite(house, lambda line: line.replace("430.47", "430.48"))
    assert source_changed(source, "AAPL", metadata)
    (house.settings.project / "prices" / "AAPL.csv").unlink()
    assert source_changed(source, "AAPL", metadata)


def test_what_a_file_declares_of_splits_and_dividends_is_stored_and_booked_exactly(house):
    path = house.settings.project / "prices" / "AAPL.csv"
    table = pd.read_csv(path)
    paid = table.index[table["session"] == "2012-08-09"][0]
    table["Dividends"], table["Stock Splits"] = 0.0, 0.0
    table.loc[paid, "Dividends"] = 2.65
    table.to_csv(path, index=False)
    run = house.materialize(AAPL, keys.features_key("red", "AAPL"))
    assert run.success
    bars = stored(house)
    assert list(bars.columns[-2:]) == ["split_ratio", "dividend"]
    feed = TableFeed.from_frames({"AAPL": bars})
    assert feed.dividend("AAPL", date(2012, 8, 9)) == Decimal("2.65")
    assert house.materialize(AAPL).success
