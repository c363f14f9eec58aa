"""What an edit of a team's file will cause, said before it is committed: the platform decides by the same fingerprints."""

from my_dagster_project.teams.schema import TeamConfig
from my_dagster_project.teams.team_limits import Limits


def effects(before: TeamConfig | None, after: TeamConfig) -> list[str]:
    """The consequences of putting `after` in force, one sentence each; empty when nothing that counts has changed."""
    if before is None:
        return [f"new: trains {_names(after.symbols)}"]
    if before.canonical_json() == after.canonical_json():
        return []
    found = []
    gone = [symbol for symbol in before.symbols if symbol not in after.symbols]
    models = before.model_fingerprints()
    trained = [symbol for symbol, model in after.model_fingerprints().items() if models.get(symbol) != model]
    if trained:
        found.append(f"trains {_names(trained)}, then predicts and trades anew")
    elif before.trading != after.trading or gone:
        found.append("trades anew with the models there are")
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


def _names(symbols: list[str] | tuple[str, ...]) -> str:
    return ", ".join(symbols)
