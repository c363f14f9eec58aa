"""What a model learns, owned by the platform: the next session's log return, or its direction.

Never a price level: a tree on raw prices scored 37 times the naive error, because levels do not extrapolate.
"""

from collections.abc import Mapping
from datetime import date
from hashlib import md5
from typing import TYPE_CHECKING, Literal, get_args

from my_dagster_project.domain.reach import Reach
from my_dagster_project.foundation.errors import ModelError

if TYPE_CHECKING:
    import pandas as pd

type Target = Literal["next_return", "next_direction"]
NEXT_RETURN: Target = "next_return"
NEXT_DIRECTION: Target = "next_direction"
TARGETS: tuple[Target, ...] = get_args(Target.__value__)
# What a model answers with: the return, the probability of a rise, or the position to hold (-1 short, 0 nothing, 1 long).
type Answer = Literal["return", "probability", "position"]
ANSWERS: dict[Target, Answer] = {NEXT_RETURN: "return", NEXT_DIRECTION: "probability"}

# How far each looks. Rows between training and validation that share a close are purged: as many as it looks ahead.
REACH: dict[Target, Reach] = {NEXT_RETURN: Reach(0, 1), NEXT_DIRECTION: Reach(0, 1)}
# Fewer teach nothing.
FEWEST_ROWS = 100
# Decimals of a return that prices carry: a cent of a thousand dollars.
_CARRIED = 5


def next_returns(bars: "pd.DataFrame") -> "pd.DataFrame":
    """Columns `session` and `next_return`: log(adj_close of the next bar / adj_close of this one); the last is NaN."""
    import numpy as np
    import pandas as pd

    close = np.log(bars["adj_close"])
    return pd.DataFrame({"session": bars["session"], "next_return": close.shift(-1) - close})


def training_rows(
    features: "pd.DataFrame",
    bars: "pd.DataFrame",
    target: Target,
    *,
    start: date | None,
    cutoff: date,
    validation_fraction: float | None,
    sessions: int | None = None,
    symbol: str = "",
) -> "pd.DataFrame":
    """The rows a model may see: features, `next_return`, the target, and `split` (0 training, 1 validation, in time order).

    Without a fraction they are those of one symbol of several: however few, and without `split` (`pooled_rows`).

    Those of the newest `sessions`, or all since `start`. A row of session t is kept only when the close of t+1 is at or
    before `cutoff`: truncating the bars first makes a later close impossible to see rather than merely filtered out. One row
    between the splits is purged (Lopez de Prado, Advances in Financial Machine Learning, 7.4.1). Raises ModelError when too
    few rows remain.
    """
    import pandas as pd

    seen = bars[bars["session"] <= pd.Timestamp(cutoff)]
    rows = features.merge(next_returns(seen), on="session", how="inner").dropna(subset=["next_return"])
    if start is not None:
        rows = rows[rows["session"] >= pd.Timestamp(start)]
    if sessions is not None:
        rows = rows.tail(sessions)
    if len(rows) < FEWEST_ROWS and validation_fraction is not None:
        raise ModelError(
            f"{symbol}: only {len(rows)} training rows up to {cutoff}; at least {FEWEST_ROWS} are needed"
        )
    if target == "next_direction":
        # A session without change teaches no direction; counting it as "down" would bias the model.
        rows = rows[rows["next_return"] != 0]
        rows = rows.assign(next_direction=(rows["next_return"] > 0).astype(int))
    rows = rows.reset_index(drop=True)
    return rows if validation_fraction is None else _split(rows, validation_fraction, REACH[target].future)


def pooled_rows(
    tables: "Mapping[str, pd.DataFrame]", target: Target, validation_fraction: float
) -> "pd.DataFrame":
    """What one model of several symbols learns from: their rows one under another by session, with `symbol` and `split`.

    All are split at the same session: symbols move together, and by a later one of another symbol training would know what
    its validation is about. As many sessions before it are purged as the target looks ahead. A symbol with fewer than
    `FEWEST_ROWS` is left out; raises ModelError where that is each.
    """
    import pandas as pd

    enough = {symbol: rows for symbol, rows in tables.items() if len(rows) >= FEWEST_ROWS}
    if not enough:
        counted = ", ".join(f"{symbol} {len(rows)}" for symbol, rows in tables.items())
        raise ModelError(f"no symbol has {FEWEST_ROWS} training rows ({counted or 'none has any'})")
    whole = pd.concat([rows.assign(symbol=symbol) for symbol, rows in sorted(enough.items())])
    whole = whole.sort_values(["session", "symbol"], kind="stable", ignore_index=True)
    sessions = sorted(whole["session"].unique())
    first = sessions.index(whole["session"].iloc[len(whole) - round(len(whole) * validation_fraction)])
    purged = sessions[max(first - REACH[target].future, 0) : first]
    whole = whole.assign(split=(whole["session"] >= sessions[first]).astype(int))
    return whole[~whole["session"].isin(purged)].reset_index(drop=True)


def rows_version(rows: "pd.DataFrame") -> str:
    """An md5 of what these rows teach: the same for the same sessions and values, as far as prices carry values.

    A dividend re-scales every earlier adjusted close and so moves the last digits of every return: that teaches nothing new.
    """
    import numpy as np

    digest = md5(usedforsecurity=False)
    for name in rows.columns:
        digest.update(f"{name}\n".encode())
        if rows[name].dtype.kind == "f":
            digest.update((np.round(rows[name].to_numpy(), _CARRIED) + 0.0).tobytes())  # + 0.0: no minus zero
        else:
            digest.update("\n".join(map(str, rows[name])).encode())
    return digest.hexdigest()


def _split(rows: "pd.DataFrame", validation_fraction: float, purged: int) -> "pd.DataFrame":
    first_validation = len(rows) - round(len(rows) * validation_fraction)
    rows = rows.assign(split=(rows.index >= first_validation).astype(int))
    return rows.drop(index=range(first_validation - purged, first_validation)).reset_index(drop=True)
