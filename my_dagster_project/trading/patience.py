"""A session is tried again until it could not fill any more: one 500 in the evening must not cost the next day.

Doing it again is harmless: an id that the broker has is never taken twice, and what stands is planned around.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import chain, repeat

from my_dagster_project.foundation.errors import PassingError
from my_dagster_project.trading.lease import LeaseError

PAUSES_S = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)


def until_the_open[T](
    attempt: Callable[[], T],
    opens: datetime,
    replay_s: float,
    tell: Callable[[str], None],
    *,
    sleep: Callable[[float], None] = time.sleep,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> T:
    """Do what may be done twice, again while the error may pass: until the exchange `opens`.

    In a replay the open has long been, and the account's clock stands still meanwhile: `replay_s` seconds at most. `tell`
    hears of each failure that is waited out. Raises the last error; a lost lease at once, the account is not ours then.
    """
    started = now()
    ends = opens if opens > started else started + timedelta(seconds=replay_s)
    for pause in chain(PAUSES_S, repeat(PAUSES_S[-1])):
        try:
            return attempt()
        except LeaseError:
            raise
        except PassingError as error:
            if now() + timedelta(seconds=pause) >= ends:
                raise
            tell(f"{error}\nagain in {pause:.0f} s, at the latest until {ends:%Y-%m-%d %H:%M:%S} UTC")
        sleep(pause)
    raise AssertionError("the pauses never end")
