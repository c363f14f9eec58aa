"""The season on the front page: everybody sees its clock and what comes next, the organiser alone has a hand on it."""

from datetime import date

import pytest

from my_dagster_project.foundation.errors import SeasonError
from my_dagster_project.foundation.sign_in import USER_HEADER
from my_dagster_project.people.front.links import Links
from my_dagster_project.people.front.pages import home_html
from my_dagster_project.people.front.season_clock import act, refuse, season_clock
from my_dagster_project.storage.audit import newest
from my_dagster_project.storage.opening import open_store
from my_dagster_project.teams.deployment import season_book
from tests.support.lapse import lapse
from tests.support.waiting import wait_for

SESSION = date(2012, 12, 6)


@pytest.fixture
def lived(tmp_path):
    return lapse(tmp_path, SESSION)


def home(lived, **who) -> str:
    return home_html(Links("", "", ""), None, None, {}, season=season_clock(*lived), **who)


def test_a_visitor_sees_the_clock_and_what_comes_next_and_no_button(lived):
    page = home(lived, signs_in=True)
    for words in ("Thu 06 Dec 2012 16:00", "a lapse of recorded prices", "4 of 61, 57 to go", "2012-12-07"):
        assert words in page, words
    assert "Session Fri 07 Dec 2012 begins" in page
    assert 'data-refresh="5"' in page
    assert "/season/" not in page
    assert 'href="/sign-in"' in page


def test_the_organiser_pauses_hurries_and_goes_on_and_all_of_it_is_on_record(lived):
    platform, settings = lived
    assert 'action="/season/pause"' in home(lived, organiser=True)
    assert act("pause", "", platform, settings, "organiser").paused
    page = home(lived, organiser=True)
    assert 'action="/season/resume"' in page
    assert "after a resume" in page
    assert act("next", "2", platform, settings, "organiser").until == date(2012, 12, 7)
    assert act("speed", "10s", platform, settings, "organiser").session_every == 10
    assert "<option selected>10s</option>" in home(lived, organiser=True)
    assert not act("resume", "", platform, settings, "organiser").until
    for name, value in (("speed", "fast"), ("next", "-1"), ("next", "many")):
        with pytest.raises(SeasonError):
            act(name, value, platform, settings, "organiser")
    refuse("pause", settings, "red")
    assert [one.by for one in season_book(settings).log()] == ["olga", *["organiser"] * 4]


def test_a_season_that_has_ended_says_so(lived):
    _, settings = lived
    season_book(settings).set("olga", "ended", ended=True)
    page = home(lived, organiser=True)
    assert "The season has ended with session 2012-12-06" in page
    assert "/season/" not in page


@pytest.mark.parametrize("settings", ["folder"], indirect=True)
def test_who_is_not_the_organiser_is_refused_in_a_sentence(settings, open_front):
    # On a laptop whoever asks is the organiser; here no season is lived.
    assert open_front().post("/season/pause").status_code == 409
    front = open_front(proxy_names_user=True)
    for who in ("", "{http.auth.user.id}", "red", "teams"):
        answer = front.post("/season/pause", headers={USER_HEADER: who})
        assert (answer.status_code, "teams and visitors watch it" in answer.text) == (403, True)
    assert front.post("/season/pause", headers={USER_HEADER: "organiser"}).status_code == 409
    assert front.post("/season/stop", headers={USER_HEADER: "organiser"}).status_code == 404
    assert front.get("/season/pause").status_code in (404, 405)
    acts = newest_when(open_store(settings.store_url, settings.s3), 6)
    assert {one.outcome.partition(":")[0] for one in acts} == {"refused", "failed"}
    assert {one.door for one in acts} == {"front page"}


def newest_when(store, count: int):
    """The acts, which are noted beside, once all of them are there."""
    return wait_for(lambda: (acts := newest(store, 20)) and len(acts) == count and acts)
