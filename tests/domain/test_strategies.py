from dataclasses import replace
from typing import NamedTuple, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from my_dagster_project.domain.account_columns import RuleColumns
from my_dagster_project.domain.plan import Rules
from my_dagster_project.domain.strategies import STRATEGIES, Outlook, strategy, wanted_shares
from my_dagster_project.foundation.errors import TradingError
from my_dagster_project.teams.sections import StrategyName
from tests.domain.trading import RULES

QUARTER = 0.25
WORDS = Rules("buy_hold_sell", 0.55, 0.45, QUARTER)


class Weight(NamedTuple):
    share: float | None
    why: str


def weights(name, values, held=(), rules=RULES, volatility=None, target="next_return", position=None):
    symbols = sorted(values)

    def row(given):
        return np.array([[np.nan if one is None else one for one in given]], float)

    outlook = Outlook(
        values=row(values[symbol] for symbol in symbols),
        held=row(10 * (symbol in held) for symbol in symbols),
        short=row(0 for _ in symbols),
        rules=RuleColumns.of([replace(rules, strategy=name)]),
        volatility=row((volatility or {}).get(symbol) for symbol in symbols),
        positions=row(position for _ in symbols),
        likely=np.array([[target == "next_direction"]]),
    )
    with np.errstate(all="ignore"):
        found = wanted_shares(outlook)[0]
    return {
        symbol: Weight(None if np.isnan(share) else share, strategy(name).why(outlook, share, at))
        for at, (symbol, share) in enumerate(zip(symbols, found, strict=True))
    }


def shares(*args, **kwargs):
    return {symbol: weight.share for symbol, weight in weights(*args, **kwargs).items()}


@pytest.mark.parametrize(
    ("value", "share"),
    [(0.002, QUARTER), (0.0005, None), (0.0002, None), (0.0, None), (-0.008, 0.0)],
)
def test_long_flat_holds_above_one_threshold_and_leaves_below_the_other(value, share):
    assert shares("long_flat", {"AAPL": value}) == {"AAPL": share}


@pytest.mark.parametrize(
    ("position", "short_below", "share"),
    [
        (1.0, None, QUARTER),
        (0.5, None, 0.125),
        (0.0, None, 0.0),
        (-1.0, None, 0.0),
        (-1.0, -0.001, -QUARTER),
        (None, None, None),
    ],
)
def test_as_told_holds_the_position_of_the_model(position, short_below, share):
    rules = replace(RULES, short_below=short_below)
    assert shares("as_told", {"AAPL": -0.01}, rules=rules, position=position) == {"AAPL": share}


def test_the_reason_reads_like_a_sentence_for_returns_and_for_probabilities():
    assert weights("long_flat", {"A": -0.008})["A"].why == "predicted -0.800 %, below +0.000 %"
    up = weights("long_flat", {"A": 0.56, "B": 0.5}, "B", WORDS, target="next_direction")
    assert up["A"].why == "probability of up 0.560, above 0.550"
    assert up["B"].why.endswith("between 0.450 and 0.550: kept")


def test_rotation_sells_the_worst_of_what_is_held_and_buys_the_best_of_what_is_not():
    values = {"A": 0.03, "B": 0.02, "C": 0.01, "D": -0.01, "E": -0.02, "F": -0.03}
    given = weights("rotation", values, held="ADE")
    assert {symbol: one.share for symbol, one in given.items() if one.share is not None} == {
        "B": QUARTER,
        "E": 0.0,
    }
    assert given["E"].why == "predicted -2.000 %, below +0.000 %, the worst of what is held"
    assert given["B"].why.endswith("the best of what is not held")
    assert given["D"].why.endswith("kept")
    assert given["F"].why.endswith("not bought")


def test_rotation_does_nothing_between_the_thresholds_and_breaks_ties_by_name():
    assert set(shares("rotation", {"A": 0.0003, "B": 0.0001}, held="B").values()) == {None}
    assert shares("rotation", {"B": 0.01, "A": 0.01}) == {"B": None, "A": QUARTER}


def test_forecast_volatility_gives_more_for_more_return_and_less_for_more_risk():
    even = {"A": 0.02, "B": 0.02}
    whole = replace(RULES, position_share=1.0)
    assert shares("forecast_volatility", even, rules=whole, volatility={"A": 0.01, "B": 0.02}) == {
        "A": 0.8,
        "B": 0.2,
    }
    more = shares(
        "forecast_volatility", {"A": 0.03, "B": 0.01}, rules=whole, volatility={"A": 0.02, "B": 0.02}
    )
    assert more == {"A": 0.75, "B": 0.25}


