"""The cost of open streams: processor time of 200 followed batches, and of 500 clients that wait."""

from __future__ import annotations

import re
import selectors
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, closing, contextmanager
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import uuid4

from benchmarks.figures import Figure, median, percentile
from benchmarks.ground import redis_ground, until
from benchmarks.processes import cpu_seconds
from workers.job import JobState, NewJob
from workers.store.values import Claimant, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.ground import Ground
    from workers.store.base import Store

CLIENTS, WAITING = 200, 500
JOBS_A_SECOND, WATCHED_S = 20, 20
POSTS = 1_000
# Changes of one job that runs to its end.
_CHANGES = 2
_URL = re.compile(r"listening url=(\S+)")
_OWNER, _BATCH, _HELD = "bench", "followed", "held"
_XYZ = (Path(__file__).parents[1] / "examples" / "caffeine.xyz").read_bytes()


class Server:
    """A `nox serve` of a benchmark."""

    def __init__(self, pid: int, url: str, token: str) -> None:
        self.pid = pid
        self.address = urlsplit(url)
        self.token = token

    def connect(self, path: str) -> socket.socket:
        """Ask for a path, and leave the connection open."""
        connection = socket.create_connection((self.address.hostname, self.address.port))
        head = f"GET {path} HTTP/1.1\r\nHost: {self.address.netloc}\r\nAuthorization: Bearer {self.token}\r\n"
        connection.sendall(f"{head}\r\n".encode())
        return connection

    @property
    def threads(self) -> int:
        """The number of its threads."""
        return len(list(Path(f"/proc/{self.pid}/task").iterdir()))


class Clients:
    """Streams that are read by one thread; the number of changes that each got is counted."""

    def __init__(self, connections: Sequence[socket.socket]) -> None:
        self.counts = dict.fromkeys(connections, 0)
        self._begun: set[socket.socket] = set()
        self._selector = selectors.DefaultSelector()
        self._rest = dict.fromkeys(connections, b"")
        for connection in connections:
            connection.setblocking(False)
            self._selector.register(connection, selectors.EVENT_READ)
        threading.Thread(target=self._read, daemon=True).start()

    @property
    def begun(self) -> int:
        """The number of streams that got their first cursor."""
        return len(self._begun)

    def _read(self) -> None:
        while True:
            for key, _ in self._selector.select():
                connection = key.fileobj
                assert isinstance(connection, socket.socket)
                found = self._rest[connection] + connection.recv(65_536)
                *lines, self._rest[connection] = found.split(b"\n")
                self.counts[connection] += sum(line.startswith(b"data") for line in lines)
                if connection not in self._begun and any(line.startswith(b"id") for line in lines):
                    self._begun.add(connection)


@contextmanager
def served(ground: Ground) -> Iterator[Server]:
    """Keep a server running, with a token that may have many streams."""
    log = ground.home / f"serve-{uuid4().hex}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "nox_cli", "serve", "--bind", "127.0.0.1:0"],
            env=ground.environ,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
    try:
        until(lambda: "token of this server" in log.read_text(), "a server")
        found = _URL.search(log.read_text())
        assert found is not None
        yield Server(process.pid, found[1], (ground.home / "serve.token").read_text().strip())
    finally:
        process.terminate()
        process.wait(30)


def hand_over(store: Store, count: int, batch: str) -> list[str]:
    """Store echo jobs of the server's user; return their ids."""
    jobs = [
        NewJob(
            uuid4().hex,
            _OWNER,
            "echo",
            '{"kind":"echo","payload":1}',
            uuid4().hex,
            engine="echo",
            batch=batch,
        )
        for _ in range(count)
    ]
    return [one.job_id for one in store.submit(jobs, submission=uuid4().hex)]


