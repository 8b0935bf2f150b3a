"""Bulk submit: echo jobs as NDJSON through one `nox submit`, compared with `actor.send` of dramatiq."""

from __future__ import annotations

import json
import subprocess
import sys
import time

from benchmarks.figures import Figure, percentile
from benchmarks.ground import Ground, local_ground, redis_ground

JOBS = 20_000
SENDS = 5_000

PING = """
import socket, sys, time
connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
print("ready", flush=True)
while True:
    start = time.perf_counter()
    connection.sendall(b"PING\\r\\n")
    connection.recv(64)
    print(time.perf_counter() - start)
    time.sleep(0.002)
"""

SEND = """
import sys, time
import dramatiq
from dramatiq.brokers.redis import RedisBroker
broker = RedisBroker(url=sys.argv[1])
dramatiq.set_broker(broker)
@dramatiq.actor
def echo(payload): pass
start = time.perf_counter()
for n in range(int(sys.argv[2])):
    echo.send({"n": n})
print(int(sys.argv[2]) / (time.perf_counter() - start))
"""


def submit_rate(ground: Ground) -> float:
    """Jobs a second of one whole `nox submit` process, start-up included."""
    lines = "\n".join(json.dumps({"kind": "echo", "payload": {"n": n}}) for n in range(JOBS))
    start = time.perf_counter()
    reply = ground.nox("submit", "-", stdin=lines)
    elapsed = time.perf_counter() - start
    if len(reply.stdout.split()) != JOBS:
        raise RuntimeError(f"{JOBS} jobs were handed over, {len(reply.stdout.split())} ids came back")
    return JOBS / elapsed


def measure() -> list[Figure]:
    """Submit in bulk to both stores, while another client of Redis pings."""
    with redis_ground() as ground:
        assert ground.redis_url is not None
        port = ground.redis_url.split(":")[2].split("/")[0]
        pinger = subprocess.Popen([sys.executable, "-c", PING, port], stdout=subprocess.PIPE, text=True)
        assert pinger.stdout is not None
        pinger.stdout.readline()
        rate = submit_rate(ground)
        pinger.terminate()
        pings = [float(line) for line in pinger.stdout if line.endswith("\n")]
        send = subprocess.run(
            [sys.executable, "-c", SEND, ground.redis_url, str(SENDS)],
            check=True,
            capture_output=True,
            text=True,
        )
    with local_ground() as ground:
        local_rate = submit_rate(ground)
    return [
        Figure("bulk submit, redis", rate, "jobs/s", 10_000, at_least=True),
        Figure("bulk submit, local", local_rate, "jobs/s"),
        Figure("dramatiq actor.send", float(send.stdout), "jobs/s"),
        Figure("bulk submit / actor.send", rate / float(send.stdout), "x"),
        Figure("PING meanwhile, p99", percentile(pings, 0.99) * 1e3, "ms", 20),
    ]
