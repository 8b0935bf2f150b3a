"""Servers, workers and homes of a benchmark's own, ended with it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.processes import by_role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from workers.store.base import Store

ROOT = Path(__file__).parents[1]
PATIENCE_S = 120.0
# How long an idle worker has waited: its engine processes have loaded what they need by then.
WAITED_S = 3.0
# How often it is looked whether all is done: who looks takes time from who works.
LOOK_EVERY_S = 0.05
# The beginning of a command line; the environment names the nox that it runs.
NOX = (sys.executable, "-P", "-m", "nox_cli")


@dataclass(frozen=True, slots=True)
class Ground:
    """The environment and directory of a benchmark."""

    environ: dict[str, str]
    home: Path
    redis_url: str | None

    def nox(self, *words: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run one nox command to its end."""
        return subprocess.run(
            [*NOX, *words],
            env=self.environ,
            input=stdin,
            text=True,
            capture_output=True,
            check=True,
        )

    def store(self) -> Store:
        """Open the store the commands use."""
        from workers.store.opening import open_store
        from workers.store.settings import StoreSettings

        return open_store(StoreSettings(redis_url=self.redis_url, prefix="nox:", home=self.home))

    def cpu_seconds(self, worker: int | None = None) -> dict[str, float]:
        """Read processor seconds by role: of Redis, and of a worker and the processes below it."""
        found = {} if worker is None else by_role(worker)
        if self.redis_url is not None:
            import redis

            with redis.Redis.from_url(self.redis_url) as client:
                cpu = client.info("cpu")
            found["Redis"] = float(cpu["used_cpu_user"]) + float(cpu["used_cpu_sys"])
        return found

    @contextmanager
    def worker(self, slots: int) -> Iterator[int]:
        """Keep a foreground worker running; its process id."""
        with (self.home / "bench-worker.log").open("wb") as log:
            worker = subprocess.Popen(
                [*NOX, "worker", "--slots", str(slots)],
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
            try:
                until(lambda: worker.poll() is not None or self._has_worker(), "a worker", LOOK_EVERY_S)
                if worker.poll() is not None:
                    raise RuntimeError((self.home / "bench-worker.log").read_text())
                yield worker.pid
            finally:
                worker.terminate()
                worker.wait(30)

    def _has_worker(self) -> bool:
        """Whether a worker is alive: by a command, since an earlier nox has a store of another form."""
        return bool(json.loads(self.nox("status", "--json").stdout)["workers"])


def until(
    condition: Callable[[], bool], what: str, every_s: float = 0.005, patience_s: float = PATIENCE_S
) -> None:
    """Wait for a condition.

    Raises:
        TimeoutError: it did not come true within `patience_s`.
    """
    end = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {patience_s:.0f} s for {what}")
        time.sleep(every_s)


def earlier() -> Path | None:
    """Return the folder of the earlier nox that `EARLIER` names; None: it is not set, which is reported."""
    if tree := os.environ.get("EARLIER"):
        return Path(tree).resolve(strict=True)
    print("EARLIER names no folder of an earlier nox: it is left out", file=sys.stderr)
    return None


def clean_environ(home: Path, redis_url: str | None, tree: Path | None = None) -> dict[str, str]:
    """Build an environment in which nox sees only this benchmark; `tree`: the folder of another nox."""
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "PATH") if name in os.environ}
    kept |= {"NOX_HOME": str(home), "NOX_AUTOSTART": "never", "PYTHONPATH": str(tree or ROOT)}
    return kept | ({"REDIS_URL": redis_url} if redis_url else {})


@contextmanager
def local_ground(*, tree: Path | None = None) -> Iterator[Ground]:
    """A ground with the local store; `tree`: the folder of another nox."""
    with tempfile.TemporaryDirectory(prefix="nox-bench-") as folder:
        home = Path(folder)
        yield Ground(clean_environ(home, None, tree), home, None)


@contextmanager
def redis_ground(
    arguments: Sequence[str] = ("--appendonly", "yes", "--appendfsync", "everysec"),
    *,
    tree: Path | None = None,
) -> Iterator[Ground]:
    """A ground with a Redis server of its own on a free loopback port; `tree`: the folder of another nox."""
    with tempfile.TemporaryDirectory(prefix="nox-bench-") as folder:
        home = Path(folder)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        server = subprocess.Popen(
            [
                "redis-server",
                "--port",
                str(port),
                "--bind",
                "127.0.0.1",
                "--dir",
                folder,
                "--save",
                "",
                *arguments,
            ],
            stdout=subprocess.DEVNULL,
        )
        try:
            until(lambda: _answers(port), "redis-server")
            url = f"redis://127.0.0.1:{port}/0"
            yield Ground(clean_environ(home, url, tree), home, url)
        finally:
            server.terminate()
            server.wait(30)


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(7) == b"+PONG\r\n"
    except OSError:
        return False


def has(program: str) -> bool:
    """Whether a peer is installed here."""
    return shutil.which(program) is not None
