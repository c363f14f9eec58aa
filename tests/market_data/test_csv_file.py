"""One's own files, whole and damaged."""

from datetime import date

import pandas as pd
import pytest

from my_dagster_project.foundation.errors import (
    MalformedDataError,
    SourceUnavailableError,
    UnknownSymbolError,
)
from my_dagster_project.market_data.csv_file import CsvSource
from my_dagster_project.market_data.frames import require_bars, session_dates
from my_dagster_project.market_data.sample import SampleSource

START, END = date(2000, 3, 1), date(2013, 3, 1)
HEADER = "session,open,high,low,close,volume,adj_close\n"
GOOD = "2020-01-02,10,12,9,11,1000,5.5\n2020-01-03,11,13,10,12,1100,6\n"


@pytest.fixture
def write(tmp_path):
    def _write(text, name="AAPL.csv"):
        (tmp_path / name).write_bytes(text.encode())
        return CsvSource(tmp_path)

    return _write


def fetch(source, symbol="AAPL"):
    return source.fetch(symbol, date(2020, 1, 1), date(2020, 12, 31))


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_real_bars_survive_the_way_through_a_file(tmp_path, ending):
    bars = SampleSource().fetch("AAPL", START, END)
    path = tmp_path / f"AAPL.{ending}"
    bars.to_csv(path, index=False) if ending == "csv" else bars.to_parquet(path)
    pd.testing.assert_frame_equal(CsvSource(tmp_path).fetch("AAPL", START, END), bars)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_one_file_may_hold_many_symbols(tmp_path, ending):
    source, path = SampleSource(), tmp_path / f"bars.{ending}"
    bars = pd.concat([source.fetch(symbol, START, END).assign(symbol=symbol) for symbol in ("IBM", "FB")])
    bars.to_csv(path, index=False) if ending == "csv" else bars.to_parquet(path)
    pd.testing.assert_frame_equal(CsvSource(path).fetch("FB", START, END), source.fetch("FB", START, END))
    with pytest.raises(UnknownSymbolError, match=r"bars\.\w+: has no rows for SAP"):
        CsvSource(path).fetch("SAP", START, END)


def test_the_order_of_columns_and_rows_is_free(write):
    text = "volume,session,extra,adj_close,close,low,high,open\r\n1,2020-01-03,x,2,3,2,4,3\r\n\r\n1,2020-01-02,x,2,3,2,4,3\r\n"
    bars = fetch(write("\ufeff" + text))
    assert session_dates(bars) == [date(2020, 1, 2), date(2020, 1, 3)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"AAPL\.csv:1: the file is empty"),
        (
            HEADER.replace(",volume", "") + GOOD,
            r"AAPL\.csv:1: column volume is missing; needed are session, open",
        ),
        (HEADER.replace("open", "close") + GOOD, r"AAPL\.csv:1: column open is missing"),
        (HEADER.replace("\n", ",open\n") + GOOD, r"AAPL\.csv:1: a column name comes twice"),
        (HEADER + '"' + GOOD, r"AAPL\.csv:2: a quotation mark too many or too few"),
        (HEADER + GOOD.replace("1000", '"1000'), r"AAPL\.csv:2: a quotation mark too many or too few"),
        (HEADER + GOOD.replace("1000", '"10"00'), r"AAPL\.csv:2: a quotation mark too many or too few"),
        (HEADER + GOOD.replace("1000", '1"000'), r"AAPL\.csv:2: volume is '1\"000', not a number"),
        ('"' + HEADER + GOOD, r"AAPL\.csv:1: a quotation mark too many or too few"),
        (HEADER + GOOD + "2020-01-06,11,13,10", r"AAPL\.csv:4: 4 fields instead of 7; is the line torn"),
        (HEADER + GOOD + "2020-01-06,11,13,10,12,1100,6.2", r"AAPL\.csv:4: the last line has no end"),
        (HEADER + GOOD + "2020-01-06,11,13,10,12,1100,6,7\n", r"AAPL\.csv:4: 8 fields instead of 7"),
        (HEADER + GOOD.replace("12,1100", "twelve,1100"), r"AAPL\.csv:3: close is 'twelve', not a number"),
        (HEADER + GOOD.replace("1000", ""), r"AAPL\.csv:2: volume is '', not a number"),
        (HEADER + GOOD.replace("5.5", "nan"), r"AAPL\.csv:2: adj_close is 'nan', not a number"),
        (HEADER + GOOD.replace("5.5", "inf"), r"AAPL\.csv:2: adj_close is 'inf', not a number"),
        (
            HEADER + GOOD.replace("2020-01-03", "03.01.2020"),
            r"AAPL\.csv:3: session is '03\.01\.2020', not a date",
        ),
        (
            HEADER + GOOD.replace("2020-01-03", "2020-02-30"),
            r"AAPL\.csv:3: session is '2020-02-30', not a date",
        ),
        (
            HEADER + GOOD.replace("2020-01-03", "20200231"),
            r"AAPL\.csv:3: session is '2020-02-31', not a date",
        ),
        (HEADER + GOOD.replace("2020-01-03", "12000103"), r"AAPL\.csv:3: session is '12000103', not a date"),
        (HEADER + GOOD.replace("1000", "10_00"), r"AAPL\.csv:2: volume is '10_00', not a number"),
        ((HEADER + GOOD).replace(",", ";"), r"AAPL\.csv:1: ';' stands between the fields; needed is a comma"),
        ((HEADER + GOOD).replace(",", "\t"), r"AAPL\.csv:1: '\\t' stands between the fields"),
        (HEADER + GOOD + "1" * 300_000 + "\n", r"AAPL\.csv:4: a line of 100000 characters and more"),
        (
            HEADER + GOOD.replace("-03", "-02"),
            r"AAPL\.csv:3: session 2020-01-02 stands already at .*AAPL\.csv:2",
        ),
    ],
)
def test_damage_is_named_with_file_and_line(write, text, message):
    with pytest.raises(MalformedDataError, match=message):
        fetch(write(text))


