"""From a model's answers to the predictions table: which session each was made after, and whether the model may answer.

A prediction of session t is made after the close of t, about t+1.
"""

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING

from my_dagster_project.foundation.calendar import TradingCalendar
from my_dagster_project.foundation.errors import ModelError

if TYPE_CHECKING:
    import pandas as pd


def rows_of(features: "pd.DataFrame", sessions: list[date], label: str) -> "pd.DataFrame":
    """The feature rows of these sessions, in order; raises ModelError naming the sessions that have none."""
    import pandas as pd

    wanted = pd.DatetimeIndex(sessions)
    missing = wanted.difference(pd.DatetimeIndex(features["session"]))
    if len(missing):
        named = ", ".join(str(session.date()) for session in missing[:5])
        more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        raise ModelError(
            f"{label}: no features for {named}{more}; materialize the bars and features of these sessions first"
        )
    return features[features["session"].isin(wanted)].sort_values("session").reset_index(drop=True)


def model_from_the_future(trained_through: date, sessions: list[date]) -> str | None:
    """Why a model may not predict these sessions, or None.

    It may only predict sessions after the last close its training saw; anything else would be an answer learned by heart.
    """
    early = [session for session in sessions if session <= trained_through]
    if not early:
        return None
    return (
        f"the model has seen the closes up to {trained_through}, so it must not predict {min(early)}"
        f"{f' and {len(early) - 1} more sessions' if len(early) > 1 else ''}; train one with an earlier cutoff, "
        f"or predict sessions after {trained_through}"
    )


def by_earlier_models(
    predictions: "pd.DataFrame", window_of: Callable[[date], str] = lambda _: ""
) -> "pd.DataFrame":
    """The predictions that another model made than the newest of their window, by session; of files that do not say which, none.

    They stay when a team's file is edited and fewer sessions are replayed, or when a model is trained anew in a season.
    """
    ordered = predictions.sort_values("session")
    if "model" not in ordered or ordered.empty:
        return ordered.iloc[:0]
    windows = ordered["session"].map(lambda session: window_of(session.date()))
    newest = ordered.groupby(windows.to_numpy())["model"].transform("last")
    return ordered[ordered["model"].notna() & (ordered["model"] != newest)]


def prediction_table(
    rows: "pd.DataFrame",
    answers: "pd.DataFrame",
    bars: "pd.DataFrame",
    calendar: TradingCalendar,
    symbol: str,
    trained_through: date,
) -> "pd.DataFrame":
    """The predictions of these feature rows, one per session.

    Columns: `session` (t), `target_session` (t+1 of the calendar), `symbol`, `close` (raw close of t, dollars),
    `predicted_return` (log return t to t+1), `probability_up` (fraction, NaN for regression), `trained_through`; of a model that
    answers with one also `position` (-1 to 1).
    """
    import pandas as pd

    closes = bars.set_index("session")["close"]
    targets = [calendar.next_session(session.date()) for session in rows["session"]]
    position = {"position": answers["position"].to_numpy("float64")} if "position" in answers else {}
    return pd.DataFrame(
        {
            "session": rows["session"],
            "target_session": pd.to_datetime(targets),
            "symbol": symbol,
            "close": rows["session"].map(closes).to_numpy("float64"),
            "predicted_return": answers["predicted_return"].to_numpy("float64"),
            "probability_up": answers["probability_up"].to_numpy("float64"),
            **position,
            "trained_through": pd.Timestamp(trained_through),
        }
    )
