"""The one place that imports Ludwig: fast, quiet, and without leaving traces in the rest of the process."""

from __future__ import annotations

import logging
import signal
import sys
import threading
import warnings
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_import_lock = threading.Lock()
_ready = False

# Ludwig seeds torch's, numpy's and random's global generators and flips the model between train and eval:
# two trainings at once in one process would not be reproducible (nor twice as fast: Python holds the GIL).
_session_lock = threading.RLock()


def import_ludwig() -> None:
    """Import Ludwig once per process, about 8 s; later calls and calls from other threads cost nothing.

    What Ludwig's import does to its host is undone: the stdout handler and INFO level it puts on the root
    logger (every Dagster log line appeared twice) and the warning filters of the packages it pulls in.
    """
    global _ready
    if _ready:
        return
    with _import_lock:
        if _ready:
            return
        with ExitStack() as stack:
            stack.enter_context(_root_logger_kept())
            stack.enter_context(_fast_yaml_in_this_thread())
            stack.enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore")
            import ludwig.api
            import ludwig.trainers.trainer  # noqa: F401  (imported at the first training otherwise)
        _trust_ludwigs_own_schema()
        _ready = True


@contextmanager
def ludwig_session() -> Iterator[None]:
    """Hold Ludwig for this thread: imported, one torch thread, silent; the rest of the process is given back.

    One torch thread is as fast as two for these networks, takes a third of the CPU on a busy box, and the
    same seed gives the same bits only with the same number of threads. The count is per thread in torch,
    hence set here and not once at import.
    """
    import_ludwig()
    import torch

    with _session_lock, ExitStack() as stack:
        stack.enter_context(_signal_handlers_kept())
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        threads = torch.get_num_threads()
        stack.callback(torch.set_num_threads, threads)
        torch.set_num_threads(1)
        yield


@contextmanager
def _root_logger_kept() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    try:
        yield
    finally:
        for handler in [handler for handler in root.handlers if handler not in handlers]:
            root.removeHandler(handler)
        root.setLevel(level)


@contextmanager
def _fast_yaml_in_this_thread() -> Iterator[None]:
    """Let Ludwig parse its 700 kB of metadata YAML with libyaml: 0.1 s instead of 1.9 s of its import.

    Other threads that parse YAML meanwhile keep the loader they know.
    """
    import yaml

    original, importer = yaml.safe_load, threading.get_ident()
    fast = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    def safe_load(stream: Any) -> Any:
        if threading.get_ident() != importer:
            return original(stream)
        return yaml.load(stream, Loader=fast)  # noqa: S506  (CSafeLoader is the safe loader)

    yaml.safe_load = safe_load
    try:
        yield
    finally:
        yaml.safe_load = original


def _trust_ludwigs_own_schema() -> None:
    """Skip checking Ludwig's constant 8 MB JSON schema against the meta-schema: 2.4 s -> 0.1 s per model.

    The class patched is a private one that Ludwig derives for itself; configurations are still checked.
    """
    from ludwig.config_validation.validation import get_validator

    get_validator().check_schema = classmethod(lambda cls, *args, **kwargs: None)


@contextmanager
def _signal_handlers_kept() -> Iterator[None]:
    """Ludwig's trainer takes SIGINT, SIGUSR1 and SIGUSR2 and, when training fails, keeps them."""
    if threading.current_thread() is not threading.main_thread() or sys.platform == "win32":
        yield
        return
    numbers = (signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2)
    handlers = [(number, signal.getsignal(number)) for number in numbers]
    try:
        yield
    finally:
        for number, handler in handlers:
            if handler is not None:
                signal.signal(number, handler)
