"""The pictures that descriptions of assets show in Dagit (`reports/asset_pictures.py`), drawn of what the store has now.

Who may not see what is a team's is shown none of its pictures either.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from my_dagster_project.deploy.dagit.permissions import PersonsContext
from my_dagster_project.deploy.dagit.seeing import shown_to
from my_dagster_project.domain.examination import EXAMINATION, read_examination
from my_dagster_project.domain.leaderboard import Leaderboard, TeamRow, curves_from_json, from_json
from my_dagster_project.foundation.errors import TradingError
from my_dagster_project.foundation.settings import load_settings
from my_dagster_project.reports.asset_pictures import (
    ADDRESS,
    equity_picture,
    returns_picture,
    table_picture,
    training_picture,
)
from my_dagster_project.reports.columns import Column
from my_dagster_project.reports.leaderboard_columns import BY_FORECAST, BY_MONEY
from my_dagster_project.reports.markdown import NONE, dollars
from my_dagster_project.storage import names
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.manifests import Asset
from my_dagster_project.storage.opening import open_assets
from my_dagster_project.storage.parquet import rows_of

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection, Request
    from starlette.responses import Response
    from starlette.routing import Route

_SESSIONS = 4


def pictures_route(person: Callable[["HTTPConnection"], PersonsContext]) -> "Route":
    """The route of them all; `person` says who asks."""
    from starlette.routing import Route

    return Route(f"{ADDRESS}/{{asset:path}}/{{name}}.svg", partial(_answer, person))


def _answer(person: Callable[["HTTPConnection"], PersonsContext], request: "Request") -> "Response":
    """The picture; of what is not there, cannot be read or is not to be seen one that says so."""
    from starlette.responses import Response

    asset, name = tuple(request.path_params["asset"].split("/")), request.path_params["name"]
    draw = DRAWN.get((asset[-1], name))
    if draw is None or not shown_to(person(request), asset):
        return Response("There is no such picture to see here.\n", 404, media_type="text/plain")
    try:
        settings = load_settings()
        picture = draw(open_assets(settings.store_url, settings.dvc_url), asset)
    except (TradingError, ValueError, KeyError, TypeError):
        picture = table_picture(["Nothing of this is stored yet."], [])
    # A script in a picture would be ours to answer for; there is none, and none would run.
    headers = {"Cache-Control": "private, max-age=15", "Content-Security-Policy": "script-src 'none'"}
    return Response(picture, media_type="image/svg+xml", headers=headers)


def _training(assets: AssetStore, asset: Asset) -> bytes:
    """Of the newest refit, or of the only training."""
    newest = max(one for one in assets.of(asset[0]) if names.without_window(one)[0] == asset)
    return training_picture(read_examination(assets.read_file(newest, EXAMINATION)), asset[0])


def _newest_predictions(assets: AssetStore, asset: Asset) -> bytes:
    team, symbol, _ = asset
    came = {str(row["session"])[:10]: row["actual_return"] for row in _scored(assets, team, symbol)}
    newest = sorted(assets.names(asset), reverse=True)[:_SESSIONS]
    said = [row for name in newest for row in rows_of(assets.read_file(asset, name))]
    head = ["session", "close", "predicted", "as price", "came", "probability up"]
    return table_picture(head, [_predicted(row, came) for row in said])


def _predicted(row: Mapping[str, Any], came: Mapping[str, float]) -> list[str]:
    from math import exp, isnan

    session, close, told = str(row["session"])[:10], row["close"], row["predicted_return"]
    up = row.get("probability_up")
    price = NONE if told is None or isnan(told) else dollars(close * exp(told))
    actual = f"{100 * came[session]:+.2f} %" if session in came else "not yet"
    known = [NONE if told is None or isnan(told) else f"{100 * told:+.3f} %", price, actual]
    return [session, dollars(close), *known, NONE if up is None or isnan(up) else f"{100 * up:.1f} %"]


def _scored(assets: AssetStore, team: str, symbol: str) -> list[dict[str, Any]]:
    """What the report scored; nothing before there is one."""
    report = names.report(team, symbol)
    return rows_of(assets.read_file(report, names.SCORED)) if names.SCORED in assets.names(report) else []


def _returns(assets: AssetStore, asset: Asset) -> bytes:
    rows = _scored(assets, asset[0], asset[1])
    return returns_picture(
        [row["session"] for row in rows],
        [row["predicted_return"] for row in rows],
        [row["actual_return"] for row in rows],
        asset[0],
    )


def _orders(assets: AssetStore, asset: Asset) -> bytes:
    """The newest session's: what was sent, with its reason and what the broker said; then what was not, and by what."""
    record = json.loads(assets.read_file(asset, max(assets.names(asset))))
    sent = [
        [
            one["planned"]["symbol"],
            f"{one['planned']['side']} {one['planned']['qty']}",
            one["status"],
            _why(one),
        ]
        for one in record["outcomes"]
    ]
    left = [[one["symbol"], "nothing", one["by"], one["reason"]] for one in record["plan"]["skipped"]]
    note = f"After the close of {record['plan']['session']}, for the next open; mode {record['mode']}."
    return table_picture(["symbol", "order", "became", "why"], [*sent, *left], note)


def _why(outcome: Mapping[str, Any]) -> str:
    detail = f" ({outcome['detail']})" if outcome["detail"] else ""
    return f"{outcome['planned']['reason']}{detail}"


def _teams(assets: AssetStore, asset: Asset) -> bytes:
    return _ranking(BY_FORECAST, _board(assets, asset).by_forecast)


def _money(assets: AssetStore, asset: Asset) -> bytes:
    return _ranking(BY_MONEY, _board(assets, asset).by_money)


def _board(assets: AssetStore, asset: Asset) -> Leaderboard:
    return from_json(assets.read_file(asset, names.LEADERBOARD).decode())


def _ranking(columns: Sequence[Column[TeamRow]], rows: Sequence[TeamRow]) -> bytes:
    shown = [column for column in columns if column.key or column.main]
    return table_picture(
        [column.name for column in shown], [[column.cell(row) for column in shown] for row in rows]
    )


def _equity(assets: AssetStore, asset: Asset) -> bytes:
    return equity_picture(curves_from_json(assets.read_file(asset, names.EQUITY).decode()))


DRAWN: dict[tuple[str, str], Callable[[AssetStore, Asset], bytes]] = {
    ("model", "training"): _training,
    ("predictions", "newest"): _newest_predictions,
    ("predictions", "returns"): _returns,
    ("orders", "newest"): _orders,
    ("leaderboard", "teams"): _teams,
    ("leaderboard", "money"): _money,
    ("leaderboard", "equity"): _equity,
}
