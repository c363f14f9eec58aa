from decimal import Decimal

import pytest

from my_dagster_project.domain.plan import Rules
from my_dagster_project.domain.sizing import STRATEGIES, long_flat, strategy
from my_dagster_project.errors import TradingError
from tests.domain.trading import RULES, signal


def weight_of(value, held=0, rules=RULES, **changes):
    return long_flat({"AAPL": signal("AAPL", value, **changes)}, {"AAPL": held}, rules)["AAPL"]


@pytest.mark.parametrize(
    ("value", "share"),
    [(0.002, Decimal("0.25")), (0.0005, None), (0.0002, None), (0.0, None), (-0.008, Decimal(0))],
)
def test_long_flat_holds_above_one_threshold_and_leaves_below_the_other(value, share):
    assert weight_of(value).share == share


def test_the_reason_reads_like_a_sentence_for_returns_and_for_probabilities():
    assert weight_of(-0.008).why == "predicted -0.800 %, below +0.000 %"
    rules = Rules("long_flat", 0.55, 0.45, Decimal("0.25"))
    up = weight_of(0.56, rules=rules, target="next_direction")
    assert up.why == "probability of up 0.560, above 0.550"
    assert weight_of(0.5, 3, rules, target="next_direction").why.endswith("between 0.450 and 0.550: kept")


def test_strategies_are_found_by_name_and_an_unknown_one_lists_the_known():
    assert strategy("long_flat") is STRATEGIES["long_flat"]
    with pytest.raises(TradingError, match="no 'martingale'; known: long_flat"):
        strategy("martingale")


@pytest.mark.parametrize("share", ["0", "-0.1", "1.01"])
def test_a_position_share_outside_zero_to_one_is_refused(share):
    with pytest.raises(TradingError, match="position_share"):
        Rules("long_flat", 0.1, 0.0, Decimal(share))


def test_thresholds_that_cross_are_refused():
    with pytest.raises(TradingError, match="lower sell_below"):
        Rules("long_flat", buy_above=0.0, sell_below=0.1, position_share=Decimal("0.2"))
