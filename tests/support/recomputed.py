"""The figures of a table computed once more, from stored objects and the broker's books alone: nothing of the platform is imported.

python -m tests.support.recomputed .local/store .local/broker/accounts.sqlite 100000
"""

import json
import math
import sqlite3
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

Z = 1.959963984540054


def figures_of(store: Path, books: Path, cash: float) -> dict[str, dict[str, float]]:
    """By team what its row of the table has to say."""
    bars = {
        path.parts[-3]: pd.read_parquet(path).set_index("session")
        for path in store.glob("market/*/bars/bars.parquet")
    }
    teams = sorted({path.parts[-4] for path in store.glob("*/*/predictions/*.parquet")})
    return {
        team: {**_forecasts(store, team, bars), **_money(store, books, team, bars, cash)} for team in teams
    }


def differences(store: Path, books: Path, cash: float) -> list[str]:
    """What the stored table says otherwise than this, in words."""
    board = json.loads((store / "competition" / "leaderboard" / "leaderboard.json").read_text())
    rows = {row["team"]: {**row, **row["trading"]} for row in board["teams"] if not row["house"]}
    found = figures_of(store, books, cash)
    said = [f"{team} is not on the table" for team in found.keys() - rows.keys()]
    for team, figures in found.items():
        for name, value in figures.items():
            stored = rows.get(team, {}).get(name)
            stored = math.nan if stored is None else stored
            if not (
                math.isclose(stored, value, rel_tol=1e-9, abs_tol=1e-9)
                or (stored != stored and value != value)
            ):
                said.append(f"{team} {name}: the table has {stored}, the objects say {value}")
    return said


def _forecasts(store: Path, team: str, bars: dict[str, pd.DataFrame]) -> dict[str, float]:
    """Sessions, MASE and direction over all symbols, also those that the team has given up."""
    rows, logs, hits, calls = 0, 0.0, 0, 0
    weighed, symbols = 0, 0
    for folder in sorted((store / team).glob("*/predictions")):
        closes = bars[folder.parent.name]["adj_close"]
        told = pd.concat([pd.read_parquet(path) for path in sorted(folder.glob("*.parquet"))])
        before, after = told["session"].map(closes), told["target_session"].map(closes)
        told = told[(before.notna() & after.notna()).to_numpy()]
        actual = np.log(told["target_session"].map(closes) / told["session"].map(closes)).to_numpy()
        close, said = told["close"].to_numpy(), told["predicted_return"].to_numpy(float)
        symbols += 1
        if not len(told):
            continue
        naive = np.abs(close - close * np.exp(actual)).mean()
        mase = np.abs(close * np.exp(said) - close * np.exp(actual)).mean() / naive
        clear = (said != 0) & (actual != 0)
        rows += len(told)
        logs, weighed = logs + len(told) * math.log(mase), weighed + len(told)
        hits, calls = hits + int((np.sign(said) == np.sign(actual))[clear].sum()), calls + int(clear.sum())
    low, high = _wilson(hits, calls)
    mase = math.exp(logs / weighed) if weighed else math.nan
    share = hits / calls if calls else math.nan
    return {
        "n": rows, "symbols": symbols, "mase": mase, "direction": share, "direction_low": low, "direction_high": high,
    }  # fmt: skip


def _wilson(hits: int, n: int) -> tuple[float, float]:
    if not n:
        return math.nan, math.nan
    share = hits / n
    middle = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * math.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    return middle - half, middle + half


def _money(
    store: Path, books: Path, team: str, bars: dict[str, pd.DataFrame], cash: float
) -> dict[str, float]:
    """Equity from every execution and every close, not from what anybody noted of it; return, fall and Sharpe ratio of it."""
    settled = [json.loads(path.read_text()) for path in sorted((store / team / "fills").glob("*.json"))]
    done = [execution for one in settled for order in one["orders"] for execution in order["executions"]]
    curve = [equity for _, equity in _equity(store, books, team, bars, cash)]
    levels = [cash, *curve[1:]] if curve[1:] else [cash, *curve]
    returns = np.diff(levels) / levels[:-1] if curve else np.array([])
    spread = returns.std(ddof=1) if len(returns) > 1 else 0.0
    return {
        "fills": len(done),
        "costs": float(sum(float(one["costs"]) for one in settled)),
        "equity": curve[-1] if curve else math.nan,
        "total_return": curve[-1] / cash - 1 if curve else math.nan,
        "max_drawdown": float((levels / np.maximum.accumulate(levels) - 1).min()) if curve else math.nan,
        "sharpe": float(returns.mean() / spread * math.sqrt(252)) if spread > 0 else math.nan,
    }


def _equity(
    store: Path, books: Path, team: str, bars: dict[str, pd.DataFrame], cash: float
) -> Iterator[tuple[str, float]]:
    """At each close from the first session on record to the one the last orders filled in."""
    lines, held = defaultdict(list), defaultdict(float)
    with closing(sqlite3.connect(books)) as database:
        asked = "SELECT session, type, symbol, side, qty, amount FROM activities WHERE team = ?"
        for session, *line in database.execute(asked, (team,)):
            lines[session].append(line)
    records = sorted(path.stem for path in (store / team / "orders").glob("*.json"))
    fills = sorted((store / team / "fills").glob("*.json"))
    if not records:
        return
    last = max([records[-1], *(json.loads(path.read_text())["filled_in"] for path in fills)])
    every = sorted({str(day.date()) for frame in bars.values() for day in frame.index})
    for session in (day for day in every if records[0] <= day <= last):
        for kind, symbol, side, qty, amount in lines.pop(session, ()):
            cash += float(amount)
            if kind == "FILL":
                held[symbol] += float(qty) * (1 if side == "buy" else -1)
        day = pd.Timestamp(session)
        yield (
            session,
            cash
            + sum(
                shares * float(bars[symbol].loc[:day, "close"].iloc[-1])
                for symbol, shares in held.items()
                if shares
            ),
        )


def _main(store: str, books: str, cash: str) -> Any:
    found = differences(Path(store), Path(books), float(cash))
    print("\n".join(found) or "Every figure is what the stored objects say.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
