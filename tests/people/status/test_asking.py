import threading
import time

import pytest

from my_dagster_project.people.status.asking import Asking, SilentError, ask_once


def soon(seconds=5.0):
    return time.monotonic() + seconds


def test_answers_and_errors_come_back_by_name():
    asking = Asking()
    asking.start({"well": lambda: "fine", "ill": lambda: 1 // 0})
    assert asking.answer("well", soon()) == "fine"
    with pytest.raises(ZeroDivisionError):
        asking.answer("ill", soon())


def test_a_question_that_hangs_costs_only_its_own_patience():
    asking, never = Asking(), threading.Event()
    asking.start({"hangs": never.wait, "well": lambda: "fine"})
    began = time.monotonic()
    with pytest.raises(SilentError):
        asking.answer("hangs", soon(0.2))
    assert asking.answer("well", soon(0.2)) == "fine"
    assert time.monotonic() - began < 10
    never.set()


def test_a_question_that_is_still_open_is_not_asked_a_second_time():
    asking, go, asked = Asking(), threading.Event(), []

    def question():
        asked.append(1)
        go.wait()
        return "at last"

    asking.start({"slow": question})
    asking.start({"slow": question})
    go.set()
    assert asking.answer("slow", soon()) == "at last"
    assert asked == [1]
    asking.start({"slow": question})
    assert asking.answer("slow", soon()) == "at last"
    assert asked == [1, 1]


def test_ask_once_gives_up_in_time():
    with pytest.raises(SilentError):
        ask_once(lambda: time.sleep(3), 0.1)
