"""Questions a table must answer before it is stored: does it see the future, has it settled, is it about the right session?

Features are computed again on less history and compared with the very table that will be stored, the way freqtrade's
lookahead-analysis and recursive-analysis do: on bars cut off after a session (a value that changes knew the future), and
on bars that begin later (a value that changes still depends on where history began). Targets and predictions are worked
out anew, row by row, from the bars alone.

Every difference is measured by the column's own deviation: a forward return divided by 390 is all below 1e-4, and just as
much a leak.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from my_dagster_project.domain.features import Feature, compute_features
from my_dagster_project.domain.targets import REACH, Target

if TYPE_CHECKING:
    import pandas as pd

# Of a column's deviation, what a shorter history may change; recursive averages keep 1e-6 of their start after the warm-up,
# and a scaler that saw all rows changes a hundredth and more.
TOLERANCE = 1e-3
_CUTS = 3
# By what a history may be multiplied without a value changing, powers of two, so that ratios stay to the last digit.
_PRICES, _ADJUSTMENT, _VOLUMES = 4.0, 0.125, 8.0
# The logarithm of a volume plus one is scaled by no factor where hardly anything was traded.
_LEAST_VOLUME = 10_000


@dataclass(frozen=True)
class Mismatch:
    """A feature whose value at a session changed when history was cut."""

    feature: str
    session: date
    why: str
    full: str
    cut: str

    def __str__(self) -> str:
        return f"{self.feature} at {self.session}: {self.full} with all bars, {self.cut} {self.why}"


def check_features(
    table: "pd.DataFrame",
    bars: "pd.DataFrame",
    features: list[Feature],
    symbol: str = "",
    before: "pd.DataFrame | None" = None,
) -> list[Mismatch]:
    """The features of a table that see the future or have not settled after the warm-up; empty is good.

    `table` is what will be stored, `bars` as in `compute_features`. Computes it again on a few truncations, one
    vectorised pass each. `before` is the table that was stored when the newest session had not been: where it says the same of
    every session that it has, it was made on the very truncation that shows most, and only the newest row is computed again.
    """
    full = table.set_index("session")
    warmup = len(bars) - len(full)
    if before is not None and _goes_on(before, table):
        late = bars.iloc[-2 * warmup - 1 :].reset_index(drop=True)
        newest = compute_features(late, features, symbol).tail(1)
        return _differences(full, newest, "with a later start")
    found = _differences(full, compute_features(bars, features, symbol), "computed again")
    for end in sorted({*_cuts(len(bars), warmup), *_before_surprises(bars, warmup)}):
        found += _differences(
            full, compute_features(bars.iloc[:end], features, symbol), "with nothing after it"
        )
    late = bars.iloc[len(full) // 2 :].reset_index(drop=True)
    if len(full) > 1 and len(late) > warmup:
        found += _differences(full, compute_features(late, features, symbol), "with a later start")
    return found


def _goes_on(before: "pd.DataFrame", table: "pd.DataFrame") -> bool:
    """Whether a table is the one before it and one session more."""
    return len(table) == len(before) + 1 and table.iloc[:-1].equals(before)


def _cuts(sessions: int, warmup: int) -> list[int]:
    first, last = warmup + 1, sessions - 1
    if last < first:
        return []
    step = max(1, (last - first) // _CUTS)
    return sorted({*range(last, first - 1, -step)})[-_CUTS:]


def _before_surprises(bars: "pd.DataFrame", warmup: int) -> list[int]:
    """The cuts just before the largest rise and fall: a column that tells of nothing else is quiet at any other."""
    import numpy as np

    moves = np.diff(np.log(bars["adj_close"].to_numpy("float64")))[warmup:]
    return sorted({warmup + int(at) + 1 for at in (moves.argmax(), moves.argmin())}) if len(moves) else []


def _differences(full: "pd.DataFrame", again: "pd.DataFrame", why: str) -> list[Mismatch]:
    """The last session of each column that differs: there a look into the future shows, wherever it began."""
    again = again.set_index("session")
    # All columns at once: one by one, looking up their sessions took a tenth of a season's session.
    stored = full.reindex(again.index)
    found = []
    for name in again.columns:
        apart = again.index[_apart(stored[name], again[name], full[name])]
        if len(apart):
            at = apart[-1]
            found.append(Mismatch(name, at.date(), why, f"{stored[name][at]}", f"{again[name][at]}"))
    return found


def _apart(stored: "pd.Series", again: "pd.Series", column: "pd.Series") -> Any:
    import numpy as np

    if column.dtype.kind not in "fiu":
        return ((stored != again) & ~(stored.isna() & again.isna())).to_numpy()
    deviation = float(column.std())
    allowed = TOLERANCE * deviation if deviation > 0 else 1e-12
    return ~np.isclose(stored, again, rtol=1e-9, atol=allowed, equal_nan=True)


def target_problem(rows: "pd.DataFrame", bars: "pd.DataFrame", target: str, cutoff: date) -> str | None:
    """What is wrong with the target of these training rows, None when each is the next session's and known by the cut-off.

    Worked out from the bars alone, without the code that made the target.
    """
    import numpy as np
    import pandas as pd

    if rows.empty:
        return None
    close = np.log(bars["adj_close"].to_numpy("float64"))
    places = pd.Index(bars["session"]).get_indexer(rows["session"])
    given = rows["next_return"].to_numpy("float64")
    if wrong := _wrong_way(given, close, places):
        return wrong
    last = int(places.max()) + 1
    if bars["session"].iloc[last].date() > cutoff:
        return (
            f"the row of session {rows['session'].max().date()} learns from the close of "
            f"{bars['session'].iloc[last].date()}, after the cut-off {cutoff}"
        )
    up = (given > 0).astype(int)
    if target == "next_direction" and not np.array_equal(rows[target].to_numpy(), up):
        return "next_direction is not 1 where the next session rose and 0 where it fell"
    return None


def inputs_problem(rows: "pd.DataFrame", features: "pd.DataFrame") -> str | None:
    """What is wrong with the inputs of these training rows, None when each has the stored features of its own session."""
    own = features.set_index("session").reindex(rows["session"])
    for name in own.columns:
        apart = _apart(rows[name].set_axis(own.index), own[name], features[name])
        if apart.any():
            at = own.index[apart][-1]
            stored = rows[name].to_numpy()[apart][-1]
            return f"the row of session {at.date()} has {name} {stored}, but the features say {own[name][at]}"
    return None


def recomputed_problem(
    rows: "pd.DataFrame", bars: "pd.DataFrame", features: list[Feature], symbol: str = ""
) -> str | None:
    """What is wrong with the inputs of these training rows, None when each part's follow from the bars up to its own last row.

    So what is trained on cannot know the validation, nor that what comes after. They are computed once more with prices times a
    constant, as after a split to come, and with volumes times another: that changes no ratio, and history is adjusted anew with
    each split and dividend. One pass for each part; only to name what is wrong several.
    """
    trained = rows["split"] == 0 if "split" in rows else rows["session"].notna()
    for part in filter(len, (rows[trained], rows[~trained])):
        if found := _part_problem(part, bars, features, symbol):
            return found
    return None


def _part_problem(
    rows: "pd.DataFrame", bars: "pd.DataFrame", features: list[Feature], symbol: str
) -> str | None:
    last = rows["session"].max()
    seen = bars[bars["session"] <= last].reset_index(drop=True)
    volumes = _VOLUMES if seen["volume"].min() >= _LEAST_VOLUME else 1.0
    if not _changed(rows, _scaled(seen, _PRICES, _ADJUSTMENT, volumes), features, symbol):
        return None
    ways = {
        f"computed from the bars up to {last.date()} as they are now": (1.0, 1.0, 1.0),
        "after a split to come, which adjusts all history": (1.0, _ADJUSTMENT, 1.0),
        f"with all prices times {_PRICES:g}": (_PRICES, 1.0, 1.0),
        f"with all volumes times {volumes:g}": (1.0, 1.0, volumes),
    }
    for way, scales in ways.items():
        if found := _changed(rows, _scaled(seen, *scales), features, symbol):
            name, count, at, stored, again = found
            return f"{name} of {count} of {len(rows)} rows is another {way}: {stored} at {at}, then {again}"
    return "a feature changes with the scale of prices and volumes together"


def _scaled(bars: "pd.DataFrame", prices: float, adjustment: float, volumes: float) -> "pd.DataFrame":
    raw = {name: bars[name] * prices for name in ("open", "high", "low", "close")}
    return bars.assign(
        **raw, adj_close=bars["adj_close"] * prices * adjustment, volume=bars["volume"] * volumes
    )


def _changed(
    rows: "pd.DataFrame", bars: "pd.DataFrame", features: list[Feature], symbol: str
) -> tuple[str, int, date, Any, Any] | None:
    """The first column of the rows that these bars do not give: its name, how many rows, the last of them, both its values."""
    again = compute_features(bars, features, symbol).set_index("session").reindex(rows["session"])
    for name in again.columns:
        own = rows[name].set_axis(again.index)
        apart = _apart(own, again[name], own)
        if apart.any():
            at = again.index[apart][-1]
            return name, int(apart.sum()), at.date(), own[apart].iloc[-1], again[name][apart].iloc[-1]
    return None


def parts_problem(rows: "pd.DataFrame", bars: "pd.DataFrame", target: Target) -> str | None:
    """What is wrong with how these rows are parted, None when none is there twice and no training row knows its validation.

    Between the last session that is trained on and the first of the validation as many are purged as the target looks ahead.
    Rows of one symbol of several have no `split` yet.
    """
    import pandas as pd

    if (twice := rows["session"].duplicated()).any():
        return f"the row of session {rows['session'][twice].iloc[0].date()} is there {twice.sum() + 1} times"
    if "split" not in rows:
        return None
    places = pd.Index(bars["session"]).get_indexer(rows["session"])
    trained, held = places[rows["split"] == 0], places[rows["split"] == 1]
    if not len(trained) or not len(held) or held.min() - trained.max() > REACH[target].future:
        return None
    known = (trained + REACH[target].future >= held.min()).sum()
    return f"{known} training rows know the close of {bars['session'][held.min()].date()} or a later one, where validation begins"


def _wrong_way(given: Any, close: Any, places: Any) -> str | None:
    """In words which other return the target is, where it is not the next session's."""
    import numpy as np

    def is_return(first: int, last: int, factor: float = 1.0) -> bool:
        """Whether it is the return between these sessions, counted from the row's own, wherever both have a bar."""
        known = (places + first >= 0) & (places + last >= 0) & (places + last < len(close))
        wanted = factor * (close[places[known] + last] - close[places[known] + first])
        allowed = TOLERANCE * float(np.std(wanted)) or 1e-12
        return bool(np.allclose(given[known], wanted, rtol=1e-9, atol=allowed))

    if is_return(0, 1) and (places + 1 < len(close)).all():
        return None
    others = {
        "has the wrong sign: it is the next return backwards": (0, 1, -1.0),
        "points the wrong way: it is the return up to the session, which is known already": (-1, 0, 1.0),
        "is a session late: it is the return from the next session to the one after": (1, 2, 1.0),
        "reaches two sessions ahead": (0, 2, 1.0),
    }
    named = next((text for text, shape in others.items() if is_return(*shape)), "")
    return f"the target {named or 'is not the return from the session to the next one'}"


