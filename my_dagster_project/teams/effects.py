"""What an edit of a team's file will cause, said before it is committed: the platform decides by the same fingerprints."""

from collections.abc import Sequence

from my_dagster_project.teams.schema import TeamConfig
from my_dagster_project.teams.team_limits import Limits


def effects(
    before: TeamConfig | None, after: TeamConfig, windows: Sequence[str] = (), *, lived: bool = False
) -> list[str]:
    """The consequences of putting `after` in force, one sentence each; empty when nothing that counts has changed.

    `windows` (ISO) are the refit windows that an edit trains anew, where the team has any. In a season (`lived`) nothing is
    made anew that was decided.
    """
    if before is None:
        return [f"new: {_trains(after, after.symbols, windows)}"]
    if before.canonical_json() == after.canonical_json():
        return []
    found = []
    gone = [symbol for symbol in before.symbols if symbol not in after.symbols]
    models = before.model_fingerprints()
    trained = [symbol for symbol, model in after.model_fingerprints().items() if models.get(symbol) != model]
    if trained:
        then = "for the next session" if lived else "then predicts and trades anew"
        found.append(f"{_trains(after, trained, windows)}, {then}")
    elif before.trading != after.trading or gone:
        anew = "trades by its new rules from the next session on" if lived else "trades anew"
        found.append(f"{anew} with the models there are")
    if gone:
        found.append(f"drops {_names(gone)}")
    if before.schedule != after.schedule:
        found.append("runs at other times")
    return found or ["changes nothing that is computed from"]


def outranked(config: TeamConfig, limits: Limits) -> list[str]:
    """The team's own limits that do not count because the organiser's are stricter."""
    own = config.trading.limits.model_dump(exclude_none=True)
    allowed = limits.model_dump()
    return [
        f"trading.limits.{name}: {value} counts as {allowed[name]}, the registry's limit"
        for name, value in own.items()
        if value > allowed[name]
    ]


def _trains(config: TeamConfig, symbols: Sequence[str], windows: Sequence[str]) -> str:
    """What is trained, and how often; a model of all symbols once, however many of them an edit is about."""
    if config.pooled:
        return f"trains one model of {_names(config.symbols)}{_times(1, windows)}"
    return f"trains {_names(symbols)}{_times(len(symbols), windows)}"


def _times(models: int, windows: Sequence[str]) -> str:
    """What remaking the past costs: how many trainings of which windows."""
    if not windows:
        return ""
    span = windows[0] if len(windows) == 1 else f"{windows[0]} to {windows[-1]}"
    counted = models * len(windows)
    return f" ({counted} training{'s' * (counted > 1)}, window{'s' * (len(windows) > 1)} from {span})"


def _names(symbols: Sequence[str]) -> str:
    return ", ".join(symbols)
