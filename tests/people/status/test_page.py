import json
from datetime import UTC, date, datetime

from my_dagster_project.domain import plain_json
from my_dagster_project.people.status.page import (
    Check,
    StatusPage,
    SymbolStatus,
    TeamStatus,
    chain_of_symbols,
)

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def symbol(name, state="ok"):
    return SymbolStatus(
        name,
        dict.fromkeys(chain_of_symbols(), state == "ok"),
        date(2026, 11, 19),
        0.99,
        60,
        Check(name, state, state),
    )


def page(*services, teams=()):
    return StatusPage(NOW, "America/New_York", None, services, teams=teams)


def team(*symbols, file="ok"):
    return TeamStatus(
        "red", "red at 1234", Check("configs/red.yaml", file, "said", "mend it"), symbols=symbols
    )


def test_all_well():
    one = page(
        Check("MLflow", "ok", "answers"), Check("Dagit", "off", "not running"), teams=(team(symbol("IBM")),)
    )
    assert (one.state, one.verdict) == ("ok", "Everything is well.")


def test_one_red_line_makes_the_page_red_and_is_counted():
    one = page(Check("MLflow", "red", "silent", "start it"), Check("disk", "warn", "full soon"))
    assert (one.state, one.verdict) == ("red", "1 thing needs somebody now.")
    assert one.lines("red") == [("", Check("MLflow", "red", "silent", "start it"))]


def test_symbols_that_are_due_share_one_line_and_a_red_one_has_its_own():
    one = team(*(symbol(f"S{n}", "warn") for n in range(50)), symbol("BAD", "red"))
    assert [check.state for check in one.checks] == ["ok", "warn", "red"]
    assert one.due.said.endswith("S10, S11 and 38 more")
    assert one.state == "red"


def test_the_page_as_json_holds_times_in_utc():
    one = page(Check("MLflow", "ok", "answers"), teams=(team(symbol("IBM"), file="red"),))
    told = json.loads(plain_json.to_text(one.to_plain()))
    assert told["at"] == "2026-11-20T12:00:00+00:00"
    assert told["state"] == told["teams"][0]["state"] == "red"
    assert told["teams"][0]["symbols"][0]["last_session"] == "2026-11-19"
