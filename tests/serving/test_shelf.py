"""Models are opened when they are asked for, and only so many stay open."""

from dataclasses import dataclass, field

import pytest

from my_dagster_project.foundation.errors import ModelError, ObjectMissingError
from my_dagster_project.serving.catalogue import Place
from my_dagster_project.serving.opened_model import OpenedModel, Stored
from my_dagster_project.serving.shelf import CHECK_SECONDS, Bounds, Shelf

A, B, C = (Place("red", symbol) for symbol in "ABC")


@dataclass
class Store:
    """A store of models of ten bytes each, by the version that stands there."""

    versions: dict[Place, str] = field(default_factory=dict)
    loads: list[tuple[Place, str]] = field(default_factory=list)
    time: float = 0.0

    def find(self, place: Place) -> Stored:
        if place not in self.versions:
            raise ObjectMissingError("none")
        return Stored(place, "", self.versions[place])

    def load(self, stored: Stored, place: Place) -> OpenedModel:
        self.loads.append((place, stored.md5))
        if stored.md5 == "broken":
            raise ModelError("it is broken")
        return OpenedModel(stored, None, 10, None)


def shelf_of(store: Store, **bounds) -> Shelf:
    return Shelf(store.find, store.load, Bounds(**bounds), now=lambda: store.time)


@pytest.mark.parametrize("bounds", [{"models": 2}, {"models": 9, "size": 29}])
def test_the_one_used_longest_ago_leaves(bounds):
    store = Store({A: "1", B: "1", C: "1"})
    shelf = shelf_of(store, **bounds)
    for place in (A, B, A, C):
        shelf.get(place)
    assert shelf.open_models() == (2, 20)
    assert shelf.at_hand(B) is None
    assert shelf.at_hand(A).stored.asset == A
    shelf.get(B)
    assert store.loads == [(A, "1"), (B, "1"), (C, "1"), (B, "1")]


def test_one_that_is_larger_than_all_is_open_alone():
    store = Store({A: "1", B: "1"})
    shelf = shelf_of(store, size=5)
    assert shelf.get(A).stored.md5 == shelf.get(B).stored.md5 == "1"
    assert shelf.open_models() == (1, 10)


def test_the_store_is_asked_again_after_a_while_and_only_then():
    store = Store({A: "1"})
    shelf = shelf_of(store)
    shelf.get(A)
    store.versions[A] = "2"
    assert shelf.get(A).stored.md5 == "1", "it has just been asked"
    store.time = 2 * CHECK_SECONDS + 1
    assert shelf.at_hand(A) is None
    assert shelf.get(A).stored.md5 == "2", "nobody gets what is older than that"
    store.versions[A] = "3"
    store.time += CHECK_SECONDS
    shelf.look_after_all()
    assert shelf.at_hand(A).stored.md5 == "3"
    assert shelf.replaced == 2


def test_a_broken_one_is_told_of_until_it_is_mended_and_one_that_is_gone_is_gone():
    store = Store({A: "1"})
    shelf = shelf_of(store)
    shelf.get(A)
    for version, served, problem in (("broken", "1", {A: "it is broken"}), ("2", "2", {})):
        store.versions[A] = version
        store.time += 100
        assert shelf.get(A).stored.md5 == served
        assert shelf.problems() == problem
    del store.versions[A]
    store.time += 100
    with pytest.raises(ObjectMissingError):
        shelf.get(A)
    assert shelf.open_models() == (0, 0)
