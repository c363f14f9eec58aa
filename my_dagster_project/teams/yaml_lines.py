"""Strict YAML with positions: plain data, and the line of every key and list item.

What teams write is untrusted. Everything that could run code, grow without bound or silently mean something else than
it says is refused here, each with one message: tags, anchors and aliases (billion laughs), merge keys, duplicate keys,
several documents, deep nesting, files over 256 kB, more than 1000 entries in a list, octal and base-60 numbers,
merge-conflict markers.
"""

import math
import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import yaml
from yaml import CSafeLoader
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from my_dagster_project.foundation.problems import Loc, shorten

MAX_BYTES = 256 * 1024
# libyaml's composer recurses on the C stack: 100 kB of "[" would end the process, not raise.
MAX_DEPTH = 24
# Entries of one list or mapping. 100 000 numbers fit into a file, pass for optimizer betas and take seconds to walk.
MAX_ENTRIES = 1000

_CONFLICT = re.compile(r"^(<{7}|={7}|>{7}|\|{7})(\s|$)", re.MULTILINE)
# Spaces that no key on a keyboard makes and no editor shows, as copied from a page or a document.
_ODD_SPACE = re.compile("[\u00a0\u00ad\u1680\u180e\u2000-\u200f\u2028\u2029\u202f\u205f\u2060\u3000\ufeff]")
_COMMENT = re.compile(r"(^|[ \t])#.*")
_BASE_60 = re.compile(r"^[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?$")
_OCTAL = re.compile(r"^[-+]?0[0-7_]+$")
_INT_LIMIT = 2**63
_NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")


class YamlProblemError(Exception):
    """The text is not YAML we accept: `line` (1-based) and what to do about it."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message


@dataclass(frozen=True)
class Document:
    """A YAML file's mapping as plain data, with the 1-based line of everything in it."""

    data: dict[str, Any]
    lines: dict[Loc, int]


def parse_yaml(raw: bytes | str) -> Document:
    """Parse one YAML mapping. Raises YamlProblemError for anything else; never another exception."""
    text = _decode(raw)
    try:
        _check_events(text)
        loader = CSafeLoader(text)
        try:
            root = loader.get_single_node()
            return _Builder(loader).document(root)
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        raise _syntax_problem(text, error) from None


def _decode(raw: bytes | str) -> str:
    """The text of a file of acceptable size and encoding, without conflict markers."""
    try:
        data = raw.encode("utf-8") if isinstance(raw, str) else raw
        if len(data) > MAX_BYTES:
            kilobytes = MAX_BYTES // 1024
            raise YamlProblemError(
                1, f"is larger than {kilobytes} kB, the most a configuration file may have"
            )
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise YamlProblemError(line, "is not UTF-8 text; save the file with UTF-8 encoding") from None
    except UnicodeEncodeError:
        raise YamlProblemError(1, "is not UTF-8 text; save the file with UTF-8 encoding") from None
    marker = _CONFLICT.search(text)
    if marker:
        line = text.count("\n", 0, marker.start()) + 1
        raise YamlProblemError(
            line, f"merge conflict marker {marker[1]}; finish the merge and remove the markers"
        )
    _check_spaces(text)
    return text


def _check_spaces(text: str) -> None:
    """Refuse spaces that are none to YAML, which takes them for letters of the word before; comments may hold them."""
    for number, line in enumerate(text.split("\n") if _ODD_SPACE.search(text) else (), start=1):
        if odd := _ODD_SPACE.search(_COMMENT.sub("", line)):
            name = unicodedata.name(odd[0], "space").lower()
            raise YamlProblemError(
                number,
                f"column {odd.start() + 1} holds a {name} (U+{ord(odd[0]):04X}), a letter to YAML; put a plain space",
            )


def _check_events(text: str) -> None:
    """Refuse what must not even be composed; a flat pass that costs the same however the file is nested."""
    depth = documents = 0
    for event in yaml.parse(text, Loader=CSafeLoader):
        line = _line(event)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise YamlProblemError(line, "anchors and aliases (& and *) are not allowed; write the value out")
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise YamlProblemError(line, f"the tag {shorten(tag)} is not allowed; write the plain value")
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise YamlProblemError(line, "a second document starts here (---); a file holds one")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise YamlProblemError(line, f"is nested more than {MAX_DEPTH} levels deep")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _syntax_problem(text: str, error: yaml.YAMLError) -> YamlProblemError:
    """The parser's complaint in one line, with the usual cause named."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is None:  # the reader's errors have a position instead: a character that YAML does not allow
        position = getattr(error, "position", 0) or 0
        line = text.encode("utf-8").count(b"\n", 0, position) + 1
        return YamlProblemError(line, "holds a character that YAML does not allow (a control character)")
    lines = text.splitlines() or [""]
    number = min(mark.line, len(lines) - 1)  # libyaml points behind the end for what is never closed
    source = lines[number]
    if "\t" in source[: len(source) - len(source.lstrip())]:
        return YamlProblemError(number + 1, "a tab indents this line; YAML allows only spaces")
    what = getattr(error, "problem", None) or "cannot be read"
    begun = getattr(error, "context_mark", None)
    where = f" (in what begins on line {begun.line + 1})" if begun and begun.line < number else ""
    return YamlProblemError(number + 1, f"is not valid YAML: {_one_line(what)}{where}")


def _one_line(text: str) -> str:
    """At most one screen line of a library's message."""
    flat = " ".join(text.split())
    return flat if len(flat) <= 120 else flat[:117] + "..."


