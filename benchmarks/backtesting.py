"""A backtest of ten years, 50 symbols and 20 teams, beside a plain numpy loop without limits, and `bt` in an environment of its own."""

import json
import shutil
import subprocess
import sys
import time
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from benchmarks.figures import Figure, Findings
from benchmarks.measure import BenchmarkError
from benchmarks.workshop import Workshop
from my_dagster_project.domain.backtest import Entrant, backtest
from my_dagster_project.domain.backtest_market import Market
from my_dagster_project.domain.limits import Limits
from my_dagster_project.domain.plan import Rules

SESSIONS, SYMBOLS, TEAMS = 2520, 50, 20
_MOST_S = 3.0
_STRATEGIES = ("long_flat", "rotation", "forecast_volatility", "long_flat", "as_told")
_LIMITS = Limits(SYMBOLS, "0.3", 50_000, 250_000, 50, 2, "0.1")
_COST = 0.0005


def measure(workshop: Workshop) -> Findings:
    """CPU seconds of one backtest of all teams, the fastest of some."""
    market, entrants = _market(), []
    dice = np.random.default_rng(7)
    for number in range(TEAMS):
        signals = dice.normal(0, 0.002, market.close.shape)
        rules = Rules(_STRATEGIES[number % len(_STRATEGIES)], 0.0005, -0.0005, "0.04")
        entrants.append(Entrant(rules, _LIMITS, signals, np.sign(signals)))
    books = backtest(market, entrants)
    if not (books.orders.sum(axis=0) > SESSIONS / 10).all():
        raise BenchmarkError("a team of the backtest hardly trades")
    took = min(_seconds(lambda: backtest(market, entrants)) for _ in range(workshop.rounds(3)))
    plain = min(_seconds(lambda: [_plain(market, one.signals) for one in entrants]) for _ in range(2))
    rows = f"{SESSIONS} sessions, {SYMBOLS} symbols, {TEAMS} teams"
    figures = [Figure(f"{rows}, beside a numpy loop", "CPU s", took, plain, target=_MOST_S)]
    if (theirs := _bt(workshop.folder, market, entrants[0].signals)) is not None:
        one = min(_seconds(lambda: backtest(market, entrants[:1])) for _ in range(2))
        figures.append(Figure("one of the teams, beside bt", "CPU s", one, theirs, target_ratio=1.0))
    return Findings(
        title="Backtest",
        plain="a loop over teams and sessions with numpy over symbols: equal shares above a threshold, fractions of shares, costs,"
        " no cash that runs out, no limits; bt: the same with its own Algos, weights set every session.",
        figures=tuple(figures),
        notes=(
            "With all limits but the drawdown's, whole shares, five strategies, signals that change every session.",
        ),
    )


def _seconds(work) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def _market() -> Market:
    dice = np.random.default_rng(1)
    shape = (SESSIONS, SYMBOLS)
    close = np.round(50 * np.exp(np.cumsum(dice.normal(0.0003, 0.015, shape), axis=0)), 2)
    opened = np.round(np.vstack([close[:1], close[:-1]]) * np.exp(dice.normal(0, 0.003, shape)), 2)
    ends = np.maximum(opened, close), np.minimum(opened, close), close, close.copy()
    days = [date(2000, 1, 3) + timedelta(days=n) for n in range(SESSIONS)]
    rest = np.full(shape, 1e7), np.ones(shape), np.zeros(shape)
    return Market(days, [f"S{n:02}" for n in range(SYMBOLS)], opened, *ends, *rest)


def _plain(market: Market, signals: np.ndarray) -> float:
    shares, cash = np.zeros(SYMBOLS), 100_000.0
    for session in range(SESSIONS - 1):
        said = signals[session]
        equity = cash + shares @ market.close[session]
        share = np.where(said > 0.0005, 0.04, np.where(said < -0.0005, 0.0, np.nan))
        wanted = np.where(np.isnan(share), shares, equity * share / market.close[session])
        change = wanted - shares
        price = market.open[session + 1] * (1 + np.sign(change) * _COST)
        cash -= change @ price
        shares = wanted
    return cash + shares @ market.close[-1]


def _bt(folder: Path, market: Market, signals: np.ndarray) -> float | None:
    """CPU seconds of one team in bt; None where no package index can be reached."""
    uv = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
    given = folder / "backtest.npz"
    np.savez(given, close=market.close, signals=signals)
    own = (uv, "run", "--no-project", "--quiet", "--with", "bt==1.4.1", "python")
    done = subprocess.run(
        [*own, str(Path(__file__).with_name("bt_alone.py")), str(given)],
        capture_output=True,
        text=True,
        check=False,
    )
    return float(json.loads(done.stdout)["seconds"]) if done.returncode == 0 else None
