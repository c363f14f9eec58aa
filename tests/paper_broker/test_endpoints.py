"""Where orders may go: paper, this machine, the configured bundled broker; real money in the registry's very words only."""

from pathlib import Path

import pytest

from my_dagster_project.foundation.errors import BrokerError, ConfigError
from my_dagster_project.pipeline.resources import BrokerResource
from my_dagster_project.teams.loading import load_registry
from my_dagster_project.teams.registry import LIVE_TRADING
from my_dagster_project.trading.alpaca import AlpacaBroker


@pytest.mark.parametrize(
    "url",
    [
        "https://api.alpaca.markets",
        "http://paper-api.alpaca.markets",
        "https://paper-api.alpaca.markets.evil.example",
        "http://10.0.0.1:8000",
        "ftp://127.0.0.1",
        "https://user:secret@paper-api.alpaca.markets",
    ],
)
def test_an_endpoint_that_is_not_a_paper_one_is_refused(url):
    with pytest.raises(BrokerError) as caught:
        AlpacaBroker(url, "k", "s", team="red")
    assert "secret" not in str(caught.value) or "key and secret" in str(caught.value)


def test_paper_loopback_and_an_explicitly_allowed_endpoint_are_taken():
    for url in ("https://paper-api.alpaca.markets", "http://127.0.0.1:1", "http://localhost:8000/"):
        AlpacaBroker(url, "k", "s", team="red")
    AlpacaBroker("https://api.alpaca.markets", "k", "s", team="red", allow_live=True)
    with pytest.raises(BrokerError, match="in so many words"):
        AlpacaBroker("https://elsewhere.example", "k", "s", team="red", allow_live=True)
    with pytest.raises(BrokerError, match=r"key or secret is missing"):
        AlpacaBroker("https://paper-api.alpaca.markets", "k", "", team="red")


@pytest.mark.parametrize("words", ["", "yes", "true", "yes, real money "])
def test_the_live_endpoint_takes_the_registrys_very_words(words, environ):
    environ(ALPACA_RED_KEY="k", ALPACA_RED_SECRET="s")
    terms = {"home": "/h", "store_url": "file:///s", "dvc_url": "file:///d", "calendar": "XNYS"}
    live = {"url": "https://api.alpaca.markets", "starting_cash": 1, "cost_bps": 0, **terms}
    with pytest.raises(BrokerError, match="unless the registry allows it in so many words"):
        BrokerResource(live_trading=words, **live).open("red", "RED")
    account = BrokerResource(live_trading=LIVE_TRADING, **live).open("red", "RED")
    assert account.base_url == "https://api.alpaca.markets"
    assert BrokerResource.model_fields["live_trading"].default == ""


def test_only_the_very_words_are_valid_in_the_registry():
    text = (Path(__file__).parents[2] / "configs" / "teams.yaml").read_text()
    with_words = text.replace("competition:\n", "competition:\n  live_trading: {}\n")
    assert load_registry(text).competition.live_trading is None
    assert (
        load_registry(with_words.replace("{}", '"yes, real money"')).competition.live_trading == LIVE_TRADING
    )
    for words in ("true", "yes", "paper"):
        with pytest.raises(ConfigError, match="live_trading"):
            load_registry(with_words.replace("{}", words))