def test_lines_without_any_value_are_none(write):
    """As Excel leaves them below a table."""
    assert len(fetch(write("\n" + HEADER + "\n  \n" + GOOD + ",,,,,,\n"))) == 2


def test_a_file_of_stooq_s_archive_works_as_it_is(write):
    head = "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>\r\n"
    bars = fetch(write(head + "AAPL.US,D,20200102,000000,10,12,9,11,1000,0\r\n"))
    assert session_dates(bars) == [date(2020, 1, 2)]


def test_a_file_of_yfinance_with_its_three_lines_of_names_works_as_it_is(write):
    head = "Price,Close,High,Low,Open,Volume\nTicker,AAPL,AAPL,AAPL,AAPL,AAPL\nDate,,,,,\n"
    bars = fetch(write(head + "2020-01-02,11,12,9,10,1000\n"))
    assert bars.iloc[0].tolist()[1:] == [10, 12, 9, 11, 1000, 11]


def test_rows_of_another_symbol_are_named(write):
    text = "symbol," + HEADER + GOOD.replace("2020", "MSFT,2020")
    with pytest.raises(UnknownSymbolError, match=r"AAPL\.csv: has no rows for AAPL; it has MSFT"):
        fetch(write(text))


def test_one_file_for_all_needs_the_symbol_column(write, tmp_path):
    write(HEADER + GOOD)
    with pytest.raises(MalformedDataError, match=r"AAPL\.csv:1: column symbol is missing"):
        fetch(CsvSource(tmp_path / "AAPL.csv"), "IBM")


def test_a_file_with_a_header_only_has_no_rows(write):
    with pytest.raises(UnknownSymbolError, match=r"has no rows for AAPL"):
        fetch(write(HEADER))


def test_text_in_another_encoding_is_refused(tmp_path):
    (tmp_path / "AAPL.csv").write_bytes("sessión\n".encode("latin-1"))
    with pytest.raises(MalformedDataError, match="not UTF-8"):
        fetch(CsvSource(tmp_path))


def test_a_torn_parquet_file_is_refused(tmp_path):
    path = tmp_path / "AAPL.parquet"
    SampleSource().fetch("AAPL", START, END).to_parquet(path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(MalformedDataError, match=r"AAPL\.parquet: is not a whole Parquet file"):
        fetch(CsvSource(tmp_path))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda bars: bars.assign(close=float("nan")), "row 1: close is (None|nan), not a number"),
        (
            lambda bars: bars.assign(session=bars["session"] + pd.Timedelta("16h")),
            "row 1: session is .*16:00:00",
        ),
        (
            lambda bars: bars.drop(columns="open"),
            "column open is missing; needed are .*, found are session, high",
        ),
        (
            lambda bars: pd.concat([bars, bars.tail(1)]),
            "row 197: session 2013-03-01 stands already at .* row 196",
        ),
    ],
)
def test_damage_in_parquet_is_named_with_file_and_row(tmp_path, change, message):
    change(SampleSource().fetch("FB", START, END)).to_parquet(tmp_path / "FB.parquet")
    with pytest.raises(MalformedDataError, match=rf"FB\.parquet: {message}"):
        CsvSource(tmp_path).fetch("FB", START, END)


def test_a_symbol_without_a_file_is_unknown(write):
    source = write(HEADER + GOOD)
    with pytest.raises(UnknownSymbolError, match=r"has neither IBM\.csv nor IBM\.parquet"):
        fetch(source, "IBM")


def test_a_symbol_cannot_lead_out_of_the_folder(write, tmp_path):
    write(HEADER + GOOD, "secret.csv")
    (tmp_path / "bars").mkdir()
    with pytest.raises(UnknownSymbolError):
        fetch(CsvSource(tmp_path / "bars"), "../secret")


