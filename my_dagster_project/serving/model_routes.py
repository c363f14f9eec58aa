"""The routes over the models that are served. `GET /docs` describes them; errors are JSON with one sentence, or one per field."""

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

from my_dagster_project.foundation.settings import Settings
from my_dagster_project.foundation.sign_in import user_of
from my_dagster_project.serving.bodies import (
    TOO_LARGE,
    Answers,
    Asked,
    Card,
    PastPrediction,
    Problem,
    TeamModels,
)
from my_dagster_project.serving.catalogue import Place
from my_dagster_project.serving.past import past_predictions
from my_dagster_project.serving.service import Service
from my_dagster_project.teams.visibility import Sight

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import APIRouter

_AT_ONCE = 20
"""Rows that are answered where the request is handled (0.05 ms each); more would keep others waiting."""


class NotTheirsError(Exception):
    """Somebody asks for what is another team's, where each sees its own only."""


def teams_router(service: Service, settings: Settings) -> "APIRouter":
    """The routes of teams and symbols."""
    from fastapi import APIRouter, Query, Request
    from starlette.concurrency import run_in_threadpool

    sight = Sight(settings)
    router = APIRouter(tags=["models"])
    said: dict[int | str, dict[str, Any]] = {code: {"model": Problem} for code in (401, 404, 409, 422, 503)}

    def place_of(request: Request, team: str, symbol: str) -> Place:
        require_seen(sight, request, settings, team)
        return Place(team, symbol)

    @router.get("/teams", summary="What is served")
    def teams(request: Request) -> list[TeamModels]:
        platform, user = service.catalogue.platform(), user_of(request, settings)
        return [
            TeamModels(team=name, kind=config.kind.name, target=config.target, symbols=list(config.symbols))
            for name, config in platform.teams.items()
            if sight.may_see(user, name)
        ]

    @router.get("/teams/{team}/symbols/{symbol}", responses=said, summary="Model card")
    def card(request: Request, team: str, symbol: str) -> Card:
        return service.card(place_of(request, team, symbol))

    @router.post(
        "/teams/{team}/symbols/{symbol}/predict", responses=said | {413: TOO_LARGE}, summary="Predict"
    )
    async def predict(request: Request, team: str, symbol: str, asked: Asked) -> Answers:
        place = place_of(request, team, symbol)
        model = service.at_hand(place)
        if model is None:
            model = await run_in_threadpool(service.model, place)
        if asked.latest:
            return await run_in_threadpool(service.of_newest, place, model)
        rows = asked.rows if asked.row is None else [asked.row]
        if model.manifest.exported and len(rows or ()) <= _AT_ONCE:
            return service.of_rows(place, model, rows or [])
        return await run_in_threadpool(service.of_rows, place, model, rows or [])

    @router.get(
        "/teams/{team}/symbols/{symbol}/predictions",
        responses=said,
        summary="What was predicted as of each day, and what came",
    )
    def predictions(
        request: Request,
        team: str,
        symbol: str,
        first: Annotated[date | None, Query(alias="from", description="First session.")] = None,
        last: Annotated[date | None, Query(alias="to", description="Last session.")] = None,
    ) -> list[PastPrediction]:
        place = place_of(request, team, symbol)
        service.catalogue.require(place)
        rows = past_predictions(service.catalogue.assets, place, first, last)
        return [PastPrediction(**row) for row in rows]

    @router.get(
        "/teams/{team}/symbols/{symbol}/newest", responses=said, summary="The newest session's inputs"
    )
    def newest(request: Request, team: str, symbol: str) -> dict[str, Any]:
        place = place_of(request, team, symbol)
        return service.newest_row(place, service.model(place))

    return router


def require_seen(sight: Sight, request: Any, settings: Settings, team: str) -> None:
    """Raise NotTheirsError unless whoever asks may see what is the team's."""
    if not sight.may_see(user_of(request, settings), team):
        raise NotTheirsError


def health_router(service: Service, count_all: "Callable[[], bytes]") -> "APIRouter":
    """Whether it lives, whether it can answer, and its counts for Prometheus."""
    from fastapi import APIRouter, Response
    from prometheus_client import CONTENT_TYPE_LATEST

    router = APIRouter(tags=["operation"])

    @router.get("/health/live", summary="That this process answers")
    def live() -> dict[str, str]:
        return {"status": "live"}

    @router.get(
        "/health/ready", responses={503: {"model": Problem}}, summary="That the teams' files are read"
    )
    def ready() -> dict[str, Any]:
        platform = service.catalogue.platform()
        problems = {"/".join(place): why for place, why in service.shelf.problems().items()}
        return {"status": "ready", "teams": len(platform.teams), "problems": problems}

    @router.get("/metrics", summary="Counts for Prometheus", response_class=Response)
    def metrics() -> Response:
        return Response(count_all(), media_type=CONTENT_TYPE_LATEST)

    return router
