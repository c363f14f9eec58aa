"""Configurations in layers: the organiser's defaults, a team's file over them, a symbol's overrides over both.

Mappings merge key by key; lists and scalars replace. One exception: where two mappings name different things by `type`
or `kind` (another optimizer, another indicator), the upper one replaces the lower whole, because the parameters of one
mean nothing to the other: an override `{kind: EMA, timeperiod: 5}` would otherwise inherit MACD's fastperiod.
"""

from dataclasses import dataclass
from typing import Any

from my_dagster_project.foundation.problems import Loc, Place
from my_dagster_project.teams.model_forms import alike, other_form
from my_dagster_project.teams.yaml_lines import Document

# What a mapping is: its other keys belong to this value.
_IDENTITY = ("type", "kind")


@dataclass(frozen=True)
class Layer:
    """Plain data, and the place in some file of everything in it."""

    data: dict[str, Any]
    places: dict[Loc, Place]

    @classmethod
    def of(cls, document: Document, file: str) -> "Layer":
        """The layer that one file is."""
        return cls(document.data, {loc: Place(file, line) for loc, line in document.lines.items()})

    def nearest(self, loc: Loc) -> Loc:
        """`loc`, or its nearest ancestor that is written in a file: where a missing key is missing."""
        return next((loc[:end] for end in range(len(loc), 0, -1) if loc[:end] in self.places), ())

    def place_of(self, loc: Loc) -> Place:
        """Where a person finds what is at `loc`; what is not there is missing in the uppermost file, which alone can have it."""
        if loc in self.places:
            return self.places[loc]
        own = self.places[()].file
        ancestors = (self.places.get(loc[:end]) for end in range(len(loc), 0, -1))
        return next((place for place in ancestors if place and place.file == own), self.places[()])

    def without(self, key: str) -> "Layer":
        """The same without one key of the top."""
        kept = {loc: place for loc, place in self.places.items() if loc[:1] != (key,)}
        return Layer({name: value for name, value in self.data.items() if name != key}, kept)

    def below(self, loc: Loc, keys: tuple[str, ...]) -> "Layer":
        """The mapping at `loc` as a layer of its own, of which only those `keys` that are mappings."""
        data: Any = self.data
        for part in loc:
            data = data[part]
        chosen = {key: data[key] for key in keys if isinstance(data.get(key), dict)}
        depth = len(loc)
        places = {
            place[depth:]: line
            for place, line in self.places.items()
            if place[:depth] == loc and (len(place) == depth or place[depth] in chosen)
        }
        return Layer(chosen, places)

    def over(self, lower: "Layer") -> "Layer":
        """This layer over a lower one; what both hold is this one's, place included."""
        replaced: set[Loc] = set()
        lower = lower._in_the_form_of(self.data)
        data = _merge(lower.data, self.data, (), replaced)
        kept = {
            loc: place
            for loc, place in lower.places.items()
            if not any(loc[:end] in replaced for end in range(len(loc) + 1))
        }
        return Layer(data, kept | self.places)

    def _in_the_form_of(self, upper: dict[str, Any]) -> "Layer":
        """The same with its model under the key under which `upper` has one, if at all."""
        key, other = other_form(self.data, upper)
        if not key:
            return self
        data = alike(self.data, upper)
        places = {
            (other, *loc[1:]) if loc[:1] == (key,) else loc: place for loc, place in self.places.items()
        }
        return Layer(
            data, {loc: place for loc, place in places.items() if loc[:1] != (other,) or other in data}
        )


def merged(lower: Any, upper: Any) -> Any:
    """What `upper` over `lower` comes to; neither is changed."""
    if isinstance(lower, dict) and isinstance(upper, dict):
        lower = alike(lower, upper)
    return _merge(lower, upper, (), set())


def _merge(lower: Any, upper: Any, loc: Loc, replaced: set[Loc]) -> Any:
    if not (isinstance(lower, dict) and isinstance(upper, dict)) or _differ_in_kind(lower, upper):
        replaced.add(loc)
        return upper
    both = {
        key: _merge(lower[key], value, (*loc, key), replaced) if key in lower else value
        for key, value in upper.items()
    }
    return lower | both


def _differ_in_kind(lower: dict[str, Any], upper: dict[str, Any]) -> bool:
    return any(key in lower and key in upper and lower[key] != upper[key] for key in _IDENTITY)
