"""Servers that are worse than dead: one takes connections and never says a word, one says nonsense."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def hanging() -> Iterator[int]:
    """The port of a socket that is listened at and never answered from: the kernel takes connections, nobody reads."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield server.getsockname()[1]


@contextmanager
def babbling(said: bytes) -> Iterator[int]:
    """The port of a server that says the same to everybody and hangs up."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:

        def answer() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(1000)
                    connection.sendall(said)

        threading.Thread(target=answer, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
