"""The container's health check: the web server asks for an account, and there is a main branch to clone."""

import os
import sys
import urllib.error
import urllib.request
from http import HTTPStatus
from pathlib import Path

from my_dagster_project.deploy.git.repository import has_main


def main() -> str:
    """'' when healthy, else what is wrong."""
    port = os.environ.get("GIT_PORT") or "8418"
    repo = Path(os.environ.get("GIT_ROOT") or "/srv/git") / "teams.git"
    url = f"http://127.0.0.1:{port}/teams.git/info/refs?service=git-upload-pack"
    try:
        urllib.request.urlopen(url, timeout=3).close()
    except urllib.error.HTTPError as error:
        if error.code != HTTPStatus.UNAUTHORIZED:
            return f"the web server answers {error.code}"
    except OSError as error:
        return f"the web server does not answer: {error}"
    else:
        return "the repository can be read without an account"
    return "" if has_main(repo) else "the repository has no main branch yet: push it as organiser"


if __name__ == "__main__":
    sys.exit(main() or 0)
