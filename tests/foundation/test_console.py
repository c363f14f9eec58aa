"""Text from outside is never markup: not in a terminal, whatever prints it."""

import ast
import io
import re
from pathlib import Path

import pytest
from rich.table import Table

from my_dagster_project.foundation.console import Console, styled

PROJECT = Path(__file__).parents[2]
SOURCES = [*PROJECT.glob("my_dagster_project/**/*.py"), *PROJECT.glob("benchmarks/**/*.py")]
OWNER = PROJECT / "my_dagster_project/foundation/console.py"
MARKUP = re.compile(r"\[/?(bold|b|dim|italic|i|red|green|yellow|blue|cyan|magenta)\b[^]]*\]|\[/\]")
HOSTILE = [
    "[/]",
    "[/b] and [red]more",
    "configs/red.yaml:100: no",
    "\\[b",
    "a\x1b[31mb\x1b]0;title\x07\r\x9bc\u202ed",
]


@pytest.fixture
def console():
    return Console(width=200, file=io.StringIO(), force_terminal=True, color_system="standard")


def seen(console) -> str:
    """What a terminal shows, without rich's own colours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", console.file.getvalue())


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_printed_is_what_was_said(console, text):
    plain = "".join(char for char in text if char.isprintable())
    table = Table(text, title=text)
    table.add_row(text)
    for print_it in (
        lambda: console.say(text),
        lambda: console.say((text, "red"), text),
        lambda: console.print(text),
        lambda: console.print(styled(text)),
        lambda: console.print(table),
    ):
        console.file.seek(0)
        console.file.truncate()
        print_it()
        assert plain in seen(console)
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", seen(console))


def test_a_secret_is_not_said(console, monkeypatch):
    monkeypatch.setenv("ALPACA_RED_SECRET", "canary-77f0-secret")
    console.say("the key ", ("canary-77f0-secret", "red"), " is wrong")
    assert "canary" not in seen(console)


def test_nothing_else_makes_a_console_or_writes_markup():
    found = {
        f"{path.relative_to(PROJECT)}:{line}: {why}"
        for path in SOURCES
        if path != OWNER
        for line, why in offences(ast.parse(path.read_text()))
    }
    assert not found


def test_the_rule_finds_what_it_forbids():
    planted = [
        "from rich.console import Console",
        "from rich import print",
        "from rich.markup import escape",
        "console.print(f'[red]{text}[/red]')",
        "Text.from_markup(text)",
        "TextColumn('{task.description}')",
        "TextColumn('{task.description}', markup=True)",
    ]
    assert all(list(offences(ast.parse(line))) for line in planted)


def offences(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            names = {alias.name for alias in node.names}
            if node.module in ("rich", "rich.markup") or (
                node.module == "rich.console" and "Console" in names
            ):
                yield node.lineno, "foundation.console has the one console, and no markup"
        if isinstance(node, ast.Attribute) and node.attr in ("from_markup", "render_markup"):
            yield node.lineno, "text is not markup"
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and MARKUP.search(node.value):
            yield node.lineno, "style it as (text, style)"
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "TextColumn":
            markup = [word.value for word in node.keywords if word.arg == "markup"]
            if [getattr(value, "value", None) for value in markup] != [False]:
                yield node.lineno, "TextColumn reads markup unless told not to"
