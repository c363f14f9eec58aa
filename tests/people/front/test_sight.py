"""`visibility: own` on the front: a team's pages are for the team and the organiser, the leaderboard is everybody's."""

from dataclasses import replace

import pytest

from my_dagster_project.foundation.sign_in import USER_HEADER
from my_dagster_project.teams import visibility
from tests.people.front.conftest import client_of, filled

OF_RED = ("/teams/red", "/teams/red/fills.csv", "/reports/red/IBM", "/reports/red/IBM/report.json")
NOBODY = "{http.auth.user.id}"


@pytest.fixture
def front(tmp_path, monkeypatch):
    """A front behind Caddy, and how to ask it as somebody."""
    monkeypatch.setattr(visibility, "_SECONDS", -1.0)
    with filled(tmp_path, None) as settings:
        client = client_of(replace(settings, proxy_names_user=True))
        registry = settings.project / "configs" / "teams.yaml"

        def get(path: str, user: str):
            return client.get(path, headers={USER_HEADER: user})

        yield get, lambda words: registry.write_text(f"{registry.read_text()}\n{words}\n")


def test_a_teams_pages_are_for_the_team_and_the_organiser(front):
    get, write = front
    assert {get(path, NOBODY).status_code for path in OF_RED} == {200}
    assert get("/visibility", NOBODY).json() == {"visibility": "open"}
    write("visibility: own")
    for path in OF_RED:
        assert {get(path, user).status_code for user in ("red", "organiser")} == {200}, path
        for user in (NOBODY, "teams", "blue", ""):
            answer = get(path, user)
            assert (answer.status_code, answer.headers["www-authenticate"][:5]) == (401, "Basic"), path
            assert "a team sees its own only" in answer.text
    assert get("/visibility", NOBODY).json() == {"visibility": "own"}


def test_the_status_page_tells_a_team_its_own_and_the_leaderboard_everybody_all(front):
    get, write = front
    write("visibility: own")
    for user, seen in (("red", ["red"]), (NOBODY, []), ("organiser", ["red", "blue"])):
        assert [team["name"] for team in get("/status.json", user).json()["teams"]] == seen
        assert ('id="team-red"' in get("/status", user).text) == ("red" in seen)
        page = get("/", user).text
        assert "$101,000.00" in page
