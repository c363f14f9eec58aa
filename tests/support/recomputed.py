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
    bars = bars_of(store)
    teams = sorted({path.parts[-4] for path in store.glob("*/*/predictions/*.parquet")})
    return {
        team: {**_forecasts(store, team, bars), **_money(store, books, team, bars, cash)} for team in teams
    }


def differences(store: Path, books: Path, cash: float) -> list[str]:
    """What the stored table says otherwise than this, in words: of teams, and of each symbol of each."""
    board = json.loads((store / "competition" / "leaderboard" / "leaderboard.json").read_text())
    rows = {row["team"]: {**row, **row["trading"]} for row in board["teams"] if not row["house"]}
    rows |= {f"{row['team']} {row['symbol']}": row["metrics"] for row in board["symbols"]}
    bars = bars_of(store)
    found = figures_of(store, books, cash)
    for team in [*found]:
        found |= {
            f"{team} {symbol}": _symbol(told)
            for symbol, told in _scored(store, team, bars).items()
            if len(told)
        }
    said = [f"{name} is not on the table" for name in found.keys() - rows.keys()]
    for of, figures in found.items():
        for name, value in figures.items():
            stored = rows.get(of, {}).get(name)
            stored = math.nan if stored is None else stored
            if not (
                math.isclose(stored, value, rel_tol=1e-9, abs_tol=1e-9)
                or (stored != stored and value != value)
            ):
                said.append(f"{of} {name}: the table has {stored}, the objects say {value}")
    return said


def bars_of(store: Path) -> dict[str, pd.DataFrame]:
    """By symbol."""
    return {
        path.parts[-3]: pd.read_parquet(path).set_index("session")
        for path in store.glob("market/*/bars/bars.parquet")
    }


def _scored(store: Path, team: str, bars: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """By symbol, also those that the team has given up: what was said of each session beside what came, and beside drift."""
    found = {}
    for folder in sorted((store / team).glob("*/predictions")):
        closes = bars[folder.parent.name]["adj_close"]
        told = pd.concat([pd.read_parquet(path) for path in sorted(folder.glob("*.parquet"))])
        before, after = told["session"].map(closes), told["target_session"].map(closes)
        told = told[(before.notna() & after.notna()).to_numpy()]
        returns = np.log(closes).diff()
        means = (returns.fillna(0).cumsum() / np.arange(len(closes)).clip(1)).rename("drift")
        found[folder.parent.name] = pd.DataFrame(
            {
                "close": told["close"].to_numpy(),
                "said": told["predicted_return"].to_numpy(float),
                "drift": told["session"].map(means).to_numpy(),
                "came": np.log(told["target_session"].map(closes) / told["session"].map(closes)).to_numpy(),
            }
        )
    return found


def _symbol(told: pd.DataFrame) -> dict[str, float]:
    """Errors in dollars beside those of "no change" and "as always so far", directions, rank correlation."""
    actual = told["close"] * np.exp(told["came"])
    naive = (told["close"] - actual).abs().mean()
    error = (told["close"] * np.exp(told["said"]) - actual).abs().mean()
    drift = (told["close"] * np.exp(told["drift"]) - actual).abs().mean()
    hits, calls = _calls(told)
    low, high = _wilson(hits, calls)
    moved = told["came"][told["came"] != 0]
    varies = len(told) > 1 and min(told["said"].nunique(), told["came"].nunique()) > 1
    return {
        "n": len(told),
        "mae": error,
        "naive_mae": naive,
        "mase": error / naive,
        "drift_mase": drift / naive,
        "direction": hits / calls if calls else math.nan,
        "direction_low": low,
        "direction_high": high,
        "up_share": (moved > 0).mean() if len(moved) else math.nan,
        "ic": told["said"].rank().corr(told["came"].rank()) if varies else math.nan,
    }


def _calls(told: pd.DataFrame) -> tuple[int, int]:
    clear = (told["said"] != 0) & (told["came"] != 0)
    return int((np.sign(told["said"]) == np.sign(told["came"]))[clear].sum()), int(clear.sum())


def _forecasts(store: Path, team: str, bars: dict[str, pd.DataFrame]) -> dict[str, float]:
    """Sessions, MASE and direction over all symbols."""
    tables = _scored(store, team, bars)
    known = [(len(told), _symbol(told)) for told in tables.values() if len(told)]
    hits, calls = (
        sum(counts) for counts in zip((0, 0), *(_calls(told) for told in tables.values()), strict=True)
    )
    low, high = _wilson(hits, calls)

    def mean(name: str) -> float:
        weights = [(n, row[name]) for n, row in known]
        return (
            math.exp(sum(n * math.log(one) for n, one in weights) / sum(n for n, _ in weights))
            if weights
            else math.nan
        )

    return {
        "n": sum(n for n, _ in known), "symbols": len(tables), "mase": mean("mase"), "drift_mase": mean("drift_mase"),
        "direction": hits / calls if calls else math.nan, "direction_low": low, "direction_high": high,
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
