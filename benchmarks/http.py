"""Submits over HTTP: one molecule a request, from 1 client and from 16, and 10,000 jobs in one request.

A single client submits as fast as it is answered.  Sixteen share a steady pace; and again without: then they
wait for each other, and their time is the processor time of sixteen requests.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from contextlib import closing
from http import HTTPStatus
from http.client import HTTPConnection
from typing import TYPE_CHECKING

from benchmarks.figures import Figure, median, percentile
from benchmarks.ground import redis_ground
from benchmarks.processes import cpu_seconds
from benchmarks.streams import served

if TYPE_CHECKING:
    from benchmarks.ground import Ground
    from benchmarks.streams import Server

WARM, POSTS = 96, 960
PACE_A_SECOND = 80  # of all clients together
# How many clients, and their pace; 0: each submits as fast as it is answered.
CLIENTS = ((1, 0), (16, PACE_A_SECOND), (16, 0))
BULK = 10_000
ATOMS = 30
# `nox submit -` with its processor time, and that of what it has started.
_SUBMIT = """
import os, subprocess, sys
subprocess.run([sys.executable, "-m", "nox_cli", "submit", "-"], check=True, stdout=subprocess.DEVNULL)
print(sum(os.times()[2:4]))
"""


def chain() -> str:
    """Write a zigzag of ten CH2 as xyz."""
    lines = []
    for n in range(ATOMS // 3):
        side = (-1) ** n
        x, y = 1.27 * n, 0.45 * side
        lines.append(f"C {x:.5f} {y:.5f} 0.00000")
        lines += [f"H {x:.5f} {y + side * 0.63:.5f} {z:.5f}" for z in (-0.89, 0.89)]
    return f"{len(lines)}\n\n" + "\n".join(lines) + "\n"


def request(number: int = 0) -> dict[str, object]:
    """Make a request of the molecule."""
    inputs = {"xyz": chain(), "charge": 0, "multiplicity": 1, "params": {"gfn": 2, "opt": True}}
    return {"engine": "xtb", "kind": "opt_properties", "name": f"chain-{number}", "inputs": inputs}


def post(server: Server, client: HTTPConnection, body: bytes, kind: str = "application/json") -> None:
    """Submit a body, which must be accepted."""
    headers = {"Authorization": f"Bearer {server.token}", "Content-Type": kind}
    client.request("POST", "/jobs", body, headers)
    answer = client.getresponse()
    content = answer.read()
    assert answer.status == HTTPStatus.CREATED, content


def posted(server: Server, clients: int, count: int, pace_a_second: int) -> list[float]:
    """Submit from several clients at once; return the time of each request in seconds."""
    body = json.dumps(request()).encode()
    times: list[float] = []
    first = time.monotonic()

    def submit(index: int) -> None:
        with closing(HTTPConnection(server.address.hostname or "", server.address.port)) as client:
            for place in range(count // clients):
                if pace_a_second:
                    due = first + (place * clients + index) / pace_a_second
                    time.sleep(max(0.0, due - time.monotonic()))
                began = time.perf_counter()
                post(server, client, body)
                times.append(time.perf_counter() - began)

    threads = [threading.Thread(target=submit, args=(index,)) for index in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times


def single(server: Server) -> list[Figure]:
    """Submit one molecule a request."""
    figures = []
    for clients, pace_a_second in CLIENTS:
        posted(server, clients, WARM, pace_a_second)
        before = cpu_seconds(server.pid)
        times = posted(server, clients, POSTS, pace_a_second)
        used = (cpu_seconds(server.pid) - before) / len(times) * 1_000
        name = f"POST, {ATOMS} atoms, {clients} client{'s' if clients > 1 else ''}"
        is_crowded = clients > 1 and not pace_a_second
        name += " at full speed" if is_crowded else ""
        figures += [
            Figure(f"{name}, p50", median(times) * 1_000, "ms", None if is_crowded else 8),
            Figure(f"{name}, p99", percentile(times, 0.99) * 1_000, "ms", None if is_crowded else 25),
            Figure(f"{name}, processor time of the server", used, "ms"),
        ]
    return figures


def bulk(ground: Ground, server: Server) -> list[Figure]:
    """Submit many molecules in one request, and by the command, in turn; compare processor times."""
    lines = "\n".join(json.dumps(request(number)) for number in range(BULK)).encode()
    over_http, by_command = [], []
    for _ in range(3):
        with closing(HTTPConnection(server.address.hostname or "", server.address.port)) as client:
            before = cpu_seconds(server.pid)
            post(server, client, lines, "application/x-ndjson")
            over_http.append(cpu_seconds(server.pid) - before)
        ran = subprocess.run(
            [sys.executable, "-c", _SUBMIT], env=ground.environ, input=lines, capture_output=True, check=True
        )
        by_command.append(float(ran.stdout))
    return [
        Figure(f"POST of {BULK:,} jobs, processor time of the server", min(over_http), "s"),
        Figure(f"POST of {BULK:,} jobs / nox submit -", min(over_http) / min(by_command), "x", 1.3),
    ]


def measure() -> list[Figure]:
    """Measure both over Redis."""
    with redis_ground() as ground, served(ground) as server:
        return single(server) + bulk(ground, server)