class _Builder:
    """Walks the composed nodes once: plain data and lines together."""

    def __init__(self, loader: CSafeLoader) -> None:
        self._loader = loader
        self._lines: dict[Loc, int] = {}

    def document(self, root: Node | None) -> Document:
        if root is None or (isinstance(root, ScalarNode) and root.value == ""):
            raise YamlProblemError(1, "is empty")
        if not isinstance(root, MappingNode):
            raise YamlProblemError(_line(root), "must be a mapping (`key: value` lines) at the top")
        self._lines[()] = 1
        return Document(self._mapping(root, ()), self._lines)

    def _value(self, node: Node, loc: Loc) -> Any:
        if isinstance(node, MappingNode):
            return self._mapping(node, loc)
        if isinstance(node, SequenceNode):
            return self._sequence(node, loc)
        return self._scalar(node)

    def _mapping(self, node: MappingNode, loc: Loc) -> dict[str, Any]:
        _check_length(node)
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node)
            if key in data:
                first = self._lines[(*loc, key)]
                raise YamlProblemError(
                    _line(key_node), f"{shorten(key)}: this key is already there in line {first}"
                )
            self._lines[(*loc, key)] = _line(key_node)
            data[key] = self._value(value_node, (*loc, key))
        return data

    def _sequence(self, node: SequenceNode, loc: Loc) -> list[Any]:
        _check_length(node)
        items = []
        for index, item in enumerate(node.value):
            self._lines[(*loc, index)] = _line(item)
            items.append(self._value(item, (*loc, index)))
        return items

    def _key(self, node: Node) -> str:
        if not isinstance(node, ScalarNode):
            raise YamlProblemError(_line(node), "a list or mapping cannot be a key")
        if node.tag == "tag:yaml.org,2002:merge":
            raise YamlProblemError(_line(node), "merge keys (<<) are not allowed; write the values out")
        if node.tag != "tag:yaml.org,2002:str":
            kind = node.tag.rpartition(":")[2]
            raise YamlProblemError(
                _line(node),
                f"YAML reads the key {shorten(node.value)} as {kind}, not as text; use another name",
            )
        return str(node.value)

    def _scalar(self, node: Node) -> Any:
        if node.tag in _NUMBERS and _BASE_60.match(node.value):
            # Not even constructed: PyYAML multiplies digit by digit, 200 kB of "1:1:1:..." took 6.5 s of every look.
            text = shorten(node.value)
            raise YamlProblemError(
                _line(node), f'YAML reads {text} as a base-60 number; put it in quotes: "{text}"'
            )
        try:
            value = self._loader.construct_object(node)
        except (ValueError, OverflowError):
            raise YamlProblemError(_line(node), f"{shorten(node.value)} is no valid date or number") from None
        if isinstance(value, int | float) and not isinstance(value, bool):
            _check_number(node, value)
        if not isinstance(value, str | int | float | date | datetime | None):
            raise YamlProblemError(_line(node), f"{shorten(node.value)} is nothing a configuration can hold")
        return value


def _check_length(node: MappingNode | SequenceNode) -> None:
    if len(node.value) > MAX_ENTRIES:
        text = f"{len(node.value)} entries in one list or mapping; {MAX_ENTRIES} are allowed"
        raise YamlProblemError(_line(node), text)


def _check_number(node: Node, value: float) -> None:
    """Refuse numbers that are not what they look like to a person, and those that no setting can mean."""
    text = shorten(node.value)
    if _OCTAL.match(node.value):
        raise YamlProblemError(_line(node), f"YAML reads {text} as octal; write it without the leading zero")
    if isinstance(value, float) and not math.isfinite(value):
        raise YamlProblemError(_line(node), f"{text} is not a finite number")
    if abs(value) >= _INT_LIMIT:
        raise YamlProblemError(_line(node), f"{text} is too large a number")


def _line(item: Node | yaml.Event) -> int:
    """The 1-based line on which a node or event starts."""
    return item.start_mark.line + 1 if item.start_mark else 1