def test_two_files_for_one_symbol_are_ambiguous(write, tmp_path):
    source = write(HEADER + GOOD)
    (tmp_path / "AAPL.parquet").touch()
    with pytest.raises(MalformedDataError, match="has both"):
        fetch(source)


def test_a_missing_folder_says_which_setting_names_it(tmp_path):
    with pytest.raises(SourceUnavailableError, match=r"nowhere: no such file or folder \(market\.path\)"):
        fetch(CsvSource(tmp_path / "nowhere"))


def test_a_quotation_mark_too_many_in_a_long_file_is_named_with_its_line(write):
    lines = [
        f"{2000 + n // 336}-{n // 28 % 12 + 1:02}-{n % 28 + 1:02},10,12,9,11,1000,5.5" for n in range(6000)
    ]
    lines[3] = f'"{lines[3]}'
    with pytest.raises(MalformedDataError, match=r"AAPL\.csv:5: a quotation mark"):
        fetch(write(HEADER + "\n".join(lines) + "\n"))


@pytest.mark.parametrize(
    "header",
    [
        "Date,Open,High,Low,Close,Adj Close,Volume",  # Yahoo
        "DATE,OPEN,HIGH,LOW,CLOSE,ADJ CLOSE,VOLUME",
        "timestamp,open,high,low,close,adjusted_close,volume",  # Alpha Vantage
        "date,1. open,2. high,3. low,4. close,5. adjusted close,6. volume",
        '"Date","Open","High","Low","Close","Adj. Close","Vol"',
    ],
)
def test_a_downloaded_file_works_as_it_is(write, header):
    bars = fetch(write(f"{header}\n2020-01-02,10,12,9,11,5.5,1000\n2020-01-03,11,13,10,12,6,1100\n"))
    assert bars["adj_close"].tolist() == [5.5, 6.0]
    assert bars["volume"].tolist() == [1000.0, 1100.0]


def test_a_file_of_stooq_or_yfinance_has_adjusted_closes_only(write):
    rows = (
        "2020-01-02 00:00:00-05:00,10,12,9,11,1000,0.0,0.0\n2020-01-03 00:00:00-05:00,3,4,2,3,1100,0.0,4.0\n"
    )
    bars = fetch(write(f"Date,Open,High,Low,Close,Volume,Dividends,Stock Splits\n{rows}"))
    assert bars["adj_close"].tolist() == bars["close"].tolist() == [11.0, 3.0]
    assert bars["split_ratio"].tolist() == [0.0, 4.0]
    assert bars["dividend"].tolist() == [0.0, 0.0]


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize(
    ("split", "dividend"),
    [
        ("split_ratio", "dividend"),
        ("Stock Splits", "Dividends"),  # yfinance
        ("split", "dividends"),
        ("split_coefficient", "dividend_amount"),  # Alpha Vantage's csv
        ("8. split coefficient", "7. dividend amount"),
        ("splitFactor", "divCash"),  # Tiingo
    ],
)
def test_splits_and_dividends_are_read_under_their_usual_names(tmp_path, ending, split, dividend):
    bars = SampleSource().fetch("FB", START, END)
    bars[split], bars[dividend] = 1.0, 0.0
    bars.loc[7, split], bars.loc[9, dividend] = 1.3333, 0.25
    path = tmp_path / f"FB.{ending}"
    bars.to_csv(path, index=False) if ending == "csv" else bars.to_parquet(path)
    found = require_bars(CsvSource(tmp_path).fetch("FB", START, END), "FB")
    assert list(found.columns[-2:]) == ["split_ratio", "dividend"]
    assert (found["split_ratio"][7], found["dividend"][9]) == (1.3333, 0.25)
    assert (found["split_ratio"].sum(), found["dividend"].sum()) == (pytest.approx(len(bars) + 0.3333), 0.25)


def test_what_a_file_does_not_say_of_splits_and_dividends_may_be_left_out(write):
    head = HEADER.replace("\n", ",split,dividend\n")
    bars = fetch(write(head + "2020-01-02,10,12,9,11,1000,5.5,,\n2020-01-03,11,13,10,12,1100,6,,0.5\n"))
    assert "split_ratio" not in bars
    assert bars["dividend"].tolist()[1] == 0.5
    assert list(require_bars(bars, "AAPL").columns) == [*HEADER.strip().split(","), "dividend"]
    wrong = "2020-01-02,10,12,9,11,1000,5.5,1,-0.5\n"
    with pytest.raises(MalformedDataError, match=r"csv:2: dividend is '-0\.5', below zero"):
        fetch(write(head + wrong))
    with pytest.raises(MalformedDataError, match=r"csv:2: split_ratio is '4:1', not a number"):
        fetch(write(head + wrong.replace(",1,-0.5", ",4:1,0")))


def test_what_columns_there_are_is_said(write):
    with pytest.raises(
        MalformedDataError, match=r"csv:1: column session, volume is missing; .* found are When, Open"
    ):
        fetch(write("When,Open,High,Low,Close,Adj Close\n"))
