"""Every team in a process of its own: they use all cores, and one that dies takes nobody along.

The processes are forks of this one, which imports what training needs first: forks share Ludwig's 1 GB instead of each
importing their own (four separate ones took 4 x 1 GB and 4 x 10 s).
"""

import ctypes
import multiprocessing
import os
import queue
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.context import ForkContext, ForkProcess

from my_dagster_project.main_job.phases import PhaseEvent, Tell
from my_dagster_project.pipeline.failures import Problem

type Work = Callable[[str, Tell], list[Problem]]

_POLL_SECONDS = 0.5
_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG, prctl(2); run_teams forks on Linux only


@dataclass(frozen=True)
class _Done:
    team: str
    problems: list[Problem]


@dataclass
class _Pool:
    """The teams still waiting, the processes at work, and what came out."""

    waiting: list[str]
    working: dict[str, ForkProcess] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def can_fork() -> bool:
    """Whether forks are safe here; on macOS system libraries abort in a fork."""
    return sys.platform.startswith("linux")


def run_teams(teams: list[str], work: Work, tell: Tell) -> list[Problem]:
    """Do the work of every team, as many at a time as there are cores; what failed in all of them.

    `work` runs in the team's process; what it tells arrives here. A process that dies (out of memory, say) becomes a
    problem of its team.
    """
    if not can_fork() or len(teams) < 2:
        return [problem for team in teams for problem in work(team, tell)]
    context = multiprocessing.get_context("fork")
    messages: multiprocessing.Queue[PhaseEvent | _Done] = context.Queue()
    pool = _Pool(list(teams))
    while pool.waiting or pool.working:
        while pool.waiting and len(pool.working) < (os.cpu_count() or 1):
            _start(context, pool, work, messages)
        _take_in(pool, messages, tell)
    return pool.problems


def _start(
    context: ForkContext, pool: _Pool, work: Work, messages: "multiprocessing.Queue[PhaseEvent | _Done]"
) -> None:
    team, parent = pool.waiting.pop(0), os.getpid()

    def body() -> None:
        _end_with(parent)
        messages.put(_Done(team, work(team, messages.put)))

    pool.working[team] = context.Process(target=body, name=f"team-{team}")
    pool.working[team].start()


def _end_with(parent: int) -> None:
    """End this process with the one that started it: a team must not go on trading for a run that was killed."""
    ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:  # it was quicker
        os._exit(1)


def _take_in(pool: _Pool, messages: "multiprocessing.Queue[PhaseEvent | _Done]", tell: Tell) -> None:
    # Looked at before the queue: a process that ended after this has its last words still in there.
    dead = [team for team, process in pool.working.items() if process.exitcode]
    try:
        message = messages.get(timeout=_POLL_SECONDS)
    except queue.Empty:
        for team in dead:
            code = pool.working.pop(team).exitcode
            pool.problems.append(Problem(f"team {team}", _last_words(code)))
        return
    if isinstance(message, PhaseEvent):
        tell(message)
        return
    pool.problems += message.problems
    pool.working.pop(message.team).join()


def _last_words(code: int | None) -> str:
    if code == -9:
        return "its process was killed, most likely because memory ran out; run again, or with fewer symbols"
    return f"its process ended early (exit code {code}); the message above says why, run again to complete it"
