"""Evidently's pages as one fragment for ours.

`Snapshot.save_html` writes 3.65 MB of the same JavaScript into every file, and one file per snapshot. Here several
snapshots share one library, compressed (1.4 MB; browsers have unpacked gzip themselves since 2023), still inside the file:
a report must open offline, on its own, wherever it was downloaded to.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = "evidently"
LOADER = """
<script>
var global = globalThis;
const fold = document.getElementById("ROOT-fold");
// Drawn when it is opened: a picture without a width is drawn as a line.
fold.addEventListener("toggle", async () => {
  const packed = Uint8Array.from(atob(document.getElementById("ROOT-library").textContent), c => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const script = document.createElement("script");
  script.textContent = await new Response(stream).text();
  document.body.append(script);
  const data = JSON.parse(document.getElementById("ROOT-data").textContent);
  document.getElementById("ROOT").textContent = "";
  window.drawDashboard(data.dashboard, new Map(Object.entries(data.graphs)), "ROOT");
}, {once: true});
window.addEventListener("unhandledrejection", event => {
  document.getElementById("ROOT").textContent = "This browser cannot draw Evidently's part (" + event.reason + "); its figures are in report.json.";
});
</script>
""".replace("ROOT", ROOT)


def fragment(sections: Sequence[tuple[str, Any]], sessions: Sequence[str] = ()) -> str:
    """HTML of titled snapshots, folded away and drawn by Evidently when it is opened; needs `<body>` around it.

    `sessions` (ISO) are those of the rows, in order: Evidently numbers the rows in bins.
    """
    from evidently.legacy.model.dashboard import DashboardInfo
    from evidently.legacy.renderers.html_widgets import group_widget

    groups = [
        group_widget(title=title, widgets=snapshot.to_snapshot_model().widgets)
        for title, snapshot in sections
    ]
    graphs = {graph.id: graph for group in groups for graph in group.get_additional_graphs()}
    dashboard = DashboardInfo(name="Report", widgets=groups).dict()
    for widget in dashboard["widgets"]:
        widget.pop("additionalGraphs", None)
    return "\n".join(
        [
            f'<details id="{ROOT}-fold"><summary>What Evidently measured: errors, distributions, drift</summary>'
            f'<div id="{ROOT}">Drawing …</div></details>',
            _data_block(
                f"{ROOT}-data",
                _json(_readable({"dashboard": dashboard, "graphs": _plain_graphs(graphs)}, sessions)),
            ),
            _data_block(f"{ROOT}-library", _library()),
            LOADER,
        ]
    )


def _plain_graphs(graphs: dict[str, Any]) -> dict[str, Any]:
    """The graphs behind "details" buttons, in the three shapes Evidently's own `render_widgets` tells apart."""
    from evidently.legacy.model.widget import AdditionalGraphInfo, BaseWidgetInfo

    plain = {}
    for name, graph in graphs.items():
        info = graph.params if isinstance(graph, AdditionalGraphInfo) else graph
        plain[name] = info.dict() if isinstance(info, BaseWidgetInfo) else info
    return plain


def _readable(value: Any, sessions: Sequence[str]) -> Any:
    """Evidently's pages as people read them: whole numbers without `.000`, sessions instead of "Index binned"."""
    if isinstance(value, list | tuple):
        return [_readable(item, sessions) for item in value]
    if not isinstance(value, dict):
        return value
    if isinstance(count := value.get("value"), str) and "label" in value:
        value = {**value, "value": re.sub(r"^(\d+)\.0+$", r"\1", count)}
    title = (value.get("layout") or {}).get("xaxis", {}).get("title", {}) if "data" in value else {}
    if sessions and isinstance(title, dict) and title.get("text") == "Index binned":
        value = _dated(value, sessions)
    return {name: _readable(item, sessions) for name, item in value.items()}


def _dated(figure: dict[str, Any], sessions: Sequence[str]) -> dict[str, Any]:
    """A figure over bins of row numbers as one over the sessions these rows are of."""
    bins = [number for trace in figure["data"] for number in trace.get("x", ())]
    scale = (len(sessions) - 1) / (max(bins, default=0) or 1)
    at = [
        {**trace, "x": [sessions[round(number * scale)] for number in trace.get("x", ())]}
        for trace in figure["data"]
    ]
    axis = {**figure["layout"]["xaxis"], "title": {"text": "session"}}
    return {**figure, "data": at, "layout": {**figure["layout"], "xaxis": axis}}


def _json(value: Any) -> str:
    """Strict JSON inside a script block: Evidently writes NaN, which a browser's JSON.parse refuses."""
    from evidently.legacy.utils import NumpyEncoder

    strict = json.loads(json.dumps(value, cls=NumpyEncoder), parse_constant=lambda _: None)
    return json.dumps(strict, separators=(",", ":")).replace("</", "<\\/")


def _data_block(name: str, content: str) -> str:
    return f'<script type="application/octet-stream" id="{name}">{content}</script>'


@cache
def _library() -> str:
    """Evidently's JavaScript, gzipped and in base64; packed once per process (0.3 s)."""
    import evidently

    source = Path(evidently.__file__).parent / "nbextension" / "static" / "index.js"
    return base64.b64encode(gzip.compress(source.read_bytes(), mtime=0)).decode()
