import pytest

from my_dagster_project.teams.effects import effects, outranked
from my_dagster_project.teams.schema import TeamConfig
from my_dagster_project.teams.team_limits import Limits
from tests.support.committed import committed


@pytest.fixture(scope="module")
def red() -> TeamConfig:
    return committed().teams["red"]


def test_the_same_configuration_causes_nothing(red) -> None:
    assert effects(red, red.model_copy()) == []


def test_another_validation_part_trains_every_symbol(red) -> None:
    other = red.model_copy(update={"training": red.training.model_copy(update={"validation_fraction": 0.2})})
    assert effects(red, other) == ["trains AAPL, GOOG, IBM, MSFT, then predicts and trades anew"]


def test_trading_rules_only_trade_anew(red) -> None:
    other = red.model_copy(update={"trading": red.trading.model_copy(update={"buy_above": 0.01})})
    assert effects(red, other) == ["trades anew with the models there are"]
    lived = ["trades by its new rules from the next session on with the models there are"]
    assert effects(red, other, lived=True) == lived


def test_a_symbol_more_trains_only_that_one_and_one_less_is_dropped(red) -> None:
    fewer = red.model_copy(update={"symbols": ("AAPL", "GOOG", "IBM")})
    assert effects(fewer, red) == ["trains MSFT, then predicts and trades anew"]
    assert effects(red, fewer) == ["trades anew with the models there are", "drops MSFT"]


def test_a_limit_of_a_team_that_the_organisers_outranks_is_said(red) -> None:
    own = red.trading.limits.model_copy(update={"order_value": 1e6, "session_orders": 3})
    looser = red.model_copy(update={"trading": red.trading.model_copy(update={"limits": own})})
    [line] = outranked(looser, Limits())
    assert line == "trading.limits.order_value: 1000000.0 counts as 50000, the registry's limit"
    assert outranked(red, Limits()) == []


def test_a_schedule_computes_nothing(red) -> None:
    other = red.model_copy(update={"schedule": red.schedule.model_copy(update={"daily": "0 7 * * *"})})
    assert effects(red, other) == ["runs at other times"]


def test_a_team_that_was_not_there_is_new(red) -> None:
    assert effects(None, red) == ["new: trains AAPL, GOOG, IBM, MSFT"]


def test_an_override_trains_its_symbol_only(red) -> None:
    from my_dagster_project.teams.schema import SymbolOverride

    other = red.model_copy(update={"overrides": {"IBM": SymbolOverride(ludwig={"trainer": {"epochs": 3}})}})
    assert effects(red, other) == ["trains IBM, then predicts and trades anew"]
