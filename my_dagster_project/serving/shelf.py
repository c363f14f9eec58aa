"""The opened models: loaded when first asked for, replaced when the store has another version, put away when there are too many."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from my_dagster_project.foundation.errors import ObjectMissingError, TradingError
from my_dagster_project.serving.catalogue import Place
from my_dagster_project.serving.opened_model import OpenedModel, Stored

CHECK_SECONDS = 4.0
"""How old what is known of the store may be: a promotion is served after this and the time it takes to open a model."""
_IN_USE_SECONDS = 60.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Bounds:
    """How many models are open at once, and how many bytes of files they have together."""

    models: int = 128
    size: int = 128 * 1024 * 1024


@dataclass
class _Slot:
    """One opened model; `problem` says why a newer version is not the one that answers."""

    model: OpenedModel
    checked: float
    used: float
    problem: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)


class Shelf:
    """Opened models by place. Safe to share between threads; whoever has got a model goes on with it whatever happens here.

    `find` says which version the store has for a place, `load` opens it; both raise TradingErrors.
    """

    def __init__(
        self,
        find: Callable[[Place], Stored],
        load: Callable[[Stored, Place], OpenedModel],
        bounds: Bounds | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._find, self._load, self._bounds, self._now = find, load, bounds or Bounds(), now
        self._lock, self._opening = threading.Lock(), threading.Lock()
        self._slots: OrderedDict[Place, _Slot] = OrderedDict()
        self.replaced = 0
        """How many models were replaced by a newer version while they were open."""

    def at_hand(self, place: Place) -> OpenedModel | None:
        """The open model of a place, if it was looked after in the last seconds: without waiting for anything."""
        with self._lock:
            slot = self._slots.get(place)
            if slot is None or self._now() - slot.checked > 2 * CHECK_SECONDS:
                return None
            return self._taken(place, slot)

    def get(self, place: Place) -> OpenedModel:
        """The model of a place, opened or looked after first where it has to be.

        Raises ObjectMissingError where there is none, ModelError where it cannot be opened and no earlier one is open.
        """
        if (model := self.at_hand(place)) is not None:
            return model
        if (slot := self._slot(place)) is not None:
            self._look_after(place, slot)
        with self._opening:
            slot = self._slot(place) or self._opened(place)
        with self._lock:
            return self._taken(place, slot)

    def look_after_all(self) -> None:
        """Ask the store about every model that was used lately: whoever asks for one then does not wait for that."""
        with self._lock:
            busy = [pair for pair in self._slots.items() if self._now() - pair[1].used < _IN_USE_SECONDS]
        for place, slot in busy:
            self._look_after(place, slot)

    def problems(self) -> dict[Place, str]:
        """Why a newer version of a model does not answer, by place."""
        with self._lock:
            return {place: slot.problem for place, slot in self._slots.items() if slot.problem}

    def open_models(self) -> tuple[int, int]:
        """How many models are open, and how many bytes of files they have."""
        with self._lock:
            return len(self._slots), sum(slot.model.size for slot in self._slots.values())

    def _slot(self, place: Place) -> _Slot | None:
        with self._lock:
            return self._slots.get(place)

    def _opened(self, place: Place) -> _Slot:
        model = self._load(self._find(place), place)
        slot = _Slot(model, self._now(), self._now())
        with self._lock:
            self._slots[place] = slot
            self._put_away()
        return slot

    def _look_after(self, place: Place, slot: _Slot) -> None:
        """Replace its model where the store has another; one that cannot be opened leaves the one that works."""
        with slot.lock:
            if self._now() - slot.checked < CHECK_SECONDS:
                return
            try:
                found = self._find(place)
                if found != slot.model.stored:
                    slot.model = self._load(found, place)
                    self.replaced += 1
                slot.problem = ""
            except ObjectMissingError as error:
                self._close(place)
                _log.info("%s/%s is served no more: %s", *place, error)
            except TradingError as error:
                slot.problem = str(error)
                _log.warning("%s/%s stays with the model it has: %s", *place, error)
            slot.checked = self._now()

    def _close(self, place: Place) -> None:
        with self._lock:
            self._slots.pop(place, None)

    def _taken(self, place: Place, slot: _Slot) -> OpenedModel:
        slot.used = self._now()
        if place in self._slots:
            self._slots.move_to_end(place)
        return slot.model

    def _put_away(self) -> None:
        """Close those that were used longest ago until the rest is within bounds; the newest always stays."""
        while len(self._slots) > 1 and (
            len(self._slots) > self._bounds.models
            or sum(slot.model.size for slot in self._slots.values()) > self._bounds.size
        ):
            self._slots.popitem(last=False)
