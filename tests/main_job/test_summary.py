"""The end of a run: where to look next names only what is there."""

import io
from pathlib import Path

from my_dagster_project.foundation.console import Console
from my_dagster_project.foundation.settings import settings_from
from my_dagster_project.main_job.run import Result
from my_dagster_project.main_job.summary import print_result
from my_dagster_project.storage.opening import open_assets
from tests.support.committed import committed


def test_a_report_is_named_only_where_there_is_one(tmp_path):
    platform = committed()
    settings = settings_from({"TRADING_HOME": str(tmp_path)}, tmp_path)

    def said():
        out = io.StringIO()
        print_result(Console(file=out, width=200), Result([], []), platform, settings)
        return out.getvalue()

    assert "Where to look next" in said()
    assert "report.html" not in said()
    assets = open_assets(settings.store_url, settings.dvc_url)
    assets.write(("blue", "IBM", "report"), {"report.html": b"<p>"}, replace=True, record={})
    [line] = [line for line in said().splitlines() if "report.html" in line]
    assert Path(line.split()[-1]).read_bytes() == b"<p>"
