"""How often a team has tried: every configuration that was replayed or evaluated on a span, and the first result of each.

A replay of an edited configuration starts at the starting cash on sessions that everybody knows, so its result is one of
several tries and no proof; how many there were stands beside it (`edits`), and what the first one came to.

    .trading/replays/red/2012-12-03_2013-02-27/<configuration>.json    from which commit, when begun, the returns
    .trading/evaluations/red/2010-03-01_2013-02-28/<configuration>.json    the same of a walk through the years

A configuration on a span, with its returns by session, is a *trial*: refits and repetitions of it are none. Windows that share a session are one: leaving a session out forgets no try. Nothing is ever taken back: a reset, a remake and a
restored version leave these as they are.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime

from my_dagster_project.foundation.errors import ObjectMissingError, StorageError
from my_dagster_project.storage.assets import AssetStore

_REPLAYS, _EVALUATIONS = ".trading/replays", ".trading/evaluations"


@dataclass(frozen=True)
class Try:
    """A configuration that was replayed: when it first began and last began (UTC), and its first return (a fraction).

    `configuration` is its fingerprint, `origin` the commit it was of. `total_return` is None until a replay of it has come
    to its end, `returns` (by session, ISO) are empty until then, and of one of before they were kept.
    """

    configuration: str
    origin: str
    began: str
    again: str
    total_return: float | None = None
    returns: Mapping[str, float] = field(default_factory=dict)


def begin(assets: AssetStore, team: str, window: Sequence[date], configuration: str, origin: str) -> None:
    """Note that a replay of this configuration begins on a window (its sessions, ascending); raises StorageError."""
    key, now = _key(team, window, configuration), _now()
    known = _read(assets, key) or Try(configuration, origin, now, now)
    _write(assets, key, replace(known, again=now))


def end(assets: AssetStore, team: str, window: Sequence[date], returns: Mapping[str, float]) -> None:
    """Note what the replay of a window that began last has come to, by session; the first result of a configuration stays."""
    begun = _of_window(assets, f"{_REPLAYS}/{team}/{_name(window)}/")
    newest = max(begun, key=lambda one: one.again, default=None)
    if newest is None or newest.returns:
        return
    total = _total(returns) if newest.total_return is None else newest.total_return
    if math.isclose(total, _total(returns), abs_tol=1e-9):
        _write(
            assets,
            _key(team, window, newest.configuration),
            replace(newest, total_return=total, returns=returns),
        )


def evaluated(
    assets: AssetStore, team: str, configuration: str, origin: str, returns: Mapping[str, float]
) -> None:
    """Note what a configuration would have come to in a walk, by session (ISO, ascending); the first result of it on a span stays."""
    window = [date.fromisoformat(day) for day in returns]
    key = _key(team, window, configuration, _EVALUATIONS)
    if not _read(assets, key):
        now = _now()
        _write(assets, key, Try(configuration, origin, now, now, _total(returns), returns))


def trials(assets: AssetStore, team: str) -> list[Mapping[str, float]]:
    """Give the returns by session of everything a team has tried to its end, on whatever span; StorageError for what cannot be read."""
    every = [*_of_window(assets, f"{_REPLAYS}/{team}/"), *_of_window(assets, f"{_EVALUATIONS}/{team}/")]
    return [one.returns for one in every if one.returns]


def _total(returns: Mapping[str, float]) -> float:
    return math.prod(1 + one for one in returns.values()) - 1


def counted(
    assets: AssetStore,
    team: str,
    window: Sequence[date],
    configuration: str,
    origin: str,
    returns: Mapping[str, float],
) -> list[Try]:
    """Note what the newest replay has come to by session (empty: not to its end yet) and give all tries; the first one first.

    One of before anybody counted is taken for the first try, of the configuration of now.
    """
    if returns:
        if not tries(assets, team, window):
            begin(assets, team, window, configuration, origin)
        end(assets, team, window, returns)
    return tries(assets, team, window)


def tries(assets: AssetStore, team: str, window: Sequence[date]) -> list[Try]:
    """Give the configurations that were replayed on this window, or on one that shares a session with it, the first one first.

    Raises StorageError for one that cannot be read.
    """
    found: dict[str, Try] = {}
    prefix = f"{_REPLAYS}/{team}/"
    names = {info.key.removeprefix(prefix).partition("/")[0] for info in assets.store.list(prefix)}
    shared = [
        one for name in names if _overlaps(name, window) for one in _of_window(assets, f"{prefix}{name}/")
    ]
    for one in sorted(shared, key=lambda one: one.began):
        found.setdefault(one.configuration, one)
    return list(found.values())


def _overlaps(name: str, window: Sequence[date]) -> bool:
    first, _, last = name.partition("_")
    return first <= window[-1].isoformat() and last >= window[0].isoformat()


def _of_window(assets: AssetStore, prefix: str) -> list[Try]:
    return [one for info in assets.store.list(prefix) if (one := _read(assets, info.key))]


def _read(assets: AssetStore, key: str) -> Try | None:
    try:
        return Try(**json.loads(assets.store.get(key)))
    except ObjectMissingError:
        return None
    except (ValueError, TypeError) as error:
        raise StorageError(
            f"the record {key} of a replay is damaged ({type(error).__name__}); restore it from a backup or delete it"
        ) from error


def _write(assets: AssetStore, key: str, one: Try) -> None:
    assets.store.put(key, json.dumps(asdict(one), indent=1, ensure_ascii=False).encode())


def _key(team: str, window: Sequence[date], configuration: str, kind: str = _REPLAYS) -> str:
    return f"{kind}/{team}/{_name(window)}/{configuration}.json"


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S.%f} UTC"


def _name(window: Sequence[date]) -> str:
    return f"{window[0]}_{window[-1]}"
