"""Off, shadow, paper: who decides, and what each does to the broker and the record."""

from dataclasses import replace
from datetime import date

import pytest

from my_dagster_project.teams.platform import Platform
from my_dagster_project.trading.modes import mode_of
from tests.support.house import House, failures
from tests.support.trading import FIRST, predict, record, sent, served, statuses, trade, why
from tests.teams.helpers import complaint, load, registry, text_of


def with_modes(house: House, registry_says=None, team_says=None) -> House:
    """The same house, with red's mode said by the registry, by the team, or by both."""
    platform: Platform = house.platform
    entry = platform.registry.teams["red"].model_copy(update={"mode": registry_says})
    registered = platform.registry.model_copy(update={"teams": {**platform.registry.teams, "red": entry}})
    red = platform.teams["red"]
    trading = red.trading.model_copy(update={"mode": team_says})
    teams = {**platform.teams, "red": red.model_copy(update={"trading": trading})}
    return House(replace(platform, registry=registered, teams=teams), house.settings)


PAPER, LIVE = "https://paper-api.alpaca.markets", "https://api.alpaca.markets"


@pytest.mark.parametrize(
    ("registry_says", "team_says", "url", "mode"),
    [
        (None, None, None, "paper"),
        (None, None, PAPER, "shadow"),
        (None, "paper", PAPER, "paper"),
        (None, "off", None, "off"),
        ("shadow", "paper", PAPER, "shadow"),
        ("paper", "off", PAPER, "paper"),
        ("off", "paper", None, "off"),
        (None, "paper", LIVE, "shadow"),
        (None, "off", LIVE, "off"),
        (None, None, LIVE, "shadow"),
        ("paper", None, LIVE, "paper"),
        ("shadow", "paper", LIVE, "shadow"),
        ("off", "paper", LIVE, "off"),
        (None, "paper", f"{LIVE}/", "shadow"),
        (None, "paper", "https://API.alpaca.markets", "shadow"),
    ],
)
def test_the_registry_decides_before_the_team_before_the_broker(registry_says, team_says, url, mode):
    config = load(text_of("red"))
    config = config.model_copy(update={"trading": config.trading.model_copy(update={"mode": team_says})})
    entry = registry().teams["red"].model_copy(update={"mode": registry_says})
    decided = mode_of(entry, config, broker_url=url)
    assert decided.mode == mode
    assert (decided.because == "the registry's word") == (registry_says is not None)


def test_a_bare_off_is_the_word_and_not_yamls_false():
    file = text_of("red").replace("  sell_below: 0.0", "  sell_below: 0.0\n  mode: off")
    assert load(file).trading.mode == "off"
    assert "trading.mode: cannot be" in complaint(file.replace("mode: off", "mode: on"))


def test_shadow_plans_and_records_but_sends_nothing(house):
    shadow = with_modes(house, team_says="shadow")
    predict(shadow, FIRST, AAPL=0.01)
    run = trade(shadow, FIRST)
    assert run.success
    assert sent(shadow) == []
    [outcome] = record(shadow)["outcomes"]
    assert (outcome["status"], outcome["detail"]) == ("not sent", "mode shadow (the team's own)")
    assert outcome["planned"]["client_order_id"] == "red-20130222-AAPL-buy-1"
    assert record(shadow)["mode"] == "shadow"


def test_off_plans_nothing_and_asks_nobody(house):
    off = with_modes(house, registry_says="off").outside("http://127.0.0.1:9")
    predict(off, FIRST, AAPL=0.01)
    assert trade(off, FIRST).success
    assert record(off)["outcomes"] == []
    assert why(off, "AAPL") == "trading is off (the registry's word)"


def test_real_credentials_mean_shadow_until_somebody_says_paper(house, environ):
    """The bundled broker speaks Alpaca's API: reached by its address and keys it is an account outside."""
    house.account().at_close_of(date.fromisoformat(FIRST))
    secret = (house.settings.home / "broker" / "secret").read_text()
    environ(ALPACA_RED_KEY="PK-red", ALPACA_RED_SECRET=secret)
    predict(house, FIRST, AAPL=0.01)
    with served(house) as url:
        _is_shadow_until_paper(house, url)


def _is_shadow_until_paper(house, url):
    shadow = with_modes(house).outside(url)
    run = trade(shadow, FIRST)
    assert failures(run) == {}
    assert statuses(shadow) == {"AAPL": "not sent"}
    assert record(shadow)["mode"] == "shadow"
    assert sent(house) == []
    paper = with_modes(house, team_says="paper").outside(url)
    assert trade(paper, FIRST).success
    assert statuses(paper) == {"AAPL": "submitted"}
    assert sent(house) == ["red-20130222-AAPL-buy-1"]
