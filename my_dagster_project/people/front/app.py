"""The front: leaderboard, status, teams, reports, and the door that a git host knocks at. It reads; only a push notice does anything."""

import logging
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from my_dagster_project.foundation.errors import ConfigError, ObjectMissingError, SeasonError, TradingError
from my_dagster_project.foundation.redaction import redact
from my_dagster_project.foundation.settings import Settings
from my_dagster_project.foundation.sign_in import ORGANISER, user_of
from my_dagster_project.people.front import hook
from my_dagster_project.people.front.asked_team import AskedTeam
from my_dagster_project.people.front.links import Links
from my_dagster_project.people.front.pages import (
    REFRESH_SECONDS,
    audit_html,
    home_html,
    message_html,
    status_html,
)
from my_dagster_project.people.front.reports import PAGE, ReportFile, Reports
from my_dagster_project.people.front.script_answer import script_answer
from my_dagster_project.people.front.season_clock import ACTS, TO_WATCH, act, refuse
from my_dagster_project.people.front.security import REPORT_POLICY, headers
from my_dagster_project.people.front.snapshots import Snapshot, Snapshots
from my_dagster_project.people.front.team_html import team_html
from my_dagster_project.people.front.team_pages import TeamPages
from my_dagster_project.people.status.page import StatusPage
from my_dagster_project.teams.visibility import Sight

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import FastAPI, Request, Response

    type Show = Callable[[Request], Response]

_log = logging.getLogger(__name__)
_LOOK = ["GET", "HEAD"]
_SOON = 3
_ACTS = 200


