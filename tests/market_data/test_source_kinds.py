from datetime import date
from pathlib import Path

import pytest

from my_dagster_project.foundation.errors import ConfigError, SourceUnavailableError
from my_dagster_project.market_data.source_kinds import SourceSpec, make_source


@pytest.mark.parametrize(
    "spec",
    [
        SourceSpec("sample"),
        SourceSpec("csv", path=Path("bars")),
        SourceSpec("alpha_vantage", api_key="k"),
        SourceSpec("alpaca", api_key="k", api_secret="s"),
    ],
)
def test_each_kind_makes_the_source_of_its_name(spec):
    assert make_source(spec).name == spec.kind


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            SourceSpec("yahoo"),
            r"market\.source: 'yahoo' is unknown; known are sample, csv, alpha_vantage, alpaca",
        ),
        (SourceSpec("csv"), r"market\.path: is missing"),
        (SourceSpec("alpha_vantage"), "alpha_vantage needs its API key"),
        (SourceSpec("alpaca", api_key="k"), "alpaca needs its market data secret"),
        (SourceSpec("alpaca", api_secret="s"), "alpaca needs its market data key"),
    ],
)
def test_a_spec_that_lacks_something_says_what(spec, message):
    with pytest.raises(ConfigError, match=message):
        make_source(spec)


@pytest.mark.parametrize("kind", ["alpha_vantage", "alpaca"])
def test_keys_do_not_show(kind):
    spec = SourceSpec(kind, api_key="KEYKEY", api_secret="SECSEC")
    for text in (repr(spec), str(spec), repr(make_source(spec)), repr(vars(make_source(spec)))):
        assert "SECSEC" not in text
        assert "KEYKEY" not in text


@pytest.mark.parametrize("kind", ["alpha_vantage", "alpaca"])
def test_no_pause_of_ours_is_longer_than_the_spec_says(kind):
    """With TRADING_RETRY_SECONDS=0, a demonstration without a network, each symbol still took 21 s to fail."""
    waited = []
    spec = SourceSpec(kind, base_url="http://127.0.0.1:9", api_key="k", api_secret="s", longest_pause=0.5)
    with pytest.raises(SourceUnavailableError):
        make_source(spec, waited.append).fetch("AAPL", date(2013, 2, 22), date(2013, 3, 1))
    assert waited == [0.5] * 3
