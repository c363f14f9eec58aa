"""The recipe of a stage: what computes it, hashed, so that a mended bug makes due what was made with it, and only that.

A recipe is the code that a row of `pipeline/chain.py` names with all that this code calls, ending at the rooms that only
carry data (foundation, storage, pipeline), the data files it names beside itself, and the installed versions of the
packages that compute. It is read from the syntax tree: comments, docstrings, formatting, type hints of functions, the texts
of errors and where a function lies change nothing. Its inputs are no part of it: whether they changed is what Dagster's data
versions say, so code that gives the same result makes nothing below it due.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGE = "my_dagster_project"
_HOME = Path(__file__).parents[1]
_ENDS = ("foundation", "storage", "pipeline", "teams", "git", "history", "notifications")
# By the name they are imported by: what gives other figures in another version.
_COMPUTING = {
    "ludwig": "ludwig",
    "torch": "torch",
    "onnx": "onnx",
    "onnxscript": "onnxscript",
    "onnxruntime": "onnxruntime",
    "talib": "ta-lib",
}


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
            self.imported.update(dict(_imports(statement)))
        elif isinstance(statement, ast.If) and "TYPE_CHECKING" in ast.dump(statement.test):
            for one in statement.body:
                self._take(one)
        elif names := list(_names_of(statement)):
            for name in names:
                self.defined.setdefault(name, []).append(statement)
            if getattr(statement, "decorator_list", None):
                self.effects += [statement] if _registers(statement) else []
        elif not _is_docstring(statement):
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
                self._take(found, statement)

    def _take(self, module: _Module, statement: ast.stmt) -> None:
        plain, names, targets, texts = _plain(statement)
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
            if text.endswith((".json", ".csv", ".yaml")) and "/" not in text and (folder / text).is_file():
                self.data.add(sha256((folder / text).read_bytes()).hexdigest())

    def _follow(self, module: str, name: str) -> None:
        root, _, rest = module.partition(".")
        if root != _PACKAGE:
            self.packages |= {root} & _COMPUTING.keys()
        elif not rest.startswith(_ENDS):
            inner = f"{rest}.{name}" if rest else name
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


type _Told = tuple[str, frozenset[str], frozenset[tuple[str, str]], frozenset[str]]


@cache  # visiting changes the tree, and a function is reached from several stages
def _plain(statement: ast.stmt) -> _Told:
    """A statement without what does not count, the names it uses, what it imports itself, and the texts in it."""
    strip = _Strip()
    plain = strip.visit(statement)
    nodes = list(ast.walk(plain))
    names = frozenset(node.id for node in nodes if isinstance(node, ast.Name))
    texts = frozenset(
        node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    return ast.dump(plain), names | strip.hints, frozenset(strip.targets), texts


class _Strip(ast.NodeTransformer):
    """Takes out docstrings, hints of functions, texts of errors and imports.

    What a hint names and what is imported is followed all the same: an argument brings the methods of its class along.
    """

    def __init__(self) -> None:
        self.targets: set[tuple[str, str]] = set()
        self.hints: set[str] = set()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._function(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        self._body(node)
        return node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        self._hint(node.annotation)
        return ast.arg(node.arg)

    def _hint(self, hint: ast.expr | None) -> None:
        for node in ast.walk(hint) if hint else ():
            if isinstance(node, ast.Name):
                self.hints.add(node.id)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                self.hints |= set(re.findall(r"[A-Za-z_]\w*", node.value))

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        return _Silent().visit(self.generic_visit(node))

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        return ast.Assert(self.visit(node.test))

    def visit_Import(self, node: ast.Import) -> ast.AST:
        return self._import(node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        return self._import(node)

    def _import(self, node: ast.Import | ast.ImportFrom) -> ast.AST:
        self.targets |= {target for _, target in _imports(node)}
        return ast.Pass()

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        self._body(node)
        self._hint(node.returns)
        node.returns = None
        return node

    def _body(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
        node.body = [one for one in node.body if not _is_docstring(one)] or [ast.Pass()]
        self.generic_visit(node)


class _Silent(ast.NodeTransformer):
    """Empties texts: what an error says is for people."""

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        return ast.Constant("") if isinstance(node.value, str) else node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        return ast.Constant("")


def _imports(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, tuple[str, str]]]:
    for alias in node.names:
        if isinstance(node, ast.ImportFrom):
            yield alias.asname or alias.name, (node.module or "", alias.name)
        else:
            yield alias.asname or alias.name.partition(".")[0], (alias.name, "")


def _names_of(statement: ast.stmt) -> Iterator[str]:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield statement.name
    elif isinstance(statement, ast.TypeAlias):
        yield statement.name.id
    else:
        targets = (
            statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        )
        for target in targets:
            yield from (node.id for node in ast.walk(target) if isinstance(node, ast.Name)) if target else ()


def _registers(statement: ast.stmt) -> bool:
    """Whether a decorator of ours may put a function where others find it; those of the standard library do not."""
    harmless = (
        "dataclass",
        "cache",
        "lru_cache",
        "contextmanager",
        "total_ordering",
        "overload",
        "runtime_checkable",
    )
    return any(
        not any(name in ast.dump(one) for name in harmless)
        for one in getattr(statement, "decorator_list", ())
    )


def _is_docstring(statement: ast.stmt) -> bool:
    value = getattr(statement, "value", None) if isinstance(statement, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)
