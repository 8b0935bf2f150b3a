"""Somebody meddles with Redis while real workers run jobs over it."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.support.big import write_ice
from tests.support.lingering import START_S, engines, submit_lingering, wait_running
from tests.support.processes import is_alive
from tests.support.signed import run_out
from tests.support.stores import claim, runs, submit_named
from tests.support.waiting import wait_until
from workers.job import JobState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.nox import Nox
    from tests.support.redis_server import RedisServer

ECHO = ("--kind", "echo", "--payload", '{"do": "tell"}', "--no-start")


def submit_many(nox: Nox, count: int) -> list[str]:
    """Hand over jobs that end at once; return their ids."""
    job = json.dumps({"kind": "echo", "payload": {"do": "tell"}})
    return nox("submit", "-", "--no-start", input=f"{job}\n" * count, check=True).stdout.split()


def all_done(nox: Nox, ids: list[str]) -> list[tuple[int, int]]:
    """Wait until jobs are done; return how often each ran, and was lost."""
    with nox.store() as store:

        def done() -> bool:
            return all(job.state is JobState.DONE for job in store.get_many(ids))

        wait_until(done, 60, lambda: f"the end of all, but {dict(store.counts())}")
        return [(runs(store, job), job.losses) for job in store.get_many(ids)]


@contextmanager
def over_and_over(deed: Callable[[], object]) -> Iterator[None]:
    """Do something again and again meanwhile."""
    ended = threading.Event()

    def repeat() -> None:
        while not ended.wait(0.002):
            deed()

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def test_scripts_may_be_flushed_at_any_time(redis_nox: Nox, redis_server: RedisServer) -> None:
    """
    While the script cache is emptied over and over, jobs are submitted, run once each, and followed.
    """
    nox = redis_nox
    workers = [nox.worker("--slots", "2", standin=True) for _ in range(2)]
    with redis_server.client() as client, over_and_over(client.script_flush):
        ids = submit_many(nox, 300)
        assert [(1, 0)] * 300 == all_done(nox, ids)
        assert 0 == nox("wait", *ids[:3]).returncode
    assert not [worker.log for worker in workers if "NOSCRIPT" in worker.log or "error" in worker.log]


def test_bells_may_ring_too_often_and_in_any_order(redis_nox: Nox, redis_server: RedisServer) -> None:
    """
    Ten bells for each job make no second attempt of any.
    """
    nox = redis_nox
    workers = [nox.worker("--slots", "2", standin=True) for _ in range(2)]
    with redis_server.client() as client, over_and_over(lambda: client.rpush("nox:bell", *["1"] * 10)):
        ids = submit_many(nox, 300)
        assert [(1, 0)] * 300 == all_done(nox, ids)
        histories = {tuple(nox.history(job_id)) for job_id in ids[:5]}
    assert {("queued", "running", "done")} == histories
    wait_until(
        lambda: 300 == sum(worker.log.count(" done ") for worker in workers), 30, "a line for each end"
    )


def test_foreign_messages_are_bells(redis_nox: Nox, redis_server: RedisServer) -> None:
    """
    Bad JSON, another actor, an id with a star, bytes, a megabyte: the worker lives and runs jobs, no more.
    """
    nox = redis_nox
    worker = nox.worker("--slots", "1", standin=True)
    worker.wait_log("1 slot")
    actor = {
        "queue_name": "jobs",
        "actor_name": "os.system",
        "args": ["touch canary"],
        "kwargs": {},
        "options": {},
    }
    rubbish = [b"{", b"\xff\x00", json.dumps(actor).encode(), b'{"message_id": "*"}', b"x" * 1024**2, b""]
    with redis_server.client() as client:
        for message in rubbish:
            client.rpush("nox:bell", message)
            client.rpush("dramatiq:jobs", message)
            ids = nox.submit(*ECHO)
            assert [(1, 0)] == all_done(nox, ids)

    assert worker.process.poll() is None
    assert "error" not in worker.log
    assert not list(nox.cwd.rglob("canary"))


def test_redis_meddled_something_else_in_the_bells_place_is_said_once(
    redis_nox: Nox, redis_server: RedisServer
) -> None:
    """
    A worker that cannot listen looks for itself, and says so in one line.
    """
    nox = redis_nox
    worker = nox.worker("--slots", "1", standin=True)
    with redis_server.client() as client:
        worker.wait_log("1 slot")
        client.delete("nox:bell")
        client.set("nox:bell", "not a list")
        for _ in range(2):
            assert [(1, 0)] == all_done(nox, nox.submit(*ECHO))

    worker.wait_log("lets nobody listen")
    assert 1 == worker.log.count("lets nobody listen")


def test_redis_meddled_something_else_under_keys_of_jobs_holds_nobody_up(
    redis_nox: Nox, redis_server: RedisServer
) -> None:
    """
    Where a job's attempts, checkpoint or artifacts are to lie is something of another kind: one that was lost
    is run again, one that leaves files has them, and the worker goes on.
    """
    nox = redis_nox
    (lost,) = nox.submit(*ECHO)
    with nox.store() as store:
        claim(store)
    printing = ("--kind", "echo", "--payload", '{"do": "tell", "print": ["a word"]}', "--no-start")
    (leaving,) = nox.submit(*printing)
    with redis_server.client() as client:
        client.set(f"nox:attempts:{lost}", "not a list")
        client.rpush(f"nox:checkpoint:{lost}", "not a string")
        client.set(f"nox:artifacts:{leaving}", "not a hash")
    run_out(nox, lost)
    nox.worker("--slots", "1", standin=True)

    assert [(2, 1), (1, 0), (1, 0)] == all_done(nox, [lost, leaving, *nox.submit(*ECHO)])
    assert "a word\n" == nox("logs", leaving, check=True).stdout
    with nox.store() as store:
        assert ["worker_lost"] == [tried.ended_as for tried in store.attempts(lost)]
        assert store.checkpoint(lost) is None


def test_counters_that_are_no_numbers_hold_nobody_up(redis_nox: Nox, redis_server: RedisServer) -> None:
    """
    Counts, counters and the order of owners are written over, with a worker there and with none: jobs are
    submitted and run, and what is counted is right again.
    """
    nox = redis_nox
    owner = json.loads(nox("status", "--json", check=True).stdout)["owner"]
    fields = (
        ("count", f"running {owner}"),
        ("count", f"queued {owner}"),
        ("meta", "number"),
        ("meta", "claims"),
    )
    with redis_server.client() as client:

        def spoil() -> None:
            for key, field in (*fields, ("meta", "clock"), ("meta", "grace"), ("served", owner)):
                client.hset(f"nox:{key}", field, "banana")
            client.set("nox:state:held", "banana")

        first = nox.submit(*ECHO)
        spoil()
        second = nox.submit(*ECHO)
        spoil()
        worker = nox.worker("--slots", "1", standin=True)
        assert [(1, 0)] * 2 == all_done(nox, [*first, *second])
        spoil()
        assert [(1, 0)] * 20 == all_done(nox, submit_many(nox, 20))
    counted = json.loads(nox("status", "--json", check=True).stdout)

    assert 22 == counted["counts"]["completed"]
    assert "error" not in worker.log


def test_a_flushed_redis_stops_jobs_and_loses_no_file(
    redis_nox: Nox, redis_server: RedisServer, tmp_path: Path
) -> None:
    """
    The job is no more: its engine is stopped, what it had made is kept where the log says, and the worker
    takes the next job.
    """
    nox = redis_nox
    (job_id,) = nox.submit(write_ice(tmp_path / "ice.xyz", 3), "--opt", "--no-start")
    worker = nox.worker("--slots", "1", standin=True)
    wait_running(nox, [job_id], [worker])
    computing = engines(worker)
    with redis_server.client() as client:
        client.flushall()

    worker.wait_log("the store has no such job any more: its files are kept", 30)
    wait_until(lambda: not any(map(is_alive, computing)), START_S, "the end of the engine")
    missing = nox("status", job_id)
    assert (3, True) == (missing.returncode, f"no job {job_id}" in missing.stderr)
    kept = nox.home / "artifacts" / job_id / "attempt-1"
    assert str(kept) in worker.log
    assert {"outcome.json", "trajectory.xyz"} <= {path.name for path in kept.iterdir()}
    assert [(1, 0)] == all_done(nox, nox.submit(*ECHO))


def test_a_result_a_flushed_redis_refuses_is_kept(
    redis_nox: Nox, redis_server: RedisServer, tmp_path: Path
) -> None:
    """
    Flushed in the moment before the end: the whole outcome lies beside the files.
    """
    nox, go = redis_nox, tmp_path / "go"
    (job_id,) = submit_lingering(nox, go)
    worker = nox.worker("--slots", "1", standin=True)
    wait_running(nox, [job_id], [worker])
    worker.freeze()
    go.touch()
    with redis_server.client() as client:
        client.flushall()
    worker.thaw()
    worker.wait_log("its files are kept", 30)

    kept = nox.home / "artifacts" / job_id / "attempt-1" / "outcome.json"
    assert 1 == json.loads(kept.read_text())["attempt"]
    assert 0o600 == kept.stat().st_mode & 0o777


@pytest.mark.parametrize("progress", ["1", "banana", ""])
def test_a_checkpoint_whose_progress_is_not_known_is_replaced(
    redis_nox: Nox, redis_server: RedisServer, progress: str
) -> None:
    """
    An older nox wrote 1 whatever was reached; what was damaged by hand, or whose content was removed, counts
    for nothing.
    """
    with redis_nox.store() as store, redis_server.client() as client:
        (job_id,) = submit_named(store, "a")
        lease = claim(store).lease
        store.keep_checkpoint(lease, b"old", 106)
        if progress:
            client.hset(f"nox:job:{job_id}", "ck", progress)
        else:
            client.delete(f"nox:checkpoint:{job_id}")
        store.keep_checkpoint(lease, b"new", 8)

        assert b"new" == store.checkpoint(job_id)
        store.give_back(lease, "drained")
        assert b"new" == store.checkpoint(job_id)
