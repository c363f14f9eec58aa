"""Pages that are old are renewed before they are shown, or say so."""

import threading
import time

from my_dagster_project.people.front import snapshots
from my_dagster_project.people.front.snapshots import Snapshot, Snapshots


def old(**more) -> Snapshot:
    return Snapshot(None, None, "", None, taken=time.monotonic() - 900, **more)


def test_a_page_of_a_quarter_of_an_hour_is_renewed_before_it_is_shown():
    made = [old(), Snapshot(None, None, "new", None)]

    def make() -> Snapshot:
        time.sleep(0.05 if len(made) == 2 else 0.5)
        return made.pop(0)

    kept = Snapshots(make)
    assert kept.get(wait=5) is not None
    # Longer than the usual wait of a visitor, who would have been shown the old one.
    kept._made_at = -100.0
    found = kept.get(wait=0.1)
    assert (found.why, found.age) == ("new", "")


def test_while_it_cannot_be_renewed_it_is_shown_with_its_age(monkeypatch):
    monkeypatch.setattr(snapshots, "_OLD_WAIT_SECONDS", 0.1)
    hangs = threading.Event()
    answers = [old()]

    def make() -> Snapshot:
        if answers:
            return answers.pop()
        hangs.wait(10)
        return old()

    kept = Snapshots(make)
    kept.get(wait=5)
    kept._made_at = -100.0
    assert kept.get(wait=0.1).age == "15 min"
    hangs.set()
