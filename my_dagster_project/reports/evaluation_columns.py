"""The columns of a team's walk-forward scores, for a terminal, Dagit and CSV, and what may be claimed of them in words."""

import math
from collections.abc import Iterable

from my_dagster_project.domain.scores.blocks import Figure
from my_dagster_project.domain.scores.forecasts import ForecastScores
from my_dagster_project.domain.scores.walked import Evaluation, Slice
from my_dagster_project.reports.columns import Column, markdown_table
from my_dagster_project.reports.markdown import NONE, number


def _mase(value: float, low: float, high: float) -> str:
    return number(value, 3) if math.isnan(low) else f"{number(value, 3)} [{low:.3f}, {high:.3f}]"


def percent(value: float, low: float, high: float) -> str:
    """A share as people read it, with its interval where there is one."""
    if math.isnan(value):
        return NONE
    return f"{value:.1%}" if math.isnan(low) else f"{value:.1%} [{low * 100:.1f}, {high * 100:.1f}]"


def _rank(value: float, low: float, high: float) -> str:
    return number(value, 3) if math.isnan(low) else f"{value:+.3f} [{low:+.3f}, {high:+.3f}]"


def _of(figure: Figure) -> tuple[float, float, float]:
    return figure.value, figure.low, figure.high


def _named(name: str) -> tuple[str, str, str]:
    return name, f"{name}_low", f"{name}_high"


EVALUATION_COLUMNS: tuple[Column[Slice], ...] = (
    Column("by", lambda row: row.cut, key=True, text=True),
    Column("of", lambda row: row.name, key=True, text=True),
    Column("sessions", lambda row: row.scores.sessions),
    Column(
        "MASE",
        lambda row: _of(row.scores.mase),
        _mase,
        "Mean absolute error by naive's on the same rows, with the 95 % interval of sessions drawn anew in blocks.",
        figures=_named("mase"),
        main=True,
    ),
    Column(
        "R2",
        lambda row: _of(row.scores.r2),
        percent,
        "1 - squared errors by naive's, out of sample; above 0 beats “no change”.",
        figures=_named("r2"),
    ),
    Column(
        "direction",
        lambda row: _of(row.scores.direction_drawn),
        percent,
        "Share of right calls; its interval draws sessions as a whole, because stocks move together.",
        figures=_named("direction"),
        main=True,
    ),
    Column(
        "up",
        lambda row: row.scores.up_share,
        lambda share: percent(share, math.nan, math.nan),
        "What “always up” would have had right.",
        figures=("up_share",),
    ),
    Column("IC", lambda row: _of(row.scores.ic), _rank, "Rank correlation.", figures=_named("ic")),
    Column("IC t", lambda row: row.scores.ic_t, lambda t: number(t, 1), "HAC.", figures=("ic_t",)),
    Column(
        "DM p",
        lambda row: row.scores.loss_p,
        lambda p: number(p, 2),
        "How often luck alone makes errors so much smaller than naive's (Diebold-Mariano, Harvey).",
        figures=("loss_p",),
    ),
    Column("PT t", lambda row: row.scores.timing_t, lambda t: number(t, 1), "Timing.", figures=("timing_t",)),
)


def shown_slices(found: Evaluation, *, refits: bool = False) -> list[Slice]:
    """Its rows; refit by refit only where that is asked for, for of 21 sessions hardly anything can be said."""
    return [row for row in found.slices if refits or row.cut != "refit"]


def evaluation_table(found: Evaluation) -> str:
    """The scores as a Markdown table."""
    return markdown_table(EVALUATION_COLUMNS, shown_slices(found, refits=True))


def verdict(scores: ForecastScores) -> str:
    """What the intervals support, in words."""
    return "; ".join(_claims(scores))


def _claims(scores: ForecastScores) -> Iterable[str]:
    mase, direction = scores.mase, scores.direction_drawn
    said = f"MASE {_mase(*_of(mase))}"
    if not mase.excludes(1):
        yield f"{said}: errors neither smaller nor larger than naive's, as far as {scores.sessions} sessions tell"
    else:
        yield f"{said}: errors {'smaller' if mase.value < 1 else 'larger'} than naive's by more than luck"
    calls = f"direction {percent(*_of(direction))}"
    if direction.excludes(scores.up_share):
        yield f"{calls}, {'above' if direction.value > scores.up_share else 'below'} the {scores.up_share:.1%} of “always up”"
    else:
        yield f"{calls}: could be luck beside the {scores.up_share:.1%} of “always up”"
