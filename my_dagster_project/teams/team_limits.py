"""What files may set of the one table of limits (`domain/limits.py`): the organiser for a team, and a team for itself."""

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from pydantic import Field, create_model

from my_dagster_project.domain.limits import Limits as PlannedLimits
from my_dagster_project.domain.limits import is_count
from my_dagster_project.foundation.strict import Strict


def _model(name: str, text: str, *, own: bool) -> type[Strict]:
    """A model with a field for each limit; of a team's own each is None unless the team sets it."""
    made: dict[str, Any] = {}
    for limit in fields(PlannedLimits):
        kind, row = int if is_count(limit) else float, limit.metadata
        default = None if own else row["default"]
        made[limit.name] = (
            kind | None if own else kind,
            Field(default=default, description=row["says"], **row["bounds"]),
        )
    return create_model(name, __base__=Strict, __doc__=text, __module__=__name__, **made)


if TYPE_CHECKING:

    class Limits(Strict):
        """For mypy: any limit may be asked for."""

        def __getattr__(self, name: str) -> Any: ...

    TradingLimits = Limits
else:
    Limits = _model("Limits", "What a team's own file cannot exceed.", own=False)
    TradingLimits = _model(
        "TradingLimits",
        "Limits a team sets itself; of each the smaller one counts, this or the organiser's.",
        own=True,
    )
