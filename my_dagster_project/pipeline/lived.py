"""A season's session: the texts it was begun with, the runs it needs, what its teams missed.

The texts are kept with the session, so that whoever goes on with it after a crash goes on with the same ones: an edit counts
from the next session on. A replay of what was lived can be made from them.

    .trading/lived-texts/2012-12-03.json    every configuration text in force when the session closed
"""

from datetime import date

import dagster as dg

from my_dagster_project.foundation.errors import SeasonError
from my_dagster_project.foundation.settings import Settings
from my_dagster_project.pipeline.assets import keys
from my_dagster_project.pipeline.due import Due, open_session, recorded_sessions
from my_dagster_project.pipeline.pinning import platform_told, told_of
from my_dagster_project.pipeline.session_step import Asked, Step, session_step
from my_dagster_project.storage.opening import open_store
from my_dagster_project.storage.season import SeasonBook, State
from my_dagster_project.teams.deployment import current_platform, season_book
from my_dagster_project.teams.platform import Platform
from my_dagster_project.teams.season_terms import first_state, require_terms

_TEXTS = ".trading/lived-texts/"
LATER = "Team files changed: they count from the next session on, and the one at work is not closed."


def platform_of(state: State, settings: Settings) -> Platform:
    """The platform of the session at work: as it was when somebody first took the session up, who has it written down here.

    Raises SeasonError where the organiser has changed what is fixed while a season goes on; ConfigError for a broken registry.
    """
    store, key = open_store(settings.store_url, settings.s3), f"{_TEXTS}{state.session}.json"
    if not store.exists(key):
        keep_texts(state, current_platform(settings), settings)
    return platform_told(store.get(key).decode(), settings)


def keep_texts(state: State, platform: Platform, settings: Settings) -> None:
    """Write down what the session at work is begun with, unless it was begun; raises SeasonError as `platform_of`."""
    require_terms(state, platform.registry)
    store = open_store(settings.store_url, settings.s3)
    store.put_new(f"{_TEXTS}{state.session}.json", told_of(platform).encode())


def begin(platform: Platform, settings: Settings, by: str) -> State:
    """Begin the season of a platform's registry; raises SeasonError where its sessions were traded in this store before.

    They would be on record already, and none of them would be lived.
    """
    registry, store = platform.registry, open_store(settings.store_url, settings.s3)
    start = str(registry.competition.start)
    for team in registry.teams:
        names = [info.key.rpartition("/")[2] for info in store.list(f"{team}/orders/")]
        if traded := [name for name in names if name >= start]:
            raise SeasonError(
                f"session {traded[0].partition('.')[0]} was traded here by {team} without a season, and a season and a replay share no store: "
                "begin it in another one (on a laptop another TRADING_HOME, on the stack after `make wipe`)"
            )
    return season_book(settings).begin(first_state(f"of {start}", registry, platform.symbols), by)


def is_at_work(state: State | None, settings: Settings) -> bool:
    """Whether a session was begun and is not closed: what it is made of stays until then."""
    if state is None or state.ended:
        return False
    return open_store(settings.store_url, settings.s3).exists(f"{_TEXTS}{state.session}.json")


def session_is_open(settings: Settings) -> bool:
    """As `is_at_work`, of the season as it is now."""
    return is_at_work(season_book(settings).read(), settings)


def round_of(state: State) -> str:
    """What the runs of the session at work are tagged with."""
    return f"season {state.name} {state.session}"


def lived_step(platform: Platform, due: Due, state: State, asked: Asked) -> Step:
    """The next step of the session at work: only its own predictions and orders, and fills of the sessions before it.

    Without a next session there is nothing to decide; what the last orders came to is still recorded and scored.
    """
    decided = [str(state.session)] if open_session(platform) == state.session else []
    return session_step(platform, due, recorded_sessions(platform), asked, round_of(state), decided)


def missed(platform: Platform, instance: dg.DagsterInstance, session: date) -> dict[str, str]:
    """By team what it missed of the session at work, in words; nothing for one that has its orders on record.

    After the last session there are bars of nothing can be decided, nor missed.
    """
    if session == platform.registry.market.end:
        return {}
    found = {}
    for team in platform.registry.teams:
        if said := _missed_by(platform, instance, team, str(session)):
            found[team] = said
    return found


def close_session(
    season: SeasonBook, platform: Platform, instance: dg.DagsterInstance, state: State, by: str
) -> State:
    """Close the session at work, with what was missed of it; give the season after it. Raises SeasonMovedError as `SeasonBook.close`."""
    return season.close(platform.calendar, state.session, by, missed(platform, instance, state.session))


def _missed_by(platform: Platform, instance: dg.DagsterInstance, team: str, session: str) -> str:
    if team not in platform.teams:
        return "its file has a mistake, and there is no valid one before it"

    def lacks(key: dg.AssetKey) -> bool:
        return session not in instance.get_materialized_partitions(key)

    symbols = platform.teams[team].symbols
    unpredicted = [symbol for symbol in symbols if lacks(keys.predictions_key(team, symbol))]
    said = [f"no prediction of {', '.join(unpredicted)}"] if unpredicted else []
    return ", ".join([*said, "no orders"] if lacks(keys.orders_key(team)) else said)
