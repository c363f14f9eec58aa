"""From a replay to a real season: the change of the registry, and whether all is there that it needs. Nothing is ordered here."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from my_dagster_project.foundation.calendar import load_calendar
from my_dagster_project.foundation.errors import ConfigError, ObjectMissingError, TradingError
from my_dagster_project.foundation.settings import Settings
from my_dagster_project.pipeline.resources import MarketDataResource, all_resources
from my_dagster_project.storage.opening import open_store
from my_dagster_project.teams.loading import load_registry
from my_dagster_project.teams.platform import Platform, load_platform
from my_dagster_project.teams.registry import Registry
from my_dagster_project.teams.sources import REGISTRY_PATH, Sources
from my_dagster_project.trading.modes import mode_of

_AHEAD = timedelta(days=366)
_LOOKED_AT = timedelta(days=14)
NEXT_MONDAY = "next-monday"
_ACCOUNT_OF = "account of "
_ACCOUNTS = ".trading/planned-accounts.json"


class Check(NamedTuple):
    """What was looked at, whether it will do, and what to do where it does not."""

    what: str
    well: bool
    said: str
    account: str = ""
    """The id that an account outside has there, by which it is known again."""


def planned_registry(text: str, source: str, start: date, symbols: Sequence[str]) -> str:
    """The registry's text with a live source, its symbols, the first session and the real clock; all else as it was."""
    live = _with(_with(text, "market", "source", source), "market", "end", None)
    if symbols:
        live = _with(live, "market", "symbols", f"[{', '.join(symbols)}]")
    live = _with(_with(live, "market", "path", None), "competition", "start", start.isoformat())
    without = re.sub(r"(?m)^season:.*\n(?:[ \t]+.*\n|\n(?=[ \t]))*", "", live)
    return f"{without.rstrip()}\n\nseason: {{clock: real}}\n"


def first_session(said: str, registry: Registry, now: datetime | None = None) -> date:
    """The session that a date names, or of the next Monday the first one from it on; raises ConfigError."""
    today = (now or datetime.now(UTC)).date()
    try:
        day = date.fromisoformat(said) if said != NEXT_MONDAY else today + timedelta(days=7 - today.weekday())
    except ValueError:
        raise ConfigError(f"--start {said}: a date like 2026-09-07, or {NEXT_MONDAY}") from None
    calendar = load_calendar(registry.calendar)
    return day if calendar.is_session(day) else calendar.next_session(day)


def checks(text: str, sources: Sources, settings: Settings) -> Iterator[Check]:
    """All that a season of this registry needs, one after the other; only reads."""
    registry = load_registry(text, REGISTRY_PATH)
    yield Check("registry", True, f"from {registry.competition.start} on, bars from {registry.market.source}")
    yield _calendar(registry)
    platform = load_platform(replace(sources, registry=replace(sources.registry, text=text)))
    for team in registry.teams:
        problem = platform.problems.get(team, "")
        yield Check(f"file of {team}", not problem, problem or platform.origin(team))
    for symbol in platform.symbols:
        yield _bars(platform, settings, symbol)
    known, taken = planned_accounts(settings), dict[str, str]()
    for team in platform.teams:
        yield _account(platform, settings, team, known, taken)


def planned_accounts(settings: Settings) -> dict[str, str]:
    """By team the id of its account when a season was last planned in writing; raises StorageError."""
    store = open_store(settings.store_url, settings.s3)
    with suppress(ObjectMissingError):
        return dict(json.loads(store.get(_ACCOUNTS)))
    return {}


def keep_accounts(settings: Settings, found: Iterable[Check]) -> None:
    """Write down which accounts the season is planned with; those that were known stay. Raises StorageError."""
    new = {check.what.removeprefix(_ACCOUNT_OF): check.account for check in found if check.account}
    if new:
        body = json.dumps(new | planned_accounts(settings), indent=1, sort_keys=True)
        open_store(settings.store_url, settings.s3).put(_ACCOUNTS, body.encode())


def _calendar(registry: Registry) -> Check:
    last, needed = load_calendar(registry.calendar).last, registry.competition.start + _AHEAD
    said = f"{registry.calendar} is known to {last}"
    more = (
        ""
        if last >= needed
        else f"; extend it with `python -m my_dagster_project.foundation.calendar_build {registry.calendar}`"
    )
    return Check("calendar", last >= needed, said + more)


def _bars(platform: Platform, settings: Settings, symbol: str) -> Check:
    market, today = platform.registry.market, datetime.now(UTC).date()

    def look() -> tuple[str, str]:
        source = MarketDataResource.from_registry(market, settings).source()
        found = source.fetch(symbol, today - _LOOKED_AT, today)
        if not len(found):
            raise ConfigError(f"{market.source} has no bars of the last {_LOOKED_AT.days} days")
        return f"{len(found)} bars of the last {_LOOKED_AT.days} days", ""

    return _tried(f"bars of {symbol}", look)


def _account(
    platform: Platform, settings: Settings, team: str, known: Mapping[str, str], taken: dict[str, str]
) -> Check:
    """Whether the team's account can be begun with; `known` and `taken` are ids by team and teams by id."""
    entry, broker = platform.registry.teams[team], all_resources(platform, settings).broker
    cash = Decimal(str(platform.registry.competition.starting_cash))

    def look() -> tuple[str, str]:
        mode = mode_of(entry, platform.teams[team], broker_url=broker.url)
        if mode.mode == "off":
            return f"trading is {mode}", ""
        if broker.is_bundled:
            return "at the bundled broker, made with the starting cash when the season begins", ""
        account = broker.open(team, entry.account)
        now = account.account()
        wrong = [f"it is blocked: {now.blocked}"] if now.blocked else []
        if known.get(team, now.id) != now.id:
            wrong.append(
                f"it is {now.id}, another one than the season was planned with ({known[team]}; {_ACCOUNTS} in the store)"
            )
        if (other := taken.setdefault(now.id, team)) != team:
            wrong.append(f"it is the account of team {other}")
        wrong += [f"it holds {one.qty} {one.symbol}" for one in account.positions()]
        wrong += [] if now.equity == cash else [f"its equity is {now.equity}, not the starting cash {cash}"]
        if wrong:
            raise ConfigError(
                f"account {entry.account}: {'; '.join(wrong)}; a season begins with a paper account of the team's own, fresh"
            )
        return f"account {entry.account} ({now.id}) is flat and has {cash}", now.id

    return _tried(f"{_ACCOUNT_OF}{team}", look)


def _tried(what: str, look: Callable[[], tuple[str, str]]) -> Check:
    try:
        return Check(what, True, *look())
    except TradingError as error:
        return Check(what, False, str(error))


def _with(text: str, section: str, key: str, value: str | None) -> str:
    """The text with a key of a section set, its comment kept, or (None) taken out."""
    found = re.search(rf"(?m)^{section}:[^\n]*\n((?:[ \t]+[^\n]*\n|[ \t]*#[^\n]*\n|\n)*)", text)
    if found is None:
        raise ConfigError(f"{REGISTRY_PATH}: there is no section {section} written line by line")
    line = re.compile(rf"(?m)^  {key}:[^#\n]*(#[^\n]*)?\n(?:  -[^\n]*\n|   +[^\n]*\n)*")
    block = found[1]
    if value is None:
        new = line.sub("", block)
    elif line.search(block):
        new = line.sub(
            lambda old: f"  {key}: {value}".ljust(36 if old[1] else 0) + (old[1] or "") + "\n", block
        )
    else:
        new = f"  {key}: {value}\n{block}"
    return text[: found.start(1)] + new + text[found.end(1) :]