def predictions_problem(
    table: "pd.DataFrame", bars: "pd.DataFrame", next_session: Callable[[date], date], again: "pd.DataFrame"
) -> str | None:
    """What is wrong with a predictions table that will be stored, None when each row is about its own session.

    `again` holds `session` and what the model answered of some sessions, from the stored features once more: a row is
    predicted by itself, so these are the same numbers.
    """
    closes = bars.set_index("session")["close"]
    for row in table.itertuples():
        session = row.session.date()
        if row.target_session.date() != next_session(session):
            return f"the prediction of {session} is about {row.target_session.date()}, not the next session"
        if abs(row.close / closes[row.session] - 1) > 1e-9:
            return (
                f"the prediction of {session} begins at {row.close}, but it closed at {closes[row.session]}"
            )
    stored, again = table.set_index("session"), again.set_index("session")
    for name in again.columns:
        for session, told in again[name].items():
            kept = stored[name][session]
            if kept != told and not (kept != kept and told != told):
                return (
                    f"{session.date()}: {name} {kept:.6f} is stored, but the model says {told:.6f} "
                    "of that session's features"
                )
    return None


def ends_and_middle(sessions: Iterable[date]) -> list[date]:
    """The first, the middle and the last of these sessions: where a shift or a look ahead shows."""
    found = list(sessions)
    return sorted({found[0], found[len(found) // 2], found[-1]})
