"""A real Redis server of the tests' own, on a free port of the loopback address."""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import redis

from tests.support.waiting import wait_until
from workers.files import lock_file

START_S = 60.0
# Below those that the kernel gives to sockets by itself; each is locked by the process that found it.
_PORTS = range(20_000, 32_000)
_CHANCE = random.SystemRandom()
_locks: list[int] = []


def by_client(url: str) -> str:
    """Name a server so that nox speaks to it through redis-py, as where a URL has options."""
    return f"{url}?health_check_interval=0"


class RedisServer:
    """A server that can be stopped, killed and started again on the same port and files."""

    def __init__(self, directory: Path, **options: str) -> None:
        """Start a server.

        Args:
            directory: where its files and its log lie.
            options: of redis.conf, with `_` for `-`: `appendonly="no"`, `maxmemory_policy="allkeys-lru"`.
        """
        self.directory = directory
        self.options = {"appendonly": "yes", "save": "", **options}
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        """Where it answers."""
        password = self.options.get("requirepass")
        secret = f":{quote(password, safe='')}@" if password else ""
        return f"redis://{secret}127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        """The server's process."""
        assert self._process is not None, "the server does not run"
        return self._process.pid

    def start(self) -> None:
        """Start the server, and wait until it has loaded its data and answers."""
        assert self._process is None, "the server runs already"
        self._process = subprocess.Popen(self._command(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        wait_until(self._answers, START_S, lambda: f"an answer of redis:\n{self.log()}")

    def stop(self) -> None:
        """End the server in good order, its data saved as its options say."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End the server at once, as a crash would."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Let the server accept connections and answer nothing."""
        assert self._process is not None, "the server does not run"
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen server go on."""
        assert self._process is not None, "the server does not run"
        self._process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """End the server, if it runs."""
        if self._process is not None:
            self.kill()

    def client(self) -> redis.Redis:
        """Connect to the server as an outsider would; close it after use, best by `with`."""
        return redis.Redis.from_url(self.url)

    def log(self) -> str:
        """Read what the server logged."""
        path = self.directory / "redis.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def _command(self) -> list[str]:
        program = shutil.which("redis-server") or shutil.which("valkey-server")
        assert program is not None, "the tests need redis-server or valkey-server on PATH"
        fixed = {
            "port": str(self.port),
            "bind": "127.0.0.1",
            "dir": str(self.directory),
            "logfile": str(self.directory / "redis.log"),
            "daemonize": "no",
        }
        settings = fixed | {name.replace("_", "-"): value for name, value in self.options.items()}
        return [program, *(word for name, value in settings.items() for word in (f"--{name}", value))]

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"redis ended:\n{self.log()}"
        try:
            with self.client() as client:
                return bool(client.ping())
        except (redis.ConnectionError, redis.TimeoutError):
            return False

    def _end(self, number: signal.Signals) -> None:
        assert self._process is not None, "the server does not run"
        self._process.send_signal(number)
        self._process.send_signal(signal.SIGCONT)
        self._process.wait(timeout=START_S)
        self._process = None


def free_port() -> int:
    """Find a free port; none gets it later, be it another test or a socket without a port."""
    folder = Path(tempfile.gettempdir(), "nox-tests-ports")
    folder.mkdir(exist_ok=True)
    while True:
        port = _CHANCE.choice(_PORTS)
        lock = lock_file(folder / str(port))
        if lock is None:
            continue
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            _locks.append(lock)
            return port
        os.close(lock)
