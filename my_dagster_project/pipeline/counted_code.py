"""What of a statement counts for a recipe: not what people read, only what computes."""

import ast
import re
from collections.abc import Iterator
from functools import cache

type _Told = tuple[str, frozenset[str], frozenset[tuple[str, str]], frozenset[str]]


@cache  # visiting changes the tree, and a function is reached from several stages
def plain_statement(statement: ast.stmt, of_asset: bool) -> _Told:
    """A statement without what does not count, the names it uses, what it imports itself, and the texts in it."""
    strip = _StripAsset() if of_asset else _Strip()
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
        self.targets |= {target for _, target in imports_of(node)}
        return ast.Pass()

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        self._body(node)
        self._hint(node.returns)
        node.returns = None
        return node

    def _body(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
        node.body = [one for one in node.body if not is_docstring(one)] or [ast.Pass()]
        self.generic_visit(node)


class _StripAsset(_Strip):
    """Of an asset's file also what it says and logs, and what it tells Dagster of the asset."""

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        return ast.Constant("")

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        return ast.Pass() if ".log." in ast.unparse(node) else self.generic_visit(node)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        node.decorator_list = []
        return super()._function(node)


class _Silent(ast.NodeTransformer):
    """Empties texts: what an error says is for people."""

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        return ast.Constant("") if isinstance(node.value, str) else node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        return ast.Constant("")


def imports_of(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, tuple[str, str]]]:
    """By the name it has here, the module and the name (or '') that something is imported from."""
    for alias in node.names:
        if isinstance(node, ast.ImportFrom):
            yield alias.asname or alias.name, (node.module or "", alias.name)
        else:
            yield alias.asname or alias.name.partition(".")[0], (alias.name, "")


def names_of(statement: ast.stmt) -> Iterator[str]:
    """The names that a statement at the top level defines."""
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


def is_for_people(statement: ast.stmt) -> bool:
    """Whether it is marked `@shown`, or an object that only tells Dagster something: `QUALITY = Gate(...)`."""
    marks = getattr(statement, "decorator_list", ())
    value = getattr(statement, "value", None)
    made = isinstance(value, ast.Call) and getattr(value.func, "id", "") == "Gate"
    return made or any(isinstance(one, ast.Name) and one.id == "shown" for one in marks)


def registers(statement: ast.stmt) -> bool:
    """Whether a decorator of ours may put a function where others find it; those of the standard library do not."""
    harmless = (
        "dataclass",
        "cache",
        "lru_cache",
        "contextmanager",
        "total_ordering",
        "overload",
        "runtime_checkable",
        "shown",
    )
    return any(
        not any(name in ast.dump(one) for name in harmless)
        for one in getattr(statement, "decorator_list", ())
    )


def is_docstring(statement: ast.stmt) -> bool:
    """Whether it is a text that stands alone."""
    value = getattr(statement, "value", None) if isinstance(statement, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)
