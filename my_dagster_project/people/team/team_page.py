"""What a team's page says, as plain data: nothing here reads, fetches or draws."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from my_dagster_project.domain.leaderboard import Curves, TeamRow
from my_dagster_project.domain.scores.walked import Evaluation
from my_dagster_project.history.edits import Edit
from my_dagster_project.history.lineage import Origin
from my_dagster_project.people.team.coming_session import ComingSession, Forecast
from my_dagster_project.people.team.model_training import ModelTraining
from my_dagster_project.trading.fill_columns import SettledRow
from my_dagster_project.trading.journal import TeamJournal
from my_dagster_project.trading.session_money import SessionMoney
from my_dagster_project.trading.watch import AccountState


@dataclass(frozen=True)
class ScoredPrediction:
    """A prediction of a team beside what came: dollars at the scale of `session`, log returns, `hit` 1 or 0.

    None where there is no such figure: a model that answers with probabilities predicts no close.
    """

    team: str
    symbol: str
    session: date
    target: date
    close: float | None
    predicted_close: float | None
    actual_close: float | None
    predicted_return: float | None
    actual_return: float | None
    probability_up: float | None
    hit: float | None


@dataclass(frozen=True)
class TeamPage:
    """Everything about one team up to the exchange's clock; `curves` are its equity and the house's that buys and holds,
    `standing` its row of the table.

    A part that could not be read is empty, and `silent` says why, by its name.
    """

    team: str
    symbols: tuple[str, ...] = ()
    branch: str = ""
    origin: str = ""
    starting_cash: float = 0.0
    coming: ComingSession = field(default_factory=ComingSession)
    account: AccountState | None = None
    trips: TeamJournal = field(default_factory=TeamJournal)
    scored: Mapping[str, Sequence[ScoredPrediction]] = field(default_factory=dict)
    fills: tuple[SettledRow, ...] = ()
    edits: tuple[Edit, ...] = ()
    curves: Curves = field(default_factory=dict)
    money: tuple[SessionMoney, ...] = ()
    evaluation: Evaluation | None = None
    trainings: Mapping[str, ModelTraining] = field(default_factory=dict)
    lineage: tuple[Origin, ...] = ()
    standing: TeamRow | None = None
    silent: Mapping[str, str] = field(default_factory=dict)

    @property
    def predictions(self) -> list[ScoredPrediction]:
        """Every prediction by symbol, oldest first, with the newest ones of which nobody knows yet what comes."""
        return [
            one for symbol in self.symbols for one in (*self.scored.get(symbol, ()), *self._pending(symbol))
        ]

    def _pending(self, symbol: str) -> list[ScoredPrediction]:
        coming = self.coming
        if coming.session is None or coming.target is None:
            return []
        if any(one.session == coming.session for one in self.scored.get(symbol, ())):
            return []
        told = next((one for one in coming.forecasts if one.symbol == symbol and one.signal), None)
        return [_unscored(self.team, told, coming.session, coming.target)] if told else []


def _unscored(team: str, forecast: Forecast, session: date, target: date) -> ScoredPrediction:
    return ScoredPrediction(
        team,
        forecast.symbol,
        session,
        target,
        close=forecast.close,
        predicted_close=forecast.predicted_close,
        actual_close=None,
        predicted_return=forecast.predicted_return,
        actual_return=None,
        probability_up=forecast.probability_up,
        hit=None,
    )
