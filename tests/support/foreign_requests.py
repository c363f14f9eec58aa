"""Requests as browsers make them for pages, and as programs do: which of them change something for somebody else's page."""

from dataclasses import dataclass, field

HOST = "trading.example.org:3000"
SELF, OTHER = f"http://{HOST}", "https://elsewhere.example.com"


@dataclass(frozen=True)
class Asked:
    """A request, and whether it comes from another site's page."""

    why: str
    foreign: bool
    headers: dict[str, str] = field(default_factory=dict)
    method: str = "POST"

    def __str__(self) -> str:
        return self.why


ASKED = [
    Asked("a form of another site", True, {"Origin": OTHER, "Sec-Fetch-Site": "cross-site"}),
    # Browsers say Sec-Fetch-Site to https and loopback addresses only.
    Asked("a form of another site, over http", True, {"Origin": OTHER}),
    Asked("another site, and no Origin", True, {"Sec-Fetch-Site": "cross-site"}),
    Asked("another port of the same machine", True, {"Origin": "http://trading.example.org:9000"}),
    Asked("another port, said so", True, {"Origin": "http://localhost:9", "Sec-Fetch-Site": "same-site"}),
    Asked("a name that begins like ours", True, {"Origin": f"{SELF}.example.com"}),
    Asked("a name that ends like ours", True, {"Origin": f"http://my-{HOST}"}),
    Asked("a sandboxed page", True, {"Origin": "null"}),
    Asked("an Origin that is none", True, {"Origin": "http://[x"}),
    Asked("another site, by its Referer alone", True, {"Referer": f"{OTHER}/kittens"}),
    Asked("another site whose address names ours", True, {"Referer": f"{OTHER}/?{SELF}/"}),
    Asked("a script that deletes", True, {"Origin": OTHER}, "DELETE"),
    Asked("a web socket", True, {"Origin": OTHER, "Upgrade": "websocket", "Connection": "Upgrade"}, "GET"),
    Asked("our own page", False, {"Origin": SELF, "Sec-Fetch-Site": "same-origin"}),
    Asked("our own page, over http", False, {"Origin": SELF}),
    Asked("our own page, by its Referer alone", False, {"Referer": f"{SELF}/runs"}),
    Asked(
        "our own web socket", False, {"Origin": SELF, "Upgrade": "websocket", "Connection": "Upgrade"}, "GET"
    ),
    Asked("a program", False),
    Asked("typed by the user", False, {"Sec-Fetch-Site": "none"}, "GET"),
    Asked("a link on another site", False, {"Sec-Fetch-Site": "cross-site"}, "GET"),
    Asked("a proxy that says what it was asked as", False, {"Origin": OTHER, "X-Forwarded-Host": OTHER[8:]}),
    Asked("a proxy that says nothing", False, {"Origin": OTHER, "Sec-Fetch-Site": "same-origin"}),
]
