"""Who may see what is a team's."""

from dataclasses import replace
from datetime import date

import pytest

from my_dagster_project.foundation.settings import load_settings
from my_dagster_project.teams import visibility
from my_dagster_project.teams.visibility import Sight
from tests.support.deployment import write_project


@pytest.fixture
def settings(tmp_path, monkeypatch):
    write_project(tmp_path, ["red", "blue"], ["AAPL"], date(2025, 9, 2))
    monkeypatch.setattr(visibility, "_SECONDS", -1.0)
    return replace(load_settings(), project=tmp_path, proxy_names_user=True)


def say(settings, words: str) -> None:
    file = settings.project / "configs" / "teams.yaml"
    file.write_text(f"{file.read_text().partition('visibility')[0]}{words}\n")


def seen(sight: Sight) -> str:
    people = ("", "{http.auth.user.id}", "teams", "red", "blue", "organiser", "platform")
    return " ".join(user or "nobody" for user in people if sight.may_see(user, "red"))


def test_a_team_its_own_the_organiser_everything_and_in_an_open_competition_everybody(settings):
    sight = Sight(settings)
    everybody = "nobody {http.auth.user.id} teams red blue organiser platform"
    assert seen(sight) == everybody
    say(settings, "visibility: own")
    assert seen(sight) == "red organiser platform"
    # What cannot be read is as it was.
    say(settings, "visibility: [")
    assert seen(sight) == "red organiser platform" == seen(Sight(settings))
    say(settings, "visibility: open")
    assert seen(sight) == everybody
    assert seen(Sight(replace(settings, proxy_names_user=False))) == everybody
