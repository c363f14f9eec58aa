"""One team's ten years in `bt`, run by `benchmarks/backtesting.py` in an environment of its own; prints CPU seconds as JSON."""

import json
import sys
import time

import bt
import numpy as np
import pandas as pd

given = np.load(sys.argv[1])
days = pd.bdate_range("2000-01-03", periods=len(given["close"]))
prices = pd.DataFrame(
    given["close"], index=days, columns=[f"S{n:02}" for n in range(given["close"].shape[1])]
)
weights = pd.DataFrame(np.where(given["signals"] > 0.0005, 0.04, 0.0), index=days, columns=prices.columns)
algos = [bt.algos.RunDaily(), bt.algos.WeighTarget(weights), bt.algos.Rebalance()]
test = bt.Backtest(
    bt.Strategy("team", algos),
    prices,
    commissions=lambda qty, price: abs(qty) * price * 0.0005,
    progress_bar=False,
)
started = time.process_time()
test.run()
print(json.dumps({"seconds": time.process_time() - started}))
