"""A file's name means one thing: whoever searches for it finds one file, or a command and what it commands."""

from collections import defaultdict
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "my_dagster_project"


def test_no_file_name_stands_for_two_things():
    places = defaultdict(list)
    for path in PACKAGE.rglob("*.py"):
        room = path.relative_to(PACKAGE).parts[0]
        if not path.name.startswith("__") and room != "cli":
            places[path.name].append(path.relative_to(PACKAGE).as_posix())
    assert {name: paths for name, paths in places.items() if len(paths) > 1} == {}
