"""What sources revised in bars that sessions had been predicted and traded on, until those sessions are made anew.

One object per symbol, `.market/revised/AAPL/revised.json`: all in all, so that what was revised and is back is not told.
A fetch that dies and is done again notes the same.
"""

import json
from collections.abc import Mapping, Sequence

from my_dagster_project.domain.revisions import Revision, from_json, netted
from my_dagster_project.storage.assets import AssetStore

_ROOT = ".market/revised"
_FILE = "revised.json"


def note_revisions(assets: AssetStore, symbol: str, revisions: Sequence[Revision]) -> None:
    """Remember what a fetch revised; nothing where it revised nothing."""
    if not revisions:
        return
    # More than one file: of before there was one for all, each named by its content.
    names = _names(assets, symbol)
    known = [one for name in names for one in _read(assets, name)]
    body = json.dumps([one.to_json() for one in netted(known, revisions)], indent=1).encode()
    key = f"{_ROOT}/{symbol}/{_FILE}"
    assets.store.put(key, body)
    for name in names:
        if name != key:
            assets.store.delete(name)


def noted_revisions(assets: AssetStore) -> Mapping[str, list[Revision]]:
    """By symbol, what was revised since the sessions were last made anew, oldest session first."""
    found: dict[str, list[Revision]] = {}
    for name in _names(assets):
        symbol = name.removeprefix(f"{_ROOT}/").partition("/")[0]
        found.setdefault(symbol, []).extend(one for one in _read(assets, name) if not one.is_back)
    return {symbol: sorted(of, key=lambda one: one.session) for symbol, of in sorted(found.items()) if of}


def settle_revisions(assets: AssetStore) -> None:
    """Forget them: what there is was made on today's bars."""
    for name in _names(assets):
        assets.store.delete(name)


def _names(assets: AssetStore, symbol: str = "") -> list[str]:
    return [info.key for info in assets.store.list(f"{_ROOT}/{symbol}{'/' if symbol else ''}")]


def _read(assets: AssetStore, name: str) -> list[Revision]:
    return [from_json(one) for one in json.loads(assets.store.get(name))]
