"""How often a team has tried: every configuration whose replay was begun on a window, and the first result of each.

A replay of an edited configuration starts at the starting cash on sessions that everybody knows, so its result is one of
several tries and no proof; how many there were stands beside it (`edits`), and what the first one came to.

    .trading/replays/red/2012-12-03_2013-02-27/<configuration>.json    from which commit, when begun, the return

Windows that share a session are one: leaving a session out forgets no try. Nothing is ever taken back: a reset, a remake and a
restored version leave these as they are.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime

from my_dagster_project.foundation.errors import ObjectMissingError, StorageError
from my_dagster_project.storage.assets import AssetStore

_REPLAYS = ".trading/replays"


@dataclass(frozen=True)
class Try:
    """A configuration that was replayed: when it first began and last began (UTC), and its first return (a fraction).

    `configuration` is its fingerprint, `origin` the commit it was of. `total_return` is None until a replay of it has come
    to its end.
    """

    configuration: str
    origin: str
    began: str
    again: str
    total_return: float | None = None


def begin(assets: AssetStore, team: str, window: Sequence[date], configuration: str, origin: str) -> None:
    """Note that a replay of this configuration begins on a window (its sessions, ascending); raises StorageError."""
    key, now = _key(team, window, configuration), f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S.%f} UTC"
    known = _read(assets, key) or Try(configuration, origin, now, now)
    _write(assets, key, replace(known, again=now))


def end(assets: AssetStore, team: str, window: Sequence[date], total_return: float) -> None:
    """Note what the replay of a window that began last has come to; the first result of a configuration stays."""
    begun = _of_window(assets, f"{_REPLAYS}/{team}/{_name(window)}/")
    if begun and (newest := max(begun, key=lambda one: one.again)).total_return is None:
        key = _key(team, window, newest.configuration)
        _write(assets, key, replace(newest, total_return=total_return))


def counted(
    assets: AssetStore,
    team: str,
    window: Sequence[date],
    configuration: str,
    origin: str,
    total_return: float | None,
) -> list[Try]:
    """Note what the newest replay has come to (None: not to its end yet) and give all tries; the first one first.

    One of before anybody counted is taken for the first try, of the configuration of now.
    """
    if total_return is not None:
        if not tries(assets, team, window):
            begin(assets, team, window, configuration, origin)
        end(assets, team, window, total_return)
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


def _key(team: str, window: Sequence[date], configuration: str) -> str:
    return f"{_REPLAYS}/{team}/{_name(window)}/{configuration}.json"


def _name(window: Sequence[date]) -> str:
    return f"{window[0]}_{window[-1]}"
