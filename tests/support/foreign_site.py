"""A web site of somebody else's, whose pages want something from ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

from tests.support.loopback import Reply, serving

LAUNCH = """mutation { launchRun(executionParams: { mode: "default", selector: {
  repositoryLocationName: "my_dagster_project.definitions", repositoryName: "__repository__", pipelineName: "market_daily"
}}) { __typename } }"""
SOCKET = """address => new Promise(done => {
  const socket = new WebSocket(address, 'graphql-ws');
  socket.onopen = () => done('open');
  socket.onerror = () => done('refused');
})"""


def _page_of(target: str) -> bytes:
    """Forms and a link, aimed at a Dagit."""
    launch = f"{target}/graphql?query={quote(LAUNCH)}"
    return f"""<!DOCTYPE html><title>kittens</title>
      <form id="form" method="post" action="{launch}"><button>kittens</button></form>
      <form id="text" method="post" action="{launch}" enctype="text/plain"><button>more kittens</button></form>
      <form id="report" method="post" action="{target}/report_asset_materialization/market/IBM/bars">
        <button>kittens again</button></form>
      <a href="{launch}">a link</a>""".encode()


@contextmanager
def foreign_site(target: str) -> Iterator[str]:
    """Serve such pages; their address, on another name than `localhost`."""
    with serving(Reply(_page_of(target), headers={"Content-Type": "text/html"})) as site:
        yield site.url