def run_jobs(store: Store, count: int) -> None:
    """Claim and finish jobs at a steady pace."""
    began = time.monotonic()
    for place in range(count):
        time.sleep(max(0.0, began + place / JOBS_A_SECOND - time.monotonic()))
        claimant = Claimant("bench-1-a", 0, place + 1, 8, 2**34, frozenset({"echo"}), None)
        claim = store.claim(claimant)
        assert claim is not None
        store.finish(claim.lease, Outcome(JobState.DONE, None, outcome_json='{"ended":"done"}'))


def followed(ground: Ground) -> list[Figure]:
    """Measure the server while clients follow a batch whose jobs end at a steady pace."""
    store, count = ground.store(), JOBS_A_SECOND * WATCHED_S
    hand_over(store, count, _BATCH)
    with served(ground) as server, ExitStack() as open_sockets:
        paths = [f"/events?batch={_BATCH}"] * CLIENTS
        clients = Clients([open_sockets.enter_context(server.connect(path)) for path in paths])
        until(lambda: clients.begun == CLIENTS, "all streams")
        before, began = cpu_seconds(server.pid), time.monotonic()
        run_jobs(store, count)
        until(lambda: set(clients.counts.values()) == {count * _CHANGES}, "every change at every client")
        used = (cpu_seconds(server.pid) - before) / (time.monotonic() - began) * 100
    store.close()
    return [Figure(f"{CLIENTS} streams, {JOBS_A_SECOND} jobs/s", used, "% of a core", 15)]


def posted(servers: Sequence[Server], count: int) -> list[list[float]]:
    """Submit molecules to servers in turn; return the times in seconds for each."""
    times: list[list[float]] = [[] for _ in servers]
    with ExitStack() as stack:
        clients = [
            stack.enter_context(closing(HTTPConnection(one.address.hostname or "", one.address.port)))
            for one in servers
        ]
        for _ in range(count):
            for server, client, taken in zip(servers, clients, times, strict=True):
                began = time.perf_counter()
                headers = {"Authorization": f"Bearer {server.token}", "Content-Type": "chemical/x-xyz"}
                client.request("POST", "/jobs?hold=true", _XYZ, headers)
                answer = client.getresponse()
                answer.read()
                assert answer.status == HTTPStatus.CREATED
                taken.append(time.perf_counter() - began)
    return times


def waiting(ground: Ground) -> list[Figure]:
    """Measure a server while clients wait for jobs that do not end, next to one without them."""
    store = ground.store()
    numbers = range(1, len(hand_over(store, WAITING // 2, _HELD)) + 1)
    with served(ground) as alone, served(ground) as server, ExitStack() as open_sockets:
        posted((alone, server), POSTS // 10)
        for connection in [server.connect("/jobs/1/status") for _ in range(WAITING)]:
            connection.recv(65_536)  # by now every thread of the pool has started
            connection.close()
        threads = server.threads
        waits = [f"/jobs/{number}/status?wait=60" for number in numbers]
        streams = [f"/jobs/{number}/events" for number in numbers]
        clients = Clients([open_sockets.enter_context(server.connect(path)) for path in (*waits, *streams)])
        until(lambda: clients.begun == len(streams), "all streams")
        time.sleep(1.0)  # the last of the waits have been read
        held = server.threads - threads
        before = [cpu_seconds(one.pid) for one in (alone, server)]
        free, among = posted((alone, server), POSTS)
        used = [cpu_seconds(one.pid) - was for one, was in zip((alone, server), before, strict=True)]
    store.close()
    return [
        Figure(f"{WAITING} waits and streams hold", held, "threads", 1),
        Figure("POST next to them, p50", median(among) * 1_000, "ms"),
        Figure("POST next to them, p99", percentile(among, 0.99) * 1_000, "ms"),
        Figure("POST next to them / alone, p99", percentile(among, 0.99) / percentile(free, 0.99), "", 1.2),
        Figure("POST next to them / alone, processor time", used[1] / used[0], "", 1.2),
    ]


def measure() -> list[Figure]:
    """Measure both, over Redis."""
    figures = []
    for measured in (followed, waiting):
        with redis_ground() as ground:
            ground.environ["NOX_USER"] = _OWNER
            figures += measured(ground)
    return figures
