"""What sources revised in bars that sessions had been predicted and traded on, until those sessions are made anew.

One object per fetch that brought a revision, `.market/revised/AAPL/<md5>.json`, named by its content: a fetch that dies and
is done again notes it once.
"""

import json
from collections.abc import Mapping, Sequence

from my_dagster_project.domain.revisions import Revision, from_json
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.dvc_format import md5_of

_ROOT = ".market/revised"


def note_revisions(assets: AssetStore, symbol: str, revisions: Sequence[Revision]) -> None:
    """Remember what a fetch revised; nothing where it revised nothing."""
    if revisions:
        body = json.dumps([one.to_json() for one in revisions], indent=1).encode()
        assets.store.put(f"{_ROOT}/{symbol}/{md5_of(body)}.json", body)


def noted_revisions(assets: AssetStore) -> Mapping[str, list[Revision]]:
    """By symbol, what was revised since the sessions were last made anew, oldest session first."""
    found: dict[str, list[Revision]] = {}
    for info in assets.store.list(f"{_ROOT}/"):
        symbol = info.key.removeprefix(f"{_ROOT}/").partition("/")[0]
        found.setdefault(symbol, []).extend(map(from_json, json.loads(assets.store.get(info.key))))
    return {symbol: sorted(of, key=lambda one: one.session) for symbol, of in sorted(found.items())}


def settle_revisions(assets: AssetStore) -> None:
    """Forget them: what there is was made on today's bars."""
    for info in assets.store.list(f"{_ROOT}/"):
        assets.store.delete(info.key)
