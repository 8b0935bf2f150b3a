"""A power cut takes from Redis's file whatever had not been synced by then."""

from __future__ import annotations

import os
import re
import signal
from typing import TYPE_CHECKING

import pytest

from tests.support.nox import Nox
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ECHO = ("submit", "--kind", "echo", "--payload", "1", "--no-start")
_CALL = re.compile(r"(?P<thread>\d+) +(?P<name>write|fdatasync|fsync)\(\d+<(?P<path>[^>]*\.aof)>")
_RESUMED = re.compile(r"(?P<thread>\d+) +<\.\.\. (write|fdatasync|fsync) resumed>")
_RESULT = re.compile(r"= (?P<result>-?\d+)")


class PowerlessRedis(RedisServer):
    """A Redis from whose file a power cut takes what strace saw no sync of."""

    def cut_power(self) -> None:
        """Kill the server, and cut its append-only file where it was last known to be on the disk."""
        with self.client() as client:
            pid = client.info("server")["process_id"]
        path = max(self.directory.glob("appendonlydir/*.incr.aof"), key=lambda found: found.stat().st_mtime)
        os.kill(pid, signal.SIGKILL)
        assert self._process is not None
        self._process.wait(timeout=20)  # strace ends with what it follows
        self._process = None
        os.truncate(path, min(path.stat().st_size, self._size_at_start + synced(self._trace, path.name)))

    def start(self) -> None:
        """Start the server, and note how long its file is."""
        files = list(self.directory.glob("appendonlydir/*.incr.aof"))
        self._size_at_start = max((path.stat().st_size for path in files), default=0)
        super().start()

    def close(self) -> None:
        """End the server, if it runs; where strace alone is killed, the server goes on."""
        if self._process is not None:
            self.cut_power()

    @property
    def _trace(self) -> Path:
        return self.directory / "trace"

    def _command(self) -> list[str]:
        strace = ["strace", "-f", "-qq", "-y", "-s", "0", "-e", "trace=write,fdatasync,fsync"]
        return [*strace, "-o", str(self._trace), *super()._command()]


def synced(trace: Path, name: str) -> int:
    """Count the bytes written to a file, as strace saw it, before the last sync of it that ended well."""
    written = safe = 0
    under_way: dict[str, tuple[str, int]] = {}  # thread -> its call, and what was written when that began
    for line in trace.read_text(errors="replace").splitlines():
        if (call := _CALL.match(line)) and call["path"].endswith(name):
            under_way[call["thread"]] = call["name"], written
        elif not (call := _RESUMED.match(line)):
            continue
        result = _RESULT.search(line.rpartition(")")[2])
        if result is None or call["thread"] not in under_way:
            continue
        what, before = under_way.pop(call["thread"])
        if what == "write":
            written += max(0, int(result["result"]))
        elif int(result["result"]) == 0:
            safe = max(safe, before)
    return safe


@pytest.fixture(params=["always", "everysec"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PowerlessRedis]:
    """A Redis of this test's own, that syncs at each write or once a second."""
    folder = tmp_path / "redis"
    folder.mkdir()
    started = PowerlessRedis(folder, appendfsync=request.param)
    yield started
    started.close()


@pytest.fixture
def nox(home: Path, server: PowerlessRedis) -> Iterator[Nox]:
    """Real nox processes over that Redis."""
    driven = Nox(home, server.url)
    yield driven
    driven.close()


@pytest.mark.parametrize("cuts", [2, pytest.param(50, marks=pytest.mark.long)])
def test_redis_power_what_was_called_durable_survives_a_power_cut(
    nox: Nox, server: PowerlessRedis, cuts: int
) -> None:
    """
    Every job of a submit with --require-durable is there after each cut, whatever else came along.
    """
    durable: list[str] = []

    def promised() -> list[str]:
        """Submit until the disk was quick enough for the promise."""
        ended = nox(*ECHO, "--require-durable")
        assert ended.returncode == 0 or "not yet on its disk" in ended.stderr, ended.stderr
        return [] if ended.returncode else ended.stdout.split()

    for _ in range(cuts):
        nox(*ECHO, check=True)
        durable += wait_until(promised, 60, "a promise")
        nox(*ECHO, check=True)
        server.cut_power()
        server.start()
        with nox.store() as store:
            assert durable == [job.id for job in store.get_many(durable)]


def test_a_cut_takes_what_was_not_synced(tmp_path: Path) -> None:
    """
    The cut is a real one: where nothing is ever synced, nothing is left.
    """
    folder = tmp_path / "redis"
    folder.mkdir()
    server = PowerlessRedis(folder, appendfsync="no")
    with server.client() as client:
        client.set("a", "1")
    server.cut_power()
    server.start()
    with server.client() as client:
        assert client.get("a") is None
    server.close()
