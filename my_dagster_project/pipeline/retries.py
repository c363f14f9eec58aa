"""What is tried again, how often and when: by cause, never blindly.

A network or a server that was not there is asked again after 30 s and once more after 90 s (TRADING_RETRY_SECONDS,
then three times that; no jitter, because the queue lets two runs at a time through anyway; a source's own quick pauses
are no longer than the first). Bad input fails at once, because it stays bad; so does a bug. Orders have no policy at all:
they are tried again within their step, under the account's lease, until the open (`trading/patience.py`).
"""

from collections.abc import Callable

import dagster as dg

from my_dagster_project.foundation.errors import PassingError, TradingError
from my_dagster_project.foundation.settings import load_settings

NETWORK_RETRIES = 2
# A training is minutes of work, and MLflow's own client has asked several times by then.
TRAINING_RETRIES = 1


def network_retries() -> dg.RetryPolicy:
    """For steps that fetch, store or publish."""
    return _policy(NETWORK_RETRIES)


def training_retries() -> dg.RetryPolicy:
    """For a step that trains."""
    return _policy(TRAINING_RETRIES)


def explained[T](work: Callable[[], T]) -> T:
    """Do the work; what goes wrong becomes a Dagster failure with the text for people, to be retried only if it may pass."""
    try:
        return work()
    except dg.Failure:
        raise
    except TradingError as error:
        raise dg.Failure(str(error), allow_retries=isinstance(error, PassingError)) from None
    except Exception as error:
        # A bug, or input nobody thought of: its traceback is wanted, a second try is not.
        raise dg.Failure(f"{type(error).__name__}: {error}", allow_retries=False) from error


def _policy(attempts: int) -> dg.RetryPolicy:
    return dg.RetryPolicy(
        max_retries=attempts,
        delay=load_settings().retry_seconds,
        backoff=dg.Backoff.EXPONENTIAL,
    )
