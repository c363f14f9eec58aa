"""Evidently's pages as one fragment for ours.

`Snapshot.save_html` writes 3.65 MB of the same JavaScript into every file, and one file per snapshot. Here several
snapshots share one library, compressed (1.4 MB; browsers have unpacked gzip themselves since 2023), still inside the file:
a report must open offline, on its own, wherever it was downloaded to.
"""

from __future__ import annotations

import base64
import gzip
import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = "evidently"
LOADER = """
<script>
var global = globalThis;
(async () => {
  const packed = Uint8Array.from(atob(document.getElementById("ROOT-library").textContent), c => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const script = document.createElement("script");
  script.textContent = await new Response(stream).text();
  document.body.append(script);
  const data = JSON.parse(document.getElementById("ROOT-data").textContent);
  document.getElementById("ROOT").textContent = "";
  window.drawDashboard(data.dashboard, new Map(Object.entries(data.graphs)), "ROOT");
})().catch(error => {
  document.getElementById("ROOT").textContent = "This browser cannot draw Evidently's part (" + error + "); its figures are in report.json.";
});
</script>
""".replace("ROOT", ROOT)


def fragment(sections: Sequence[tuple[str, Any]]) -> str:
    """HTML of titled snapshots, drawn by Evidently when the page opens; needs `<body>` around it, nothing else."""
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
            f'<div id="{ROOT}">Drawing …</div>',
            _data_block(f"{ROOT}-data", _json({"dashboard": dashboard, "graphs": _plain_graphs(graphs)})),
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
