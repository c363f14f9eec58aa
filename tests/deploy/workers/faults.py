"""A tiny code location to break things in: runs of any length, some that may be repeated and some that must not."""

import os
import time
from pathlib import Path

import dagster as dg

_CONFIG = {"seconds": float, "log": str}


def _work(context: dg.OpExecutionContext) -> None:
    log = Path(context.op_config["log"])
    with log.open("a") as out:
        out.write(f"begun {context.run_id} {os.getpid()} {os.getppid()}\n")
    # A run that repeats another one need not be waited for.
    time.sleep(0 if context.run.parent_run_id else context.op_config["seconds"])
    with log.open("a") as out:
        out.write(f"done {context.run_id} {os.getpid()} {os.getppid()}\n")


@dg.op(config_schema=_CONFIG)
def wait(context: dg.OpExecutionContext) -> None:
    _work(context)


@dg.op(config_schema=_CONFIG)
def get_ready(context: dg.OpExecutionContext) -> None:
    """All that a team's run has in memory right before it trains."""
    from my_dagster_project.definitions import trading
    from my_dagster_project.models.kinds.ludwig.ludwig_runtime import ludwig_session

    loaded = trading()
    with ludwig_session():
        _work(context)
    del loaded


@dg.op
def refuse() -> None:
    raise dg.Failure("bad input")


@dg.job(executor_def=dg.in_process_executor)
def train() -> None:
    wait()


@dg.job(executor_def=dg.in_process_executor, tags={"dagster/max_retries": "0"})
def trade() -> None:
    wait()


@dg.job(executor_def=dg.in_process_executor)
def reject() -> None:
    refuse()


@dg.job(executor_def=dg.in_process_executor)
def ready() -> None:
    get_ready.alias("wait")()


defs = dg.Definitions(jobs=[train, trade, reject, ready])