class Front:
    """The routes over one deployment."""

    def __init__(self, settings: Settings) -> None:
        from my_dagster_project.people.front.gathering import Gatherer

        self._settings = settings
        self._links = Links.from_settings(settings, served=True)
        self._snapshots = Snapshots(Gatherer(settings).snapshot)
        self._asked = AskedTeam(settings)
        self._sight = Sight(settings)
        self._reports = Reports(settings, self._asked)
        self._teams = TeamPages(settings, self._asked)

    def home(self, request: "Request") -> "Response":
        """The leaderboard, and where a season is lived its clock; the organiser's hand on it for the organiser."""
        now = self._seen_by(request)
        if now is None:
            return self._being_made()
        return _html(
            home_html(
                self._links,
                now.page,
                now.board,
                now.curves,
                why=now.why,
                age=now.age,
                season=now.season,
                organiser=self._is_organiser(request),
                signs_in=self._settings.proxy_names_user and not self._user(request),
            )
        )

    def sign_in(self, _: "Request") -> "Response":
        """Back to the leaderboard: the proxy has asked for name and password on the way here."""
        return _to("/")

    async def season(self, request: "Request") -> "Response":
        """One of the organiser's acts on the season, then the leaderboard."""
        from starlette.concurrency import run_in_threadpool

        body = await request.body() if self._is_organiser(request) else b""
        form = parse_qs(body.decode(errors="replace"))
        value = form.get("value", [""])[0][:20]
        return await run_in_threadpool(self._act, request, request.path_params["act"], value)

    def _act(self, request: "Request", name: str, value: str) -> "Response":
        user = self._user(request)
        if name not in ACTS:
            raise ObjectMissingError(f"What is done to a season is {', '.join(ACTS)}.")
        if not self._is_organiser(request):
            refuse(name, self._settings, user)
            return self.message_page(403, "This is the organiser's", [TO_WATCH])
        try:
            act(name, value, self._asked.platform(), self._settings, user)
        except SeasonError as error:
            return self.message_page(409, "That was not done", [str(error)])
        self._snapshots.forget()
        return _to("/")

    def status(self, request: "Request") -> "Response":
        """The status page."""
        now = self._seen_by(request)
        if now is None:
            return self._being_made()
        if now.page is None:
            return self._broken(now)
        return _html(
            status_html(now.page, self._links, refresh=_SOON if now.age else REFRESH_SECONDS, age=now.age)
        )

    def status_json(self, request: "Request") -> "Response":
        """The status for programs: 200 whatever it says, 503 when it could not be found out."""
        from my_dagster_project.domain import plain_json

        now = self._seen_by(request)
        if now is None or now.page is None:
            said = now.broken if now else "the status is still being found out"
            return _text(plain_json.to_text({"state": "red", "verdict": said}), 503, "application/json")
        return _text(redact(plain_json.to_text(now.page.to_plain())), 200, "application/json")

    def static(self, request: "Request") -> "Response":
        """A script of the pages."""
        return script_answer(request.path_params["name"])

    def report(self, request: "Request") -> "Response":
        """A file of a report; the page itself when none is named."""
        from fastapi import Response

        asked = request.path_params
        found = self._reports.file(asked["team"], asked["symbol"], asked.get("name", PAGE))
        tag = f'"{found.md5}"'
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers(REPORT_POLICY) | {"ETag": tag})
        return Response(found.data, media_type=found.media_type, headers=_report_headers(found, tag))

    def of_team(self, show: "Show") -> "Show":
        """A page with a team in its path, once there is such a team: every page about one team goes through here."""

        def shown(request: "Request") -> "Response":
            self._asked.require(request.path_params["team"])
            user = self._user(request)
            return (
                show(request)
                if self._sight.may_see(user, request.path_params["team"])
                else self._not_theirs()
            )

        return shown

    def visibility(self, _: "Request") -> "Response":
        """What the registry says of who may look, for the other services."""
        return _text(f'{{"visibility": "{self._sight.visibility}"}}', 200, "application/json")

    def _seen_by(self, request: "Request") -> Snapshot | None:
        """The newest snapshot without the teams that are not for this person to see."""
        now, user = self._snapshots.get(), self._user(request)
        if now is None or now.page is None:
            return now
        teams = tuple(team for team in now.page.teams if self._sight.may_see(user, team.name))
        return replace(now, page=replace(now.page, teams=teams))

    def _not_theirs(self) -> "Response":
        """Asks who looks: whoever is signed in as somebody else may sign in anew."""
        said = [
            "In this competition a team sees its own only. Sign in with your team's name and its password."
        ]
        answer = self.message_page(401, "This is for its team to see", said)
        answer.headers["WWW-Authenticate"] = 'Basic realm="trading"'
        return answer

    def team(self, request: "Request") -> "Response":
        """A team's own page."""
        newest = self._teams.page(request.path_params["team"], self._status_page())
        if newest is None:
            return self._being_made()
        return _html(team_html(self._links, newest.page, newest.status, age=newest.age))

    def download(self, request: "Request") -> "Response":
        """A table of a team's page as CSV."""
        from fastapi import Response

        team, file = request.path_params["team"], request.path_params["file"]
        text = self._teams.download(team, file, self._status_page())
        if text is None:
            return self._being_made()
        named = {"Content-Disposition": f'attachment; filename="{team}-{file}"'}
        return Response(redact(text), media_type="text/csv", headers=headers() | named)

    def _status_page(self) -> StatusPage | None:
        """The newest status page there is, unless that is old: a team's page is not to wait for Dagster's book."""
        now = self._snapshots.get(0) or self._snapshots.get()
        return now.page if now else None

    def audit(self, request: "Request") -> "Response":
        """Who did what; the organiser's."""
        from my_dagster_project.storage.audit import newest
        from my_dagster_project.storage.opening import open_assets

        if not self._is_organiser(request):
            return self.message_page(403, "This page is the organiser's", ["It says who did what."])
        store = open_assets(self._settings.store_url, self._settings.dvc_url).store
        return _html(audit_html(self._links, newest(store, _ACTS)))

    async def push(self, request: "Request") -> "Response":
        """A git host's notice of a push."""
        code, said = await hook.answer(request, self._settings)
        return _text(said + "\n", code)

    def health(self, _: "Request") -> "Response":
        """That this process answers; asks nobody else."""
        return _text("ok\n", 200)

    def message_page(self, code: int, title: str, lines: list[str]) -> "Response":
        """A page that says what is the matter."""
        return _html(message_html(self._links, title, lines, "red" if code >= 500 else "warn"), code)

    def _user(self, request: "Request") -> str:
        return user_of(request, self._settings)

    def _is_organiser(self, request: "Request") -> bool:
        """On a laptop whoever asks is."""
        return self._user(request) == ORGANISER or not self._settings.proxy_names_user

    def _being_made(self) -> "Response":
        lines = ["The first look takes a few seconds after a start. This page loads itself again."]
        return _html(message_html(self._links, "One moment", lines, "ok", refresh=_SOON), 503)

    def _broken(self, now: Snapshot) -> "Response":
        return self.message_page(503, "The organiser's own files cannot be used", now.broken.splitlines())


