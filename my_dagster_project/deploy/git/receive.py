"""Stands before git's http-backend for pushes: one that is too large is refused in words, on the road git shows words on.

A web server's own refusal is "HTTP 413", and git prints "Everything up-to-date" below it; of a pack that git itself finds too
large it says "unpacker error". lighttpd has the whole request on disk by now and says how long it is.
"""

import os
import re
import sys
from collections.abc import Iterator
from typing import BinaryIO

from my_dagster_project.deploy.git.sight import become_backend

MOST_REQUEST = 100 * 1024 * 1024  # bytes of a push as it travels, the organiser's too
_TYPE = "application/x-git-receive-pack-result"
_UPDATE = re.compile(rb"[0-9a-f]{40,64} [0-9a-f]{40,64} ([^\0\n]+)")
_LONGEST = 60_000  # bytes of one message of the protocol


def main() -> None:
    """Refuse, or become git's own program."""
    size = int(os.environ.get("CONTENT_LENGTH") or 0)
    if size <= MOST_REQUEST:
        become_backend()
    from my_dagster_project.deploy.git.sizes import UNDO, in_words

    said = f"Refused: this push has {in_words(size)}; {in_words(MOST_REQUEST)} is the most one may have as it travels. {UNDO}"
    sys.stdout.buffer.write(
        b"Status: 200 OK\r\nContent-Type: %s\r\nCache-Control: no-cache\r\n\r\n" % _TYPE.encode()
        + refusal(said, list(updates(sys.stdin.buffer)))
    )


def updates(request: BinaryIO) -> Iterator[str]:
    """The refs that a push wants to move: what stands before the pack."""
    while length := int(request.read(4) or b"0000", 16):
        if found := _UPDATE.match(request.read(length - 4)):
            yield found[1].decode(errors="replace")


def refusal(said: str, refs: list[str]) -> bytes:
    """receive-pack's answer that moves none of the refs: the text for the person, the report for the program."""
    report = [
        _line(b"unpack too large\n"),
        *(_line(f"ng {ref} too large\n".encode()) for ref in refs),
        b"0000",
    ]
    return b"".join([_line(b"\x02" + f"{said}\n".encode()[:_LONGEST]), *_banded(b"".join(report)), b"0000"])


def _banded(report: bytes) -> Iterator[bytes]:
    for start in range(0, len(report), _LONGEST):
        yield _line(b"\x01" + report[start : start + _LONGEST])


def _line(data: bytes) -> bytes:
    return b"%04x" % (len(data) + 4) + data


if __name__ == "__main__":
    main()
