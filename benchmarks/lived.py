"""Sessions of the season in this folder, one after the other, as `trading season next` lives them: `python -m benchmarks.lived COUNT`.

Its last line says in JSON what one session took at the median: seconds of CPU and wall, runs, events; and what a script takes
that calls the same functions on the same objects, without Dagster, versions and accounts.
"""

import json
import sys
import time
from collections.abc import Callable
from statistics import median

import dagster as dg

from my_dagster_project.deploy.instance.home import prepare_environment
from my_dagster_project.domain.evaluation import score
from my_dagster_project.domain.features import compute_features
from my_dagster_project.domain.quality import check_bars
from my_dagster_project.foundation.settings import load_settings
from my_dagster_project.main_job.season_driver import Driver, only_driver
from my_dagster_project.models.prediction import predict
from my_dagster_project.pipeline.assets.bars_asset import thresholds
from my_dagster_project.reports.evidently_report import build_report
from my_dagster_project.storage import names
from my_dagster_project.storage.opening import open_assets
from my_dagster_project.storage.parquet import from_session_files, to_parquet
from my_dagster_project.storage.stored_bars import read_bars
from my_dagster_project.teams.platform import Platform


def main(count: int) -> None:
    """Live so many sessions; the first one, which warms up, does not count."""
    settings = load_settings()
    prepare_environment(settings)
    driver, took = Driver(settings), []
    with only_driver(settings):
        driver.live()
        for _ in range(count):
            cpu, wall, began = time.process_time(), time.perf_counter(), time.time()
            lived = driver.live()
            if lived.problems:
                raise SystemExit(str(lived.problems))
            took.append((time.process_time() - cpu, time.perf_counter() - wall, began))
    instance = dg.DagsterInstance.get()
    runs = [one for one in instance.get_run_records(limit=50) if (one.start_time or 0) >= took[-1][2]]
    events = sum(len(instance.all_logs(one.dagster_run.run_id)) for one in runs)
    plain = min(_cpu(lambda: _plain(lived.platform)) for _ in range(3))
    cpu, wall = (median(one[at] for one in took) for at in (0, 1))
    print(json.dumps({"cpu": cpu, "wall": wall, "runs": len(runs), "events": events, "plain": plain}))


def _cpu(work: Callable[[], None]) -> float:
    before = time.process_time()
    work()
    return time.process_time() - before


def _plain(platform: Platform) -> None:
    settings = load_settings()
    assets, market = open_assets(settings.store_url, settings.dvc_url), platform.registry.market
    for symbol in platform.symbols:
        bars = read_bars(assets, symbol)
        last = bars["session"].max().date()
        check_bars(bars, symbol, platform.calendar, market.start, last, thresholds(market))
        to_parquet(bars)
        for team, config in platform.teams.items():
            one = config.for_symbol(symbol)
            features = compute_features(bars, one.feature_list, symbol)
            to_parquet(features)
            window = config.training.window_of(last)
            predict(assets.read(names.model(team, symbol, window)), features.tail(1))
            scored = score(from_session_files(assets.read(names.predictions(team, symbol))), bars)
            inputs = features[["session", *one.input_names]]
            said = {"target": config.target, "team": team, "symbol": symbol, "measured": False}
            build_report(scored, inputs[inputs["session"].isin(scored["session"])], inputs, **said)


if __name__ == "__main__":
    main(int(sys.argv[1]))
