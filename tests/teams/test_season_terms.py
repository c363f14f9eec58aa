"""What is fixed when a season begins stays: the registry may change in everything else."""

from datetime import date

import pytest

from my_dagster_project.foundation.errors import SeasonError
from my_dagster_project.storage.season import State
from my_dagster_project.teams.loading import load_registry
from my_dagster_project.teams.season_terms import first_state, require_terms
from tests.teams.helpers import edited

SECTION = ("competition:", "season: {clock: {lapse: {session_every: 1s}}}\ncompetition:")
FIRST = date(2012, 12, 3)
FIXED = {
    "market.source": ("source: sample ", "source: csv\n  path: prices "),
    "market.symbols": ("symbols: [AAPL, GOOG,", "symbols: [GOOG,"),
    "competition.start": ("start: 2012-12-03", "start: 2012-11-30"),
    "competition.starting_cash": ("starting_cash: 100000", "starting_cash: 100001"),
    "competition.cost_bps": ("cost_bps: 5", "cost_bps: 4"),
    "competition.borrow_fee": ("cost_bps: 5", "borrow_fee: 0.1\n  cost_bps: 5"),
    "season.clock": ("clock: {lapse: {session_every: 1s}}", "clock: real"),
}
FREE = {
    "the pace": ("session_every: 1s", "session_every: 5m"),
    "a limit": ("order_value: 50000", "order_value: 60000"),
    "who is told": ("platform_branch:", "notify: [failure]\nplatform_branch:"),
    "what is accepted": ("market:", "market:\n  accepted: {IBM: [2012-10-29]}"),
    "a source's patience": ("market:", "market:\n  timeout: 5.0"),
}


@pytest.fixture(scope="module")
def state() -> State:
    return first_state("autumn", load_registry(edited("teams", SECTION)))


def test_a_lapse_begins_with_the_competition_and_ends_with_the_market(state):
    assert (state.session, state.first, state.last, state.session_every) == (
        FIRST,
        FIRST,
        date(2013, 3, 1),
        1.0,
    )


@pytest.mark.parametrize("key", FIXED)
def test_a_changed_term_is_named_with_what_it_was(state, key):
    registry = load_registry(edited("teams", SECTION, FIXED[key]))
    with pytest.raises(
        SeasonError, match=rf"season autumn goes on by the terms it began with.*{key}: .* \(now "
    ):
        require_terms(state, registry)


@pytest.mark.parametrize("what", FREE)
def test_everything_else_may_change(state, what):
    require_terms(state, load_registry(edited("teams", SECTION, FREE[what])))
