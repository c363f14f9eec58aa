import base64
import gzip
import json
import re
from pathlib import Path

import pandas as pd

from my_dagster_project.reports.evidently_html import fragment


def block(html, name):
    return re.search(
        rf'<script type="application/octet-stream" id="{name}">(.*?)</script>', html, re.S
    ).group(1)


def snapshot_of(values):
    from evidently import Report
    from evidently.metrics import MeanValue, StdValue

    return Report([MeanValue(column="x"), StdValue(column="x")], include_tests=False).run(
        pd.DataFrame({"x": values})
    )


def test_one_library_serves_all_snapshots():
    import evidently

    html = fragment([("One", snapshot_of([1.0, 2.0])), ("Two", snapshot_of([3.0, 5.0]))])
    source = Path(evidently.__file__).parent / "nbextension" / "static" / "index.js"
    assert gzip.decompress(base64.b64decode(block(html, "evidently-library"))) == source.read_bytes()
    assert len(html) < 1_600_000


def test_the_data_is_strict_json_and_cannot_close_its_block():
    html = fragment([("</script><b>", snapshot_of([1.0, None, 2.0]))])
    data = json.loads(block(html, "evidently-data"), parse_constant=refuse)
    assert data["dashboard"]["widgets"][0]["title"] == "</script><b>"


def refuse(name):
    raise AssertionError(f"{name} is not JSON")
