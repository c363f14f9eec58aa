"""When and how often an API is asked again, for everything that we ask over HTTP. Who calls says what may pass by itself."""

import time
from collections.abc import Callable, Mapping, Sequence

# A server that wants a longer pause than this is better asked by the next scheduled run.
_LONGEST_PAUSE_S = 60.0


def ask_again[T](
    ask: Callable[[], T],
    *,
    while_: Callable[[T], bool],
    pauses: Sequence[float],
    wanted: Callable[[T], float | None],
    sleep: Callable[[float], None] = time.sleep,
) -> T:
    """What `ask` gives; asked again after each of the pauses (seconds) while the answer is to be had again.

    `wanted` is the pause the server asks for in its answer, instead of ours; None where it asks for none.
    """
    answers = [ask()]
    if not while_(answers[0]):
        return answers[0]  # The usual case: nothing to wait for, and nothing made to wait with.
    from tenacity import RetryCallState, Retrying, retry_if_result, stop_after_attempt, wait_chain, wait_fixed

    ours = wait_chain(*map(wait_fixed, pauses))

    def answer(state: RetryCallState) -> T:
        return state.outcome.result()  # type: ignore[union-attr]

    def pause(state: RetryCallState) -> float:
        seconds = wanted(answer(state))
        return ours(state) if seconds is None else seconds

    again = Retrying(
        retry=retry_if_result(while_),
        stop=stop_after_attempt(len(pauses) + 1),
        wait=pause,
        sleep=sleep,
        retry_error_callback=answer,
    )
    return again(lambda: answers.pop() if answers else ask())


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The pause a server asks for, in seconds and within reason; None when it asks for none, or by a date."""
    text = headers.get("Retry-After", "")
    return min(float(text), _LONGEST_PAUSE_S) if text.isdecimal() else None
