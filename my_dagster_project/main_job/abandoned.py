"""Runs of a `trading run` that was killed: Dagster shows them as started for ever unless somebody says that they have ended."""

import os
import socket
from pathlib import Path

import dagster as dg

PROCESS_TAG = "trading/process"
CUT_SHORT_TAG = "trading/cut_short"
"""Of a run that was killed with its process: it says nothing of what it was to make, so that is asked for again."""
# One that was made and not begun is this process's as well: left waiting, it kept its team out of a season's session.
_AT_WORK = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
_STARTED_AT = 19
"""The place of a process's start, in ticks since the machine's, among the fields of /proc/PID/stat behind its name."""


def this_process() -> str:
    """What a run in this process is tagged with: host, pid and, as pids come again, when it started."""
    return f"{socket.gethostname()} {os.getpid()} {_start_of(os.getpid())}"


def end_abandoned(instance: dg.DagsterInstance) -> list[str]:
    """Report as failed the runs whose process of this machine is gone; their ids."""
    ended = []
    for run in instance.get_runs(filters=dg.RunsFilter(statuses=_AT_WORK)):
        if _is_gone(run.tags.get(PROCESS_TAG, "")):
            instance.report_run_failed(
                run, "The process of this run was killed; the next run makes what it left undone."
            )
            instance.add_run_tags(run.run_id, {CUT_SHORT_TAG: "yes"})
            ended.append(run.run_id)
    return ended


def _is_gone(process: str) -> bool:
    """Of another machine, or of nobody who says so, nothing is known."""
    host, _, rest = process.partition(" ")
    pid, _, start = rest.partition(" ")
    return host == socket.gethostname() and pid.isdecimal() and bool(start) and _start_of(int(pid)) != start


def _start_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[_STARTED_AT]
    except (OSError, IndexError):
        return ""
