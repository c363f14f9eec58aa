"""How much generated tests draw: a sample that is the same every time, in `make test-full` the whole, in `make test-quick` a third of it."""

import os
from typing import Any

from hypothesis import HealthCheck, settings

_FULL = os.environ.get("TRADING_TESTS") == "full"
_QUICK = os.environ.get("TRADING_TESTS") == "quick"
_CI = bool(os.environ.get("CI"))
# Whoever wants more than three times draws again: at home every draw is a new one.
_TIMES: float = 3 if _FULL else 1 / 3 if _QUICK else 1

# Two cores are shared, and the first example of a room pays for pandas: no deadline.
_COMMON = settings(
    deadline=None,
    max_examples=int(30 * _TIMES),
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
# Chance does not decide whether something lands: new examples are for people at home.
settings.register_profile("same", _COMMON, derandomize=True)
settings.register_profile("new", _COMMON, derandomize=False)


def load_profile() -> None:
    """New examples in `make test-full`; the same ones in `make test`, and in CI always."""
    settings.load_profile("new" if _FULL and not _CI else "same")


def size[T](usual: T, full: T) -> T:
    """How many of what a test makes many of; the second in `make test-full`."""
    return full if _FULL else usual


def only_whole(*cases: Any, at_home: Any = None) -> list[Any]:
    """For `parametrize`: cases that take long, which there are in `make test-full` only; `at_home` instead where no CI waits for them."""
    chosen = list(cases) if _CI or at_home is None else [at_home]
    return chosen if _FULL else []


def draws(examples: int, **more: Any) -> settings:
    """This many examples of a test, three times as many in `make test-full`, a third in `make test-quick`.

    `more` as for hypothesis' own settings.
    """
    return settings(max_examples=max(1, int(examples * _TIMES)), **more)


def one_folder(examples: int) -> settings:
    """As `draws`, for a test whose fixture may serve all its examples."""
    return draws(examples, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
