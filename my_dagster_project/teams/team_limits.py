"""What a team cannot exceed, declared once: the organiser's limits, and the same ones as a team may set them for itself."""

from copy import copy
from typing import TYPE_CHECKING, Any

from pydantic import Field, create_model

from my_dagster_project.teams.strict import Strict


class Limits(Strict):
    """What a team's own file cannot exceed. The names are those of `domain.plan.Limits`."""

    max_symbols: int = Field(default=10, ge=1, le=500, description="Most symbols held.")
    position_share: float = Field(
        default=0.3, gt=0, le=1, description="Largest fraction of equity in one symbol."
    )
    order_value: float = Field(default=50_000, gt=0, le=1e9, description="Largest order, dollars.")
    session_value: float = Field(
        default=250_000, gt=0, le=1e9, description="All orders of a session together, dollars."
    )
    session_orders: int = Field(default=50, ge=1, le=1000, description="Most orders of a session.")
    # 2 is selling all and buying it anew.
    turnover: float = Field(
        default=2.0, gt=0, le=10, description="All orders of a session as a fraction of equity."
    )
    price_deviation: float = Field(
        default=0.1, gt=0, le=1, description="Nothing is bought at a price this far from another source's."
    )
    drawdown: float = Field(
        default=0.25, gt=0, le=1, description="Nothing is bought this far below the highest equity."
    )


def _a_teams_own() -> type[Strict]:
    """The same limits, each None unless the team sets it."""
    fields: dict[str, Any] = {}
    for name, field in Limits.model_fields.items():
        own = copy(field)
        own.default = None
        fields[name] = (field.annotation | None, own)  # type: ignore[operator]  # int or float, mypy sees a type or None
    text = "Limits a team sets itself; of each the smaller one counts, this or the organiser's."
    return create_model("TradingLimits", __base__=Strict, __doc__=text, __module__=__name__, **fields)


if TYPE_CHECKING:
    TradingLimits = Limits
else:
    TradingLimits = _a_teams_own()
