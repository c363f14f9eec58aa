"""A real HTTP server on 127.0.0.1 that takes POSTs and keeps them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Listener:
    """`posts` holds path, headers and body of each."""

    def __init__(self, status: int, body: bytes = b"") -> None:
        self.posts: list[tuple[str, dict[str, str], bytes]] = []
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                taken = self.rfile.read(int(self.headers["Content-Length"]))
                listener.posts.append((self.path, dict(self.headers.items()), taken))
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        ).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def listening(status: int = 200, body: bytes = b"") -> Iterator[Listener]:
    listener = Listener(status, body)
    try:
        yield listener
    finally:
        listener.close()
