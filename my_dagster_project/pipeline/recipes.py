"""The recipe of a stage: what computes it, hashed, so that a mended bug makes due what was made with it, and only that.

A recipe is the code of the file that makes a stage's assets, and what the row in `pipeline/chain.py` names besides, with all
that this code calls, ending at the rooms that only carry data (foundation, storage, the rest of pipeline) and at what only
waits; the data files it names beside itself, and the installed versions of the packages that compute. It is read from the
syntax tree: comments, docstrings, formatting, type hints of functions, the texts of errors and where a function lies change
nothing; nor does what an asset's file says, logs or marks as `shown`. Its inputs are no part of it: whether they changed is
what Dagster's data versions say, so code that gives the same result makes nothing below it due.
"""

import ast
import sys
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from my_dagster_project.models.kinds.table import KINDS
from my_dagster_project.pipeline.counted_code import (
    imports_of,
    is_docstring,
    is_for_people,
    names_of,
    plain_statement,
    registers,
)

_PACKAGE = "my_dagster_project"
_HOME = Path(__file__).parents[1]
_ENDS = (
    *("foundation", "storage", "pipeline", "teams", "git", "history", "notifications"),
    # A kind of model is in the recipes of its own models only, which name what it does (`Stage.kind_does`).
    *("models.kinds.table", "models.kinds.port"),
    # What waits, locks or stops trading decides when, not what.
    *("trading.halts", "trading.lease", "trading.patience"),
)
# By the name they are imported by: what gives other figures in another version.
_COMPUTING = {
    "onnx": "onnx",
    "onnxscript": "onnxscript",
    "onnxruntime": "onnxruntime",
    "talib": "ta-lib",
    **{name: package for kind in KINDS.values() for name, package in kind.packages.items()},
}


_DATA = (".json", ".csv", ".yaml", ".html")


def read_source(module: str) -> str | None:
    """The text of a module of ours (`domain.features`), None where there is no such file."""
    path = _HOME.joinpath(*module.split("."))
    file = path.with_suffix(".py")
    return file.read_text(encoding="utf-8") if file.is_file() else None


@cache
def recipe_of(code: tuple[str, ...]) -> str:
    """Twelve digits of the SHA-256 of everything that `code` (`module:function`) computes with.

    Raises KeyError for a name that is not there: a row would then stand for nothing.
    """
    found = _Closure()
    for start in code:
        module, _, name = start.partition(":")
        module = module.removeprefix(f"{_PACKAGE}.")
        if name not in _module(module).defined:
            raise KeyError(f"{start}: pipeline/chain.py names it, and {module} has no such function")
        found.reach(module, name)
    parts = sorted({*found.code, *found.data, *(_installed(name) for name in found.packages)})
    return sha256("\n".join(parts).encode()).hexdigest()[:12]


class _Module:
    """The top level of a file: what each name is defined by or imported from, and what happens when it is loaded."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.defined: dict[str, list[ast.stmt]] = {}
        self.imported: dict[str, tuple[str, str]] = {}
        self.effects: list[ast.stmt] = []
        for statement in ast.parse(text).body:
            self._take(statement)

    def _take(self, statement: ast.stmt) -> None:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            self.imported.update(dict(imports_of(statement)))
        elif isinstance(statement, ast.If) and "TYPE_CHECKING" in ast.dump(statement.test):
            for one in statement.body:
                self._take(one)
        elif names := list(names_of(statement)):
            for name in names:
                self.defined.setdefault(name, []).append(statement)
            if getattr(statement, "decorator_list", None):
                self.effects += [statement] if registers(statement) else []
        elif not is_docstring(statement):
            self.effects.append(statement)


class _Closure:
    """What is reached from some functions: their code and that of all they name, data files, packages."""

    def __init__(self) -> None:
        self.code: set[str] = set()
        self.data: set[str] = set()
        self.packages: set[str] = set()
        self._seen: set[tuple[str, str]] = set()

    def reach(self, module: str, name: str) -> None:
        """Take in a name of a module; '' is all of it."""
        if (module, name) in self._seen:
            return
        self._seen.add((module, name))
        found = _module(module)
        for statement in found.effects if (module, "effects") not in self._seen else ():
            self._take(found, statement)
        self._seen.add((module, "effects"))
        for one in [name] if name else list(found.defined):
            if one in found.imported:
                self._follow(*found.imported[one])
            for statement in found.defined.get(one, ()):
                if not (module.startswith("pipeline") and is_for_people(statement)):
                    self._take(found, statement)

    def _take(self, module: _Module, statement: ast.stmt) -> None:
        plain, names, targets, texts = plain_statement(statement, module.name.startswith("pipeline"))
        self.code.add(plain)
        for target in targets:
            self._follow(*target)
        for name in names:
            if name in module.imported:
                self._follow(*module.imported[name])
            elif name in module.defined:
                self.reach(module.name, name)
        folder = _HOME.joinpath(*module.name.split(".")[:-1])
        for text in texts:
            beside = (folder / text, folder / "templates" / text) if _is_data(text) else ()
            self.data |= {sha256(one.read_bytes()).hexdigest() for one in beside if one.is_file()}

    def _follow(self, module: str, name: str) -> None:
        root, _, rest = module.partition(".")
        if root != _PACKAGE:
            self.packages |= {root} & _COMPUTING.keys()
        elif not (inner := f"{rest}.{name}" if rest else name).startswith(_ENDS):
            if name and read_source(inner) is not None:
                self.reach(inner, "")
            elif read_source(rest) is not None:
                self.reach(rest, name)


@cache
def _module(name: str) -> _Module:
    text = read_source(name)
    if text is None:
        raise KeyError(f"{name}: pipeline/chain.py names it, and there is no such module")
    return _Module(name, text)


@cache
def _installed(package: str) -> str:
    """A package and its version, without what says for which machine it was built."""
    name = _COMPUTING[package]
    try:
        return f"{name} {version(name).partition('+')[0]}"
    except PackageNotFoundError:
        return name


def _is_data(text: str) -> bool:
    return text.endswith(_DATA) and "/" not in text


def fingerprint_of_all() -> str:
    """The SHA-256 of all that any recipe may depend on: of every file of ours that counts, and of the installed versions."""
    digest = sha256("\n".join([sys.version, *map(_installed, _COMPUTING)]).encode())
    for folder, folders, files in _HOME.walk():
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        for name in sorted(files):
            if name.endswith((".py", *_DATA)):
                body = (folder / name).read_bytes()
                digest.update(f"{folder.relative_to(_HOME)}/{name} {len(body)}\n".encode())
                digest.update(body)
    return digest.hexdigest()
