"""Headers of every answer: no page of ours runs a script or asks another host, and a report can do nothing but draw itself."""

import base64
from functools import cache
from hashlib import sha256

from my_dagster_project.people.front.pages import style

# Evidently's page is one file with its library inside. `sandbox` without allow-same-origin makes it a stranger to this
# site: whatever runs in it reads no other page of ours and sends nothing anywhere.
REPORT_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; font-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox allow-scripts allow-downloads"
)


@cache
def page_policy() -> str:
    """The policy of our own pages: the one style sheet by its hash, pictures from here, nothing else."""
    digest = base64.b64encode(sha256(style().encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src 'self' data:; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    )


def headers(policy: str | None = None) -> dict[str, str]:
    """The headers of an answer; `policy` replaces that of our own pages."""
    return {
        "Content-Security-Policy": policy or page_policy(),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        "Cache-Control": "no-cache",
    }