def test_forecast_volatility_reads_a_probability_as_its_edge_in_volatilities():
    rules = replace(WORDS, position_share=1.0, buy_above=0.4, sell_below=0.4)
    found = shares(
        "forecast_volatility",
        {"A": 0.6, "B": 0.7, "C": 0.45},
        rules=rules,
        volatility={"A": 0.01, "B": 0.02, "C": 0.01},
        target="next_direction",
    )
    assert found == {"A": 0.5, "B": 0.5, "C": 0.0}


def test_forecast_volatility_cuts_at_the_position_share_and_leaves_what_it_cannot_judge():
    given = weights(
        "forecast_volatility",
        {"A": 0.01, "B": 0.01, "C": -0.01, "D": 0.0002, "E": 0.01},
        "BD",
        volatility={"A": 0.02, "D": 0.01, "E": 0.0},
    )
    assert {symbol: one.share for symbol, one in given.items()} == {
        "A": QUARTER,
        "B": None,
        "C": 0.0,
        "D": None,
        "E": None,
    }
    assert given["A"].why == "predicted +1.000 %, above +0.050 %, volatility 2.00%"
    assert given["B"].why.endswith("its volatility is not known: kept")
    assert given["E"].why.endswith("its volatility is not known: not bought")


@pytest.mark.parametrize(
    ("value", "held", "share", "why"),
    [
        (0.6, "", QUARTER, "buy: probability of up 0.600, above 0.550"),
        (0.6, "A", None, "buy: probability of up 0.600, above 0.550; held already: kept"),
        (0.5, "A", None, "hold: probability of up 0.500, between 0.450 and 0.550: kept"),
        (0.5, "", None, "hold: probability of up 0.500, between 0.450 and 0.550: not bought"),
        (0.4, "A", 0.0, "sell: probability of up 0.400, below 0.450"),
    ],
)
def test_buy_hold_sell_reads_a_probability_as_one_of_three_words(value, held, share, why):
    one = weights("buy_hold_sell", {"A": value}, held, WORDS, target="next_direction")["A"]
    assert (one.share, one.why) == (share, why)


def test_strategies_are_found_by_name_and_an_unknown_one_lists_the_known():
    assert strategy("long_flat") is STRATEGIES["long_flat"]
    known = ", ".join(sorted(STRATEGIES))
    with pytest.raises(TradingError, match=f"no 'martingale'; known: {known}"):
        strategy("martingale")


def test_a_team_may_name_every_strategy_there_is_and_no_other():
    assert set(get_args(StrategyName)) == set(STRATEGIES)
    assert all(one.says.endswith(".") for one in STRATEGIES.values())


names = st.sampled_from("ABCDEF")


@given(
    st.sampled_from(sorted(STRATEGIES)),
    st.dictionaries(names, st.floats(-1, 1), min_size=1),
    st.sets(names),
    st.dictionaries(names, st.floats(0, 0.1)),
    st.randoms(),
)
def test_every_strategy_answers_for_every_signal_within_the_share_in_any_order(
    name, values, held, volatility, random
):
    found = weights(name, values, held, volatility=volatility)
    assert set(found) == set(values)
    given = [one.share for one in found.values() if one.share is not None]
    assert all(0 <= share <= RULES.position_share for share in given)
    shuffled = dict(random.sample(list(values.items()), len(values)))
    again = weights(name, shuffled, held, volatility=dict(sorted(volatility.items(), reverse=True)))
    assert again == found


@given(
    st.dictionaries(names, st.floats(0.001, 0.1), min_size=1),
    st.dictionaries(names, st.floats(0.001, 0.1)),
)
def test_forecast_volatility_never_gives_more_than_there_is(values, volatility):
    whole = replace(RULES, position_share=1.0)
    found = shares("forecast_volatility", values, rules=whole, volatility=volatility)
    assert sum(share for share in found.values() if share is not None) <= 1


@pytest.mark.parametrize("share", ["0", "-0.1", "1.01"])
def test_a_position_share_outside_zero_to_one_is_refused(share):
    with pytest.raises(TradingError, match="position_share"):
        Rules("long_flat", 0.1, 0.0, share)


def test_thresholds_that_cross_are_refused():
    with pytest.raises(TradingError, match="lower sell_below"):
        Rules("long_flat", buy_above=0.0, sell_below=0.1, position_share=0.2)
