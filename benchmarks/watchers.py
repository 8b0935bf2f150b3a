"""What 200 watchers of one batch cost Redis, off a terminal and on one.

Each follows and draws as `nox watch` does, as a client of its own in a thread of this process.
"""

from __future__ import annotations

import io
import threading
import time
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

import redis

from benchmarks.figures import Figure
from benchmarks.ground import Ground, redis_ground, until
from nox_cli.render.board import frame
from nox_cli.render.terminal.out import Out
from nox_cli.render.watch import text
from nox_cli.session import Streams
from nox_cli.watch.board import Board, Watching
from workers import __version__
from workers.job import JobState, NewJob
from workers.store.base import RENEW_EVERY_S
from workers.store.values import Beat, Claimant, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from workers.store.base import Store

WATCHERS = 200
JOBS_A_SECOND = 20
# The jobs that end while it is measured, and those that are left then: the end of a batch is another matter.
MEASURED, LEFT = 240, 30
GIB = 1 << 30


def measure() -> list[Figure]:
    """Let a batch end alone, then with watchers of each kind."""
    with redis_ground() as ground:
        alone, _ = _share(ground, None)
        figures = []
        for name, watch in (("pipe", _on_a_pipe), ("terminal", _on_a_terminal)):
            share, reads = _share(ground, watch)
            what = f"{WATCHERS} watchers, {name}"
            figures += [
                Figure(f"{what}, redis", share - alone, "% of a core", 15),
                Figure(f"{what}, reads of the stream by each", reads / WATCHERS, "a second", 4.5),
            ]
        return figures


def _on_a_pipe(watching: Watching) -> int:
    """Watch to the end; count the lines of jobs that are done."""
    written = io.StringIO()
    text(watching, Out(Streams(io.StringIO(), written, io.StringIO())))
    return written.getvalue().count("  done\n")


def _on_a_terminal(watching: Watching) -> int:
    """Watch to the end; count the jobs that are done."""
    board = Board(watching)
    board.begin()
    while not board.follower.is_over:
        frame(board, 120, 40)
        board.tick()
    return board.follower.tally[JobState.DONE]


def _share(ground: Ground, watch: Callable[[Watching], int] | None) -> tuple[float, float]:
    """The share of one core, in percent, that Redis uses while jobs end, and reads of the stream a second.

    Raises:
        RuntimeError: a watcher has not seen each job end once.
    """
    count, seen = MEASURED + LEFT, []
    with closing(ground.store()) as store, redis.Redis.from_url(ground.redis_url or "") as client:
        accepted = store.submit([_job(number) for number in range(count)], submission=uuid4().hex)
        job_ids = [one.job_id for one in accepted]
        stores = [ground.store() for _ in range(WATCHERS if watch else 0)]
        watched = [Watching(one, ground.home, job_ids) for one in stores]

        def follow(watching: Watching) -> None:
            assert watch is not None
            seen.append(watch(watching))

        threads = [threading.Thread(target=follow, args=(one,)) for one in watched]
        for thread, watching in zip(threads, watched, strict=True):
            thread.start()
            until(partial(getattr, watching.follower, "is_whole"), "a watcher", every_s=0.01)
        before, start = _used(client), time.monotonic()
        _run(store, MEASURED, 1 / JOBS_A_SECOND)
        after, took = _used(client), time.monotonic() - start
        _run(store, LEFT, 0)
        for thread in threads:
            thread.join()
        for one in stores:
            one.close()
    if set(seen) - {count}:
        raise RuntimeError(f"of {count} jobs watchers saw {sorted(set(seen))}")
    return 100 * (after[0] - before[0]) / took, (after[1] - before[1]) / took


def _used(client: redis.Redis) -> tuple[float, int]:
    """The processor time of the server, and the reads of streams by scripts so far."""
    cpu, calls = client.info("cpu"), client.info("commandstats")
    reads = calls.get("cmdstat_xrange", {"calls": 0})["calls"]
    return cpu["used_cpu_user"] + cpu["used_cpu_sys"], reads


def _run(store: Store, count: int, every_s: float) -> None:
    """Run that many jobs, one at a time, one in `every_s` seconds."""
    start = ticked = time.monotonic()
    for number in range(1, count + 1):
        if number == 1 or time.monotonic() >= ticked + RENEW_EVERY_S:
            ticked = time.monotonic()
            store.tick(Beat("h-1-aa", 1, 1, 1, GIB, frozenset({"echo"}), "ada", "", 1, __version__))
        claim = store.claim(Claimant("h-1-aa", 0, time.monotonic_ns(), 1, GIB, frozenset({"echo"}), "ada"))
        assert claim is not None
        time.sleep(max(0.0, start + number * every_s - time.monotonic()))
        store.finish(claim.lease, Outcome(state=JobState.DONE, reason=None, outcome_json='{"schema":1}'))


def _job(number: int) -> NewJob:
    spec, name = '{"kind":"echo","payload":1}', f"mol{number}"
    return NewJob(uuid4().hex, "ada", "echo", spec, name, "echo", name, "b")
