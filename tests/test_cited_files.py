"""A comment that sends somebody to a file sends them to one that is there."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import LONGEST_FIRST, WITH_LUDWIG

PROJECT = Path(__file__).parents[1]
FOLDERS = ("my_dagster_project", "tests", "benchmarks")
KNOWN = (*FOLDERS, "mlflow-tracking-server")
FILES = {path.relative_to(PROJECT).as_posix() for folder in KNOWN for path in (PROJECT / folder).rglob("*")}
FILES |= {path.name for path in PROJECT.iterdir()} | {
    f"configs/{path.name}" for path in (PROJECT / "configs").iterdir()
}
CITED = re.compile(r"[\w./-]*\w\.(?:py|md|adoc)\b|\b(?:research|shared)/[\w./-]+")


def words(source: str) -> Iterator[tuple[int, str]]:
    """Comments and docstrings, each with its line."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield getattr(node, "lineno", 1), ast.get_docstring(node) or ""


def missing(source: str) -> list[str]:
    if not CITED.search(source):
        return []
    cited = [(line, name) for line, text in words(source) for name in CITED.findall(text)]
    return [
        f"{line}: {name}"
        for line, name in cited
        if not any(file == name or file.endswith(f"/{name}") for file in FILES)
    ]


def test_no_comment_cites_a_file_that_is_not_here():
    sources = [path for folder in FOLDERS for path in (PROJECT / folder).rglob("*.py")]
    found = {path.relative_to(PROJECT).as_posix(): missing(path.read_text()) for path in sources}
    assert {path: lines for path, lines in found.items() if lines} == {}


def test_files_that_the_order_of_the_tests_names_are_there():
    """Two rooms were renamed, and their minutes came last."""
    assert [one for one in LONGEST_FIRST + WITH_LUDWIG if not (PROJECT / "tests" / one).exists()] == []


def test_the_rule_finds_a_citation_of_nothing():
    assert missing('"""See research/dagster.md 2g."""\n') == ["1: research/dagster.md"]
    assert missing("x = 1  # as gone.py does\n") == ["1: gone.py"]
    assert missing("x = 1  # as foundation/settings.py and README.adoc say\n") == []
