"""A web site of somebody else's, whose pages want something from ours."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote

LAUNCH = """mutation { launchRun(executionParams: { mode: "default", selector: {
  repositoryLocationName: "my_dagster_project.definitions", repositoryName: "__repository__", pipelineName: "market_daily"
}}) { __typename } }"""
SOCKET = """address => new Promise(done => {
  const socket = new WebSocket(address, 'graphql-ws');
  socket.onopen = () => done('open');
  socket.onerror = () => done('refused');
})"""


def page_of(target: str) -> bytes:
    """Forms and a link, aimed at a Dagit."""
    launch = f"{target}/graphql?query={quote(LAUNCH)}"
    return f"""<!DOCTYPE html><title>kittens</title>
      <form id="form" method="post" action="{launch}"><button>kittens</button></form>
      <form id="text" method="post" action="{launch}" enctype="text/plain"><button>more kittens</button></form>
      <form id="report" method="post" action="{target}/report_asset_materialization/market/IBM/bars">
        <button>kittens again</button></form>
      <a href="{launch}">a link</a>""".encode()


@contextmanager
def site_of(page: bytes) -> Iterator[str]:
    """Serve the page; its address, on another name than `localhost`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
