"""The scripts of the pages, served from the installed packages: nothing is fetched from another host, nothing is built."""

import gzip
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from my_dagster_project.foundation.errors import ObjectMissingError

_HERE = Path(__file__).parent / "static"


@dataclass(frozen=True)
class Script:
    """A script, compressed, and the digest that its address carries: browsers keep it until it is another one."""

    packed: bytes
    digest: str


@cache
def script(name: str) -> Script:
    """One of the scripts by its name; raises ObjectMissingError for any other."""
    if name not in SCRIPTS:
        raise ObjectMissingError("There is no such script.")
    data = (_plotly() if name == "plotly.min.js" else _HERE / name).read_bytes()
    return Script(gzip.compress(data, 6, mtime=0), sha256(data).hexdigest()[:16])


def script_address(name: str) -> str:
    """Where a page finds a script."""
    return f"/static/{name}?{script(name).digest}"


def _plotly() -> Path:
    """The library inside the package `plotly`, which the lock file pins; importing it would cost 30 MB."""
    found = find_spec("plotly")
    if found is None or found.origin is None:
        raise ObjectMissingError("The package plotly is not installed; make setup brings it.")
    return Path(found.origin).parent / "package_data" / "plotly.min.js"


SCRIPTS = ("plotly.min.js", "front.js", "trial.js")
