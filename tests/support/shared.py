"""What is expensive to make and only looked at: made by whichever test process needs it first, seen by all of them."""

import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import psutil
from filelock import FileLock

MEMORY = Path("/dev/shm")


def memory_to_spare() -> int:
    """How many bytes files in MEMORY may have without anybody missing them; 0 where there is no such place."""
    # Tests run programs of their own making; where Docker mounts it nothing there is run.
    if not os.access(MEMORY, os.W_OK) or os.statvfs(MEMORY).f_flag & os.ST_NOEXEC:
        return 0
    return min(psutil.virtual_memory().available, shutil.disk_usage(MEMORY).free)


def made_once[T](tmp_path_factory, name: str, make: Callable[[Path], T]) -> T:
    """What `make` gives for a folder of this name, which it may fill; it runs once for all the processes of a session."""
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    kept = root / f"{name}.pickle"
    with FileLock(root / f"{name}.lock"):
        if not kept.exists():
            shutil.rmtree(root / name, ignore_errors=True)  # What another process could not make.
            made = make(root / name)
            kept.write_bytes(pickle.dumps(made))
        return pickle.loads(kept.read_bytes())