def create_app(settings: Settings) -> "FastAPI":
    """The front as an ASGI application."""
    from fastapi import FastAPI

    front = Front(settings)
    app = FastAPI(title="Trading competition", openapi_url=None, docs_url=None, redoc_url=None)
    for path, page in {
        "/": front.home,
        "/status": front.status,
        "/status.json": front.status_json,
        "/static/{name}": front.static,
        "/audit": front.audit,
        "/sign-in": front.sign_in,
        "/healthz": front.health,
        "/visibility": front.visibility,
        "/teams/{team}": front.team,
        "/teams/{team}/{file}": front.download,
        "/reports/{team}/{symbol}": front.report,
        "/reports/{team}/{symbol}/{name:path}": front.report,
    }.items():
        app.add_route(path, front.of_team(page) if "{team}" in path else page, methods=_LOOK)
    app.add_route("/hooks/git", front.push, methods=["POST"])
    app.add_route("/season/{act}", front.season, methods=["POST"])
    _explain_errors(app, front)
    return app


def _explain_errors(app: "FastAPI", front: Front) -> None:
    """Every error as a page in plain words."""
    from starlette.exceptions import HTTPException

    def missing(_: "Request", error: Exception) -> "Response":
        return front.message_page(404, "There is nothing at this address", [str(error)])

    def misconfigured(_: "Request", error: Exception) -> "Response":
        return front.message_page(503, "The organiser's own files cannot be used", str(error).splitlines())

    def ours(_: "Request", error: Exception) -> "Response":
        return front.message_page(503, "That does not work at the moment", [str(error)])

    def http(_: "Request", error: Exception) -> "Response":
        code = error.status_code if isinstance(error, HTTPException) else 400
        if code == 405:
            return front.message_page(
                code, "That address does something else", ["It takes another kind of request."]
            )
        return front.message_page(
            code, "There is no such page", ["The leaderboard and the status page are above."]
        )

    def other(_: "Request", error: Exception) -> "Response":
        _log.error("A page failed.", exc_info=error)
        return front.message_page(
            500, "Something went wrong here", ["The front's log says what; other pages may work."]
        )

    app.add_exception_handler(ObjectMissingError, missing)
    app.add_exception_handler(ConfigError, misconfigured)
    app.add_exception_handler(TradingError, ours)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(Exception, other)


def _html(text: str, code: int = 200) -> "Response":
    from fastapi.responses import HTMLResponse

    return HTMLResponse(text, code, headers=headers())


def _to(address: str) -> "Response":
    from starlette.responses import RedirectResponse

    return RedirectResponse(address, 303, headers=headers())


def _text(text: str, code: int, media_type: str = "text/plain") -> "Response":
    from fastapi import Response

    return Response(text, code, media_type=media_type, headers=headers())


def _report_headers(found: ReportFile, tag: str) -> dict[str, str]:
    shown = headers(REPORT_POLICY) | {"ETag": tag}
    if found.media_type == "application/octet-stream":
        shown["Content-Disposition"] = "attachment"
    return shown
