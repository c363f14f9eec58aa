"""Luck, skill or a leak: the tests against the literature's own formulas, and what alarms on the sample's real prices."""

import math
from datetime import date
from functools import cache

import numpy as np
import pandas as pd
import pytest

from my_dagster_project.domain.chance import (
    FALSE_ALARMS,
    SIGNIFICANT,
    chances,
    evidence,
    mean_above,
    pooled,
    suspicions,
)
from my_dagster_project.domain.evaluation import evaluate, score
from my_dagster_project.market_data.sample import SampleSource

SYMBOLS = ("AAPL", "GOOG", "IBM", "MSFT")
SESSIONS = 60
LOOKS = 10  # two teams of four symbols, as the default run has them


@cache
def bars(symbol):
    return SampleSource().fetch(symbol, date(2000, 3, 1), date(2013, 3, 1))


@cache
def returns(symbol):
    return np.log(bars(symbol)["adj_close"]).diff().fillna(0.0).to_numpy()


@cache
def next_gap(symbol):
    adjusted = bars(symbol)["open"] * bars(symbol)["adj_close"] / bars(symbol)["close"]
    return np.log(adjusted.shift(-1) / bars(symbol)["adj_close"]).to_numpy()


def scored(symbol, first, predicted):
    """The predictions of the sessions from `first` on, `len(predicted)` of them."""
    at = slice(first, first + len(predicted))
    after = slice(first + 1, first + len(predicted) + 1)
    frame = bars(symbol)
    table = pd.DataFrame(
        {
            "session": frame["session"][at].to_numpy(),
            "target_session": frame["session"][after].to_numpy(),
            "symbol": symbol,
            "close": frame["close"][at].to_numpy(),
            "predicted_return": predicted,
            "probability_up": math.nan,
        }
    )
    return score(table, frame[max(0, first - 260) : first + len(predicted) + 1])


def noise(symbol, at, rng):
    return rng.normal(0, rng.choice([0.0005, 0.002, 0.01]), len(at))


def momentum(symbol, at, rng):
    span, weight = rng.integers(1, 30), rng.choice([-1.0, 1.0]) * rng.choice([0.05, 0.3, 1.0])
    return weight * np.array([returns(symbol)[end - span + 1 : end + 1].mean() for end in at])


def drift(symbol, at, rng):
    return np.array([returns(symbol)[end - 250 : end + 1].mean() for end in at])


def two_features(symbol, at, rng):
    """Least squares on yesterday's return and the week's, of the 1000 sessions before: as honest as models get."""
    past, week = returns(symbol), pd.Series(returns(symbol)).rolling(5).mean().to_numpy()
    known = np.arange(at[0] - 1001, at[0] - 1)
    weights = np.linalg.lstsq(np.c_[np.ones(1000), past[known], week[known]], past[known + 1])[0]
    return np.c_[np.ones(len(at)), past[at], week[at]] @ weights


def gap(symbol, at, rng):
    return next_gap(symbol)[at] * rng.choice([0.3, 0.6, 1.0])


def shifted(symbol, at, rng):
    return returns(symbol)[at + 1] * 0.6 + rng.normal(0, 0.004, len(at))


@cache
def leaked(symbol, kind):
    """A column that knows the next session: its close, high or low, the gap before it, or an average centred on today."""
    frame = bars(symbol)
    close, factor = frame["adj_close"], frame["adj_close"] / frame["close"]
    columns = {
        "open": np.log((frame["open"] * factor).shift(-1) / close),
        "high": np.log((frame["high"] * factor).shift(-1) / close),
        "low": np.log((frame["low"] * factor).shift(-1) / close),
        "target's close": close.shift(-1) / close.rolling(10).mean(),
        "centred mean": np.log(close.rolling(5, center=True).mean() / close),
        "wide centred mean": np.log(close.rolling(11, center=True).mean() / close),
        "volume": np.log(frame["volume"].shift(-1) / frame["volume"]),
    }
    return columns[kind].to_numpy()


def trained_on(kind):
    """Least squares on a leaked column beside two honest ones, of the 1000 sessions before."""

    def model(symbol, at, rng):
        past, week = returns(symbol), pd.Series(returns(symbol)).rolling(5).mean().to_numpy()
        known = np.arange(at[0] - 1001, at[0] - 12)

        def inputs(rows):
            return np.c_[np.ones(len(rows)), past[rows], week[rows], leaked(symbol, kind)[rows]]

        return inputs(at) @ np.linalg.lstsq(inputs(known), past[known + 1])[0]

    return model


def team_of(model, back, rng, sessions=SESSIONS):
    """A team's evidence by symbol, of the sessions that begin so many before the end of the sample."""
    found = {}
    for symbol in SYMBOLS:
        first = len(bars(symbol)) - back
        predicted = model(symbol, np.arange(first, first + sessions), rng)
        found[symbol] = evidence(scored(symbol, first, predicted))
    return found


def alarms(teams, seed):
    """How many of so many random honest teams raise an alarm."""
    rng, models = np.random.default_rng(seed), (noise, momentum, drift, two_features)
    spans = rng.integers(SESSIONS + 2, 1000, teams)
    drawn = [team_of(models[number % 4], int(back), rng) for number, back in enumerate(spans)]
    return sum(bool(suspicions(team, LOOKS)) for team in drawn)


def test_an_innocent_team_raises_no_alarm():
    assert alarms(20, seed=1) == 0


@pytest.mark.full
def test_of_two_hundred_innocent_teams_hardly_any_raises_an_alarm():
    assert alarms(200, seed=2) / 200 <= FALSE_ALARMS


