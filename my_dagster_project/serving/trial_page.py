"""A page to try a prediction by hand, beside the last sixty predictions against what came."""

from typing import TYPE_CHECKING, Any

from my_dagster_project.foundation.errors import ObjectMissingError, TradingError
from my_dagster_project.foundation.settings import Settings
from my_dagster_project.foundation.sign_in import user_of
from my_dagster_project.people.front.links import Links
from my_dagster_project.people.front.script_answer import script_answer
from my_dagster_project.people.front.security import headers
from my_dagster_project.people.front.trial_html import TrialInput, TrialPage, trial_html
from my_dagster_project.serving.bodies import Card
from my_dagster_project.serving.catalogue import Place
from my_dagster_project.serving.model_routes import require_seen
from my_dagster_project.serving.past import past_predictions
from my_dagster_project.serving.service import Service
from my_dagster_project.teams.visibility import Sight

if TYPE_CHECKING:
    from fastapi import APIRouter

_SESSIONS = 60


def page_router(service: Service, settings: Settings) -> "APIRouter":
    """The page's routes; none of them is a part of the API."""
    from fastapi import APIRouter, Request, Response
    from fastapi.responses import HTMLResponse

    links, sight = Links.from_settings(settings), Sight(settings)
    router = APIRouter(include_in_schema=False)

    def seen(request: Request) -> dict[str, list[str]]:
        user, teams = user_of(request, settings), service.catalogue.platform().teams
        return {name: list(one.symbols) for name, one in teams.items() if sight.may_see(user, name)}

    @router.get("/")
    def first(request: Request) -> HTMLResponse:
        teams = seen(request)
        if not teams:
            raise ObjectMissingError("There is no team to try a prediction of here.")
        team = next(iter(teams))
        return page(request, team, teams[team][0])

    @router.get("/try/{team}/{symbol}")
    def page(request: Request, team: str, symbol: str) -> HTMLResponse:
        require_seen(sight, request, settings, team)
        html = trial_html(links, _page(service, Place(team, symbol), seen(request)))
        return HTMLResponse(html, headers=headers())

    @router.get("/static/{name}")
    def static(name: str) -> Response:
        return script_answer(name)

    return router


def _page(service: Service, place: Place, teams: dict[str, list[str]]) -> TrialPage:
    """What can be said of a place; raises ObjectMissingError for none of ours."""
    service.catalogue.require(place)
    try:
        card, row = service.card(place), service.newest_row(place, service.model(place))
    except TradingError as error:
        return TrialPage(*place, teams, problem=str(error))
    past = past_predictions(service.catalogue.assets, place, most=_SESSIONS)
    return TrialPage(
        *place,
        teams,
        facts=_facts(card),
        inputs=[
            TrialInput(one.name, one.type, one.unit, row[one.name], one.categories or ())
            for one in card.inputs
        ],
        past=[(str(one["target_session"]), one["predicted_return"], one["actual_return"]) for one in past],
        problem=card.problem or "",
    )


def _facts(card: Card) -> dict[str, str]:
    figures = card.figures
    known: dict[str, Any] = {
        "kind": card.kind,
        "trained through": card.model.trained_through,
        "refit of": card.model.refit,
        "answered by": card.model.engine,
        "MASE (1 is naive)": None if figures.mase is None else f"{figures.mase:.3f} of {figures.n} sessions",
        "direction right": None
        if figures.direction is None or figures.direction_low is None or figures.direction_high is None
        else f"{figures.direction:.0%} [{figures.direction_low:.0%}, {figures.direction_high:.0%}]",
        "configuration": card.configuration.config_sha,
        "version": card.configuration.version and card.configuration.version[:10],
    }
    return {name: str(value) for name, value in known.items() if value}
