"""What the organiser fixes when a season begins: on other terms its sessions could not be compared."""

import json
from collections.abc import Iterable, Mapping

from my_dagster_project.foundation.errors import SeasonError
from my_dagster_project.storage.season import State
from my_dagster_project.teams.registry import Registry

_MARKET = {"source", "path", "feed", "symbols", "start"}
_COMPETITION = {
    *("start", "salt", "starting_cash", "cost_bps", "impact", "symbol_costs"),
    *("borrow_fee", "commission", "partial_fills"),
}


def terms_of(registry: Registry) -> dict[str, str]:
    """By key of the registry, what stays as it is from the first session to the last; how fast a lapse goes may change."""
    market = registry.market.model_dump(mode="json", include=_MARKET)
    competition = registry.competition.model_dump(mode="json", include=_COMPETITION)
    season = registry.season
    told = {
        "calendar": registry.calendar,
        **{f"market.{name}": value for name, value in market.items()},
        **{f"competition.{name}": value for name, value in competition.items()},
        "season.clock": season and ("lapse" if season.lapse else "real"),
    }
    return {key: json.dumps(value, sort_keys=True) for key, value in told.items()}


def first_state(name: str, registry: Registry, symbols: Iterable[str] = ()) -> State:
    """The state to begin a season of this registry with (`SeasonBook.begin`), whose teams trade these symbols.

    A lapse ends with the market's data.
    """
    start, lapse = registry.competition.start, registry.season and registry.season.lapse
    pace = (registry.market.end, lapse.session_every) if lapse else (None, 0.0)
    return State(name, start, start, *pace, terms=terms_of(registry), symbols=tuple(symbols))


def require_terms(state: State, registry: Registry) -> None:
    """Raise SeasonError, with each key and both values, where the registry says other terms than the season began with.

    A key that was no term when the season began is none of it.
    """
    changed = _changed(state.terms, terms_of(registry))
    if changed and not state.ended:
        raise SeasonError(
            f"season {state.name} goes on by the terms it began with; put back in configs/teams.yaml: {'; '.join(changed)}"
        )


def _changed(begun: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    return [
        f"{key}: {value} (now {now.get(key, 'gone')})"
        for key, value in begun.items()
        if now.get(key) != value
    ]