@pytest.mark.parametrize("back", [SESSIONS + 1, 400, 700])
def test_the_next_opens_gap_and_a_shifted_label_are_too_good_to_be_true(back):
    rng = np.random.default_rng(back)
    for leak in (gap, shifted):
        [*_, said] = map(str, suspicions(team_of(leak, back, rng), LOOKS))
        assert "too good to be true" in said


@pytest.mark.parametrize("kind", ["high", "low", "target's close", "centred mean"])
@pytest.mark.parametrize("back", [SESSIONS + 12, 500])
def test_a_feature_that_knows_the_next_session_is_too_good_to_be_true_for_each_symbol_alone(kind, back):
    team = team_of(trained_on(kind), back, np.random.default_rng(1))
    assert [symbol for symbol in SYMBOLS if not suspicions({symbol: team[symbol]}, LOOKS)] == []
    assert len(suspicions(team, LOOKS)) == 1 + len(SYMBOLS)


@pytest.mark.parametrize("kind", ["open", "wide centred mean"])
@pytest.mark.parametrize("back", [SESSIONS + 12, 300, 700])
def test_one_that_knows_it_in_part_shows_over_all_symbols_together(kind, back):
    """The next open's gap gives a MASE of 0.82: of one symbol 60 sessions are enough for every second one only."""
    assert suspicions(team_of(trained_on(kind), back, np.random.default_rng(1)), LOOKS)


def test_one_that_knows_something_of_no_use_is_none():
    assert suspicions(team_of(trained_on("volume"), 400, np.random.default_rng(1)), LOOKS) == []


def test_forty_of_sixty_right_by_luck_is_no_leak():
    """An innocent model reached 66.7 % [54.1, 77.3] on one symbol."""
    rng = np.random.default_rng(5)
    actual = rng.normal(0, 0.02, SESSIONS)
    right = np.where(np.arange(SESSIONS) < 40, 1, -1)
    predicted = np.abs(rng.normal(0, 0.002, SESSIONS)) * np.sign(actual) * right
    frame = pd.DataFrame({"session": pd.bdate_range("2012-01-02", periods=SESSIONS), "actual_return": actual})
    frame = frame.assign(predicted_return=predicted, probability_up=math.nan)
    frame = frame.assign(error=100 * (predicted - actual), naive_error=-100 * actual)
    assert suspicions({"AAPL": evidence(frame)}, LOOKS) == []


def test_a_long_record_of_small_real_skill_is_no_leak():
    """Two thousand sessions at an IC of about 0.1: no luck, and no leak."""
    rng = np.random.default_rng(3)
    honest = evidence(scored("IBM", 1000, 0.006 * returns("IBM")[1001:3001] + rng.normal(0, 0.0008, 2000)))
    assert chances(honest).rank_p < SIGNIFICANT
    assert suspicions({"IBM": honest}, LOOKS) == []


def test_a_copy_of_naive_and_an_optimist_prove_nothing():
    copies = scored("IBM", 500, np.zeros(SESSIONS))
    assert chances(evidence(copies)).loss_p == 1.0
    assert chances(evidence(scored("IBM", 500, np.full(SESSIONS, 0.001)))).timing_p == 1.0


def test_the_means_of_the_evidence_are_the_figures_people_know():
    made = scored("MSFT", 700, momentum("MSFT", np.arange(700, 760), np.random.default_rng(8)))
    found, figures = evidence(made), evaluate(made)
    assert 1 - found["loss"].mean() == pytest.approx(figures.mase)
    assert found["rank"].mean() == pytest.approx(figures.ic)


def test_the_loss_test_is_diebold_and_marianos_with_harveys_correction():
    from scipy import stats

    made = scored("AAPL", 900, noise("AAPL", np.arange(900, 960), np.random.default_rng(2)))
    difference = (made["naive_error"].abs() - made["error"].abs()).to_numpy()
    n = len(difference)
    dm = difference.mean() / math.sqrt(difference.var() / n)
    expected = stats.t.sf(dm * math.sqrt((n - 1) / n), n - 1)
    assert chances(evidence(made)).loss_p == pytest.approx(expected, rel=1e-9)


def test_the_timing_test_agrees_with_pesaran_and_timmermanns_formula():
    rng = np.random.default_rng(4)
    for _ in range(20):
        first = int(rng.integers(300, 3000))
        made = scored("IBM", first, noise("IBM", np.arange(first, first + 250), rng) + 0.0005)
        made = made[made["actual_return"] != 0]
        assert chances(evidence(made)).timing_p == pytest.approx(pesaran_timmermann(made), abs=0.01)


def pesaran_timmermann(made):
    """The statistic as their paper of 1992 has it, as a one-sided p."""
    from scipy import stats

    up, said = made["actual_return"] > 0, made["predicted_return"] > 0
    n, y, x = len(made), up.mean(), said.mean()
    by_luck = y * x + (1 - y) * (1 - x)
    right = by_luck * (1 - by_luck) / n
    luck = ((2 * y - 1) ** 2 * x * (1 - x) + (2 * x - 1) ** 2 * y * (1 - y)) / n
    luck += 4 * y * x * (1 - y) * (1 - x) / n**2
    return stats.norm.sf(((up == said).mean() - by_luck) / math.sqrt(right - luck))


def test_symbols_that_move_together_are_one_witness():
    made = evidence(scored("IBM", 500, noise("IBM", np.arange(500, 560), np.random.default_rng(6))))
    assert chances(pooled([made, made, made])).rank_p == pytest.approx(chances(made).rank_p)


def test_too_few_values_say_nothing():
    assert math.isnan(mean_above([0.1], 0.0))
    assert math.isnan(mean_above([math.nan, 0.1, 0.2], 0.0, least=3))
    assert suspicions({"IBM": evidence(scored("IBM", 500, returns("IBM")[501:510]))}, LOOKS) == []
