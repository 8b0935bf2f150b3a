"""A real `nox serve` process, and a client that holds its token."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol

import httpx2

from tests.support.environment import changed
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.nox import Nox

START_S = 60.0
LIMIT_S = 30.0
_count = count(1)
_URL = re.compile(r"listening url=(\S+)")


class Server:
    """A `nox serve` on a free port of the loopback address."""

    def __init__(self, nox: Nox, *args: str, env: Mapping[str, str | None] | None = None) -> None:
        """Start it, and wait until it listens."""
        self.nox = nox
        self.log_path = nox.home.parent / f"serve-{next(_count)}.log"
        bind = () if "--unix" in args else ("--bind", "127.0.0.1:0")
        with self.log_path.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "nox_cli", "serve", *bind, *args],
                env=changed(nox.environ, env or {}),
                cwd=nox.cwd,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        wait_until(self._is_listening, START_S, lambda: f"a server:\n{self.log}")

    def _is_listening(self) -> bool:
        assert self.process.poll() is None, f"the server ended: {self.log}"
        return "token of this server" in self.log

    @property
    def log(self) -> str:
        """What the server wrote so far."""
        return self.log_path.read_text(errors="replace")

    @property
    def url(self) -> str:
        """Where it listens."""
        found = _URL.search(self.log)
        assert found is not None, self.log
        return found[1]

    @property
    def token(self) -> str:
        """The server's own token."""
        return (self.nox.home / "serve.token").read_text().strip()

    def client(self, **options: Any) -> httpx2.Client:
        """Make a client that sends the server's own token."""
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx2.Client(base_url=self.url, headers=headers, timeout=LIMIT_S, **options)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End it by a signal, and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(LIMIT_S)

    def close(self) -> None:
        """End it, if it runs; kill it if it does not follow."""
        try:
            self.stop()
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(LIMIT_S)
            raise


class Serve(Protocol):
    """Starts a server of a nox, with options of `nox serve`."""

    def __call__(self, nox: Nox, *args: str) -> Server:
        """Start it; it is ended after the test."""
