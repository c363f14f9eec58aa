"""What is listed in several places is declared in one; these tests fail when a place forgets one."""

import json
from dataclasses import fields
from itertools import repeat
from pathlib import Path
from typing import get_args

import pytest

from my_dagster_project.domain.leaderboard import HOUSE_TEAMS
from my_dagster_project.domain.limits import Limits as PlannedLimits
from my_dagster_project.domain.strategies import STRATEGIES
from my_dagster_project.domain.targets import ANSWERS, TARGETS
from my_dagster_project.foundation.settings import settings_from
from my_dagster_project.market_data.source_kinds import SOURCES
from my_dagster_project.models.kinds.ludwig.ludwig_input import OUTPUT_TYPE
from my_dagster_project.notifications.delivery import SENDERS
from my_dagster_project.notifications.outbox import Letter, Outbox
from my_dagster_project.teams.registry import Market, TeamEntry
from my_dagster_project.teams.registry_names import RESERVED_TEAMS
from my_dagster_project.teams.sections import StrategyName
from my_dagster_project.teams.team_limits import Limits, TradingLimits

PROJECT = Path(__file__).parents[1]
SCHEMA = json.loads((PROJECT / "configs/schema/team.schema.json").read_text())
SECRETS = (PROJECT / ".env.secrets.template").read_text()


def test_every_source_can_be_made_and_named():
    assert get_args(Market.model_fields["source"].annotation) == tuple(SOURCES)


@pytest.mark.parametrize("name", SOURCES)
def test_what_a_source_needs_can_be_given(name):
    terms = SOURCES[name]
    assert set(terms.options) <= Market.model_fields.keys()
    assert terms.needed.keys() <= set(terms.options)
    assert all(variable in SECRETS for variable in (terms.key, terms.secret))


def test_every_channel_has_a_sender_and_a_variable():
    assert all(f"NOTIFY_RED_{channel.upper()}" in SECRETS for channel in SENDERS)


def test_a_channel_is_one_row(monkeypatch, tmp_path):
    sent = []
    monkeypatch.setitem(SENDERS, "chat", lambda *what: sent.append(what[:3]))
    settings = settings_from({"TRADING_HOME": str(tmp_path), "NOTIFY_DEEP_BLUE_CHAT": "room 7"}, PROJECT)
    letter = Letter(to="deep-blue", by="chat", subject="News", text="red traded", written=0, due=0)
    outbox = Outbox(letters=[letter])
    assert outbox.deliver(settings, 1, repeat(True)) == []
    assert (sent, outbox.letters) == ([("room 7", "News", "red traded")], [])


def test_every_strategy_can_be_named_and_is_explained_to_editors():
    assert get_args(StrategyName) == tuple(STRATEGIES)
    known = SCHEMA["properties"]["trading"]["properties"]["strategy"]
    assert known["enum"] == list(STRATEGIES)
    assert all(one.says in known["description"] for one in STRATEGIES.values())


def test_every_limit_is_the_organisers_and_may_be_a_teams():
    names = [one.name for one in fields(PlannedLimits)]
    assert list(Limits.model_fields) == list(TradingLimits.model_fields) == names
    assert list(SCHEMA["properties"]["trading"]["properties"]["limits"]["properties"]) == names
    assert TradingLimits().model_dump() == dict.fromkeys(names)
    assert all(
        value is not None for value in TeamEntry(branch="red", account="RED").limits.model_dump().values()
    )


def test_a_team_sets_a_limit_within_the_organisers_bounds():
    for name in Limits.model_fields:
        with pytest.raises(ValueError, match=name):
            TradingLimits(**{name: 0})
        assert getattr(TradingLimits(**{name: 1}), name) == 1


def test_every_target_is_learned_and_offered():
    assert tuple(OUTPUT_TYPE) == tuple(ANSWERS) == TARGETS
    assert SCHEMA["properties"]["target"]["enum"] == list(TARGETS)


def test_no_team_has_the_name_of_a_house_team():
    assert set(HOUSE_TEAMS) <= RESERVED_TEAMS
