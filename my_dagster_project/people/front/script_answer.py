"""How a script of the pages is sent, by whichever server shows them."""

from typing import TYPE_CHECKING

from my_dagster_project.people.front.security import headers
from my_dagster_project.people.front.static_files import script

if TYPE_CHECKING:
    from fastapi import Response


def script_answer(name: str) -> "Response":
    """A script, which a browser asks for once for each version; raises ObjectMissingError for one that there is not."""
    from fastapi import Response

    kept = {"Content-Encoding": "gzip", "Cache-Control": "public, max-age=31536000, immutable"}
    return Response(script(name).packed, media_type="text/javascript", headers=headers() | kept)
