"""Headers of every answer: a page of ours runs scripts of this server alone, asks no other host, and a report can do nothing but draw itself."""

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

# Of plotly.js 2.35.2; another one logs a violation, which tests/e2e/test_front.py sees.
_OF_PLOTLY = "gG0b4ixT/IQUp7JJLbyKcpYcYDjq2Wp8NGv3f+aasqo="


@cache
def page_policy() -> str:
    """The policy of our own pages: the one style sheet by its hash, scripts, pictures and forms of this server, nothing else.

    The empty style sheet is allowed too, to which plotly.js adds its rules, and the one it brings along for maps.
    """
    styles = " ".join(f"'sha256-{digest}'" for digest in (_digest(style()), _digest(""), _OF_PLOTLY))
    return (
        f"default-src 'none'; style-src {styles}; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )


def _digest(text: str) -> str:
    return base64.b64encode(sha256(text.encode()).digest()).decode()


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
