"""The registry: valid as committed, and clear about what is wrong with it."""

import pytest

from my_dagster_project.foundation.errors import ConfigError
from my_dagster_project.teams.loading import load_registry
from tests.teams.helpers import edited, line_of, registry

CASES = {
    "an unknown key": ("platform_branch:", "platfrom_branch:", "platfrom_branch: unknown key (did you mean platform_branch?)"),
    "an unknown source": ("source: sample ", "source: yahoo ",
        'market.source: cannot be "yahoo"; one of sample, csv, alpha_vantage or alpaca'),
    "csv without a path": ("source: sample ", "source: csv ", "market: source csv needs path, the folder with one file per symbol", "market:"),
    "a path for the sample": ("  end: 2013-03-01", "  path: data\n  end: 2013-03-01", "market.path: belongs to source csv, not sample"),
    "a feed for the sample": ("  end: 2013-03-01", "  feed: iex\n  end: 2013-03-01", "market.feed: belongs to source alpaca, not sample"),
    "an end before the start": ("  end: 2013-03-01", "  end: 1999-03-01", "market.end: 1999-03-01 must be after start, 2000-03-01"),
    "a round that starts on a Sunday": ("  start: 2012-12-03", "  start: 2012-12-02",
        "competition.start: 2012-12-02 is no session of XNYS; the next one is 2012-12-03"),
    "a round after the data": ("  start: 2012-12-03", "  start: 2014-12-03",
        "competition.start: 2014-12-03 lies outside the market data, 2000-03-01 to 2013-03-01"),
    "a replay longer than the data": ("replay_sessions: 60", "replay_sessions: 61",
        "competition.replay_sessions: 61 sessions, but only 60 from 2012-12-03 have a known outcome"),
    "a season without a clock": ("competition:", "season: {}\ncompetition:", "season.clock: "),
    "a season by another clock": ("competition:", "season: {clock: fast}\ncompetition:", "season.clock: must be real, or {lapse: {session_every: 30s}}"),
    "a lapse without a pace": ("competition:", "season: {clock: {lapse: {}}}\ncompetition:", "season.clock.lapse.session_every: is missing"),
    "a lapse without an end": ("  end: 2013-03-01 ", "season: {clock: {lapse: {session_every: 1s}}} ", "season.clock: a lapse shows a recorded past"),
    "a lapse with a mistyped pace": ("competition:", "season: {clock: {lapse: {session_evry: 3s}}}\ncompetition:",
        "season.clock.lapse.session_evry: unknown key (did you mean session_every?)"),
    "a lapse of no duration": ("competition:", "season: {clock: {lapse: {session_every: fast}}}\ncompetition:",
        'season.clock.lapse.session_every: "fast" is no duration: a number and s, m or h, like 30s'),
    "a lapse that goes back": ("competition:", "season: {clock: {lapse: {session_every: -3s}}}\ncompetition:", "season.clock.lapse.session_every"),
    "an unknown calendar": ("calendar: XNYS", "calendar: XLON", "calendar: "),
    "cash as text": ("starting_cash: 100000", 'starting_cash: "100000"',
        'competition.starting_cash: must be a number, not "100000"; remove the quotes: 100000'),
    "a negative cost": ("cost_bps: 5", "cost_bps: -5", "competition.cost_bps: must be at least 0.0, not -5"),
    "a negative cost of a symbol": ("cost_bps: 5", "symbol_costs: {IBM: {cost_bps: -5}}\n  cost_bps: 5", "competition.symbol_costs.IBM.cost_bps: must be at least 0.0, not -5"),
    "an unknown cost of a symbol": ("cost_bps: 5", "symbol_costs: {IBM: {spread: 5}}\n  cost_bps: 5", "competition.symbol_costs.IBM.spread: unknown key"),
    "costs of what is no symbol": ("cost_bps: 5", "symbol_costs: {ibm: {impact: 5}}\n  cost_bps: 5", "competition.symbol_costs.ibm"),
    "a negative impact": ("cost_bps: 5", "impact: -1\n  cost_bps: 5", "competition.impact: must be at least 0.0, not -1"),
    "two teams on one branch": ("branch: blue", "branch: red", "teams.blue.branch: red is already that of red", "branch: red\n    owners: [blue"),
    "a team on the platform's branch": ("branch: blue", "branch: platform", "teams.blue.branch: platform is already that of the platform", "branch: platform\n    owners"),
    "two teams on one account": ("account: BLUE", "account: RED", "teams.blue.account: RED is already that of red", "account: RED\n    limits"),
    "a branch that is an option": ("branch: blue", "branch: --upload-pack=x", 'teams.blue.branch: "--upload-pack=x" is no branch name'),
    "a branch that walks up": ("branch: blue", "branch: a/../b", 'teams.blue.branch: "a/../b" is no branch name'),
    "a team on main": ("branch: blue", "branch: main", 'teams.blue.branch: "main" cannot be a team\'s branch'),
    "a team on HEAD": ("branch: blue", "branch: HEAD", 'teams.blue.branch: "HEAD" cannot be'),
    "a team on a head of git's own": ("branch: blue", "branch: CHERRY_PICK_HEAD", 'teams.blue.branch: "CHERRY_PICK_HEAD" cannot be'),
    "a team on what is stashed": ("branch: blue", "branch: stash", 'teams.blue.branch: "stash" cannot be'),
    "a branch that is a ref": ("branch: blue", "branch: refs/heads/blue", 'teams.blue.branch: "refs/heads/blue" cannot be'),
    "a branch below another's": ("branch: blue", "branch: red/x", "teams.blue.branch: red/x and red, that of red, cannot be beside each other"),
    "a branch that differs in case": ("branch: blue", "branch: Red", "teams.blue.branch: Red and red, that of red, cannot"),
    "a branch below the platform's": ("branch: blue", "branch: platform/x", "teams.blue.branch: platform/x and platform, that of the platform"),
    "a branch in what git locks": ("branch: blue", "branch: a.lock/b", 'teams.blue.branch: "a.lock/b" is no branch name'),
    "a branch like a commit": ("branch: blue", "branch: abcdef1234", 'teams.blue.branch: "abcdef1234" cannot be a team\'s branch: git could take'),  # pragma: allowlist secret
    "an owner that Dagster loads nothing of": ("owners: [blue@example.org]", "owners: [blue]", 'teams.blue.owners[0]: "blue" is no mail address'),
    "a symbol in small letters": ("symbols: [AAPL, GOOG", "symbols: [AAPL, goog", 'market.symbols[1]: "goog" is no symbol'),
    "a symbol twice": ("symbols: [AAPL, GOOG", "symbols: [AAPL, AAPL", "market.symbols[1]: AAPL is there twice"),
    "a symbol the sample has not": ("symbols: [AAPL, GOOG", "symbols: [APPL, GOOG", "market.symbols[0]: the sample data has no APPL (did you mean AAPL?)"),
    "accepted bars of what is no symbol": ("  end: 2013-03-01", "  accepted: {'[/]': [2012-10-29]}\n  end: 2013-03-01", "market.accepted.[/]"),
    "a frozen team there is not": ("cost_bps: 5", "frozen: {bleu: 1a2b3c4}\n  cost_bps: 5", "competition.frozen.bleu: is no team (did you mean blue?)"),
    "data from before the calendar": ("  start: 2000-03-01", "  start: 1600-03-01", "market.start: calendar XNYS: 1600-03-01 lies outside"),
    "data to after the calendar": ("  end: 2013-03-01", "  end: 9999-12-31", "market.end: calendar XNYS: 9999-12-31 lies outside"),
    "a lapse as fast as false": ("competition:", "season: {clock: {lapse: {session_every: false}}}\ncompetition:",
        "season.clock.lapse.session_every: false is no duration"),
    "a slot in small letters": ("account: BLUE", "account: blue",
        'teams.blue.account: "blue" is no slot name: capital letters, digits and _, like RED'),
    "a reserved team": ("  blue:\n", "  market:\n", "teams.market: is a name the platform uses itself; choose another"),
    "a team name that is a path": ("  blue:\n", "  ../x:\n", "teams.../x: is no team name"),
    "a share above one": ("position_share: 0.3,", "position_share: 3,", "teams.red.limits.position_share: must be at most 1.0, not 3"),
    "an unknown limit": ("order_value: 50000", "order_values: 50000",
        "teams.red.limits.order_values: unknown key (did you mean order_value?)"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_broken_registry_says_where_and_what(case):
    old, new, message, *where = case
    text = edited("teams", (old, new))
    with pytest.raises(ConfigError) as caught:
        load_registry(text, "configs/teams.yaml")
    line = line_of(text, where[0] if where else new)
    assert f"configs/teams.yaml:{line}: {message}" in str(caught.value)


def test_the_committed_registry_is_valid():
    assert set(registry().teams) == {"red", "blue"}
    assert registry().market.source == "sample"
    assert registry().teams["red"].limits.position_share == 0.3


def test_network_sources_have_their_own_options():
    text = edited(
        "teams", ("source: sample ", "source: alpaca\n  feed: iex\n  base_url: http://localhost:1 ")
    )
    market = load_registry(text).market
    assert (market.source, market.feed, market.base_url) == ("alpaca", "iex", "http://localhost:1")


def test_limits_have_defaults():
    text = edited("teams", ("    limits: {max_symbols: 10, position_share: 0.3, order_value: 50000}\n", ""))
    assert load_registry(text).teams["red"].limits == registry().teams["red"].limits
