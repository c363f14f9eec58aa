"""What we use of Dagster's private modules stands in one file, and an upgrade that takes a piece away is told by its name."""

import ast
import importlib
from pathlib import Path

import dagster as dg

from my_dagster_project.foundation import dagster_private

OURS = Path(dagster_private.__file__)


@dg.asset(key=["red", "AAPL", "predictions"])
def prediction() -> None: ...


@dg.asset(key=["red", "orders"], deps=[prediction])
def orders() -> None: ...


def imports(file: Path) -> list[tuple[str, str]]:
    """Module and name of everything that a file imports."""
    return [
        (module, name.name)
        for node in ast.walk(ast.parse(file.read_text()))
        for module in [getattr(node, "module", "") or ""]
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in node.names
    ]


def private_imports(file: Path) -> list[tuple[str, str]]:
    """Of these what is private to Dagster; of its web server and GraphQL everything but the command is."""
    return [
        (module, name)
        for module, name in imports(file)
        if f"{module}.{name}".lstrip(".").startswith(("dagster._", "dagster_graphql", "dagster_webserver."))
        and (module, name) != ("dagster_webserver", "cli")
    ]


def test_everything_we_use_is_still_there():
    taken = [
        f"{module}: {name}"
        for module, name in private_imports(OURS)
        if not hasattr(importlib.import_module(module), name)
    ]
    assert taken == [], "Dagster has moved or dropped these; mend foundation/dagster_private.py"


def test_what_is_loaded_late_is_there_too():
    late = dagster_private._LATE
    declared = {(name, module) for module, name in imports(OURS)}
    assert set(late.items()) <= declared
    assert all(hasattr(dagster_private, name) for name in late)
    assert dagster_private.dev_command_module().open_ipc_subprocess
    assert dagster_private.dev_command_module()._SUBPROCESS_WAIT_TIMEOUT


def test_nobody_else_reaches_into_dagster():
    package = OURS.parents[1]
    assert [file.name for file in package.rglob("*.py") if file != OURS and private_imports(file)] == []


def test_dagsters_own_commands_read_a_selection():
    """Their parser is of ANTLR 4.13; with 4.9, which omegaconf pins, `dagster asset materialize --select` crashed."""
    selection = dg.AssetSelection.from_string('+key:"red/orders"')
    assert selection.resolve([prediction, orders]) == {orders.key, prediction.key}
