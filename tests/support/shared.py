"""What is expensive to make and only looked at: made by whichever test process needs it first, seen by all of them."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock


def made_once[T](tmp_path_factory, name: str, make: Callable[[Path], T]) -> T:
    """What `make` gives for a folder of this name, which it may fill; it runs once for all the processes of a session."""
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    kept = root / f"{name}.pickle"
    with FileLock(root / f"{name}.lock"):
        if not kept.exists():
            made = make(root / name)
            kept.write_bytes(pickle.dumps(made))
        return pickle.loads(kept.read_bytes())
