"""A file's name means one thing: whoever searches for it finds one file, or a command and what it commands."""

import ast
from collections import defaultdict
from pathlib import Path

TESTS = Path(__file__).parent
PACKAGE = TESTS.parent / "my_dagster_project"


def test_no_file_name_stands_for_two_things():
    places = defaultdict(list)
    for path in PACKAGE.rglob("*.py"):
        room = path.relative_to(PACKAGE).parts[0]
        if not path.name.startswith("__") and room != "cli":
            places[path.name].append(path.relative_to(PACKAGE).as_posix())
    assert {name: paths for name, paths in places.items() if len(paths) > 1} == {}


# What only its writer knows what it stands for: a name that others meet is a noun of the field.
PRIVATE = {"desk", "said", "found", "known", "told", "one", "news", "counter", "book"}


def named(path: Path) -> set[str]:
    """The names that a file gives others: its own, its functions', classes' and methods', of tests its fixtures'."""
    nodes = [node for node in ast.walk(ast.parse(path.read_text())) if hasattr(node, "decorator_list")]
    if path.is_relative_to(TESTS):
        nodes = [node for node in nodes if any("fixture" in ast.unparse(one) for one in node.decorator_list)]
    return {path.stem, *(node.name.lower() for node in nodes)}


def test_no_name_that_others_meet_is_a_private_word():
    private = {path.name: names & PRIVATE for path in [*PACKAGE.rglob("*.py"), *TESTS.rglob("*.py")]
               if (names := named(path)) & PRIVATE}  # fmt: skip
    assert private == {}
