"""A wire to Redis that is cut, held, slow, or dead without a word."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.lingering import engines, submit_lingering, wait_running
from tests.support.processes import is_alive
from tests.support.waiting import wait_until
from workers.store.base import LEASE_S

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nox import Nox
    from tests.support.proxy import Proxy
    from tests.support.redis_server import RedisServer

ECHO = ("--kind", "echo", "--payload", '{"do": "tell"}', "--no-start")
MOVED_S = 60.0
# The goal is 3 s after contact; here it must only come by itself.
KILLED_S = 30.0


@pytest.mark.parametrize("held_s", [0, pytest.param(30, marks=pytest.mark.long)])
def test_a_job_moves_away_from_a_worker_that_was_cut_off(
    redis_nox: Nox, proxy: Proxy, tmp_path: Path, held_s: int
) -> None:
    """
    The worker behind the dead wire computes on; once it has contact again it is refused, kills its engine,
    discards, and takes other jobs. The job ends once, where it had moved to.
    """
    nox, go = redis_nox, tmp_path / "go"
    (job_id,) = submit_lingering(nox, go)
    cut_off = nox.worker("--slots", "1", env={"REDIS_URL": proxy.url}, standin=True)
    wait_running(nox, [job_id], [cut_off])
    computing = engines(cut_off)
    proxy.hold()
    held = time.monotonic()
    other = nox.worker("--slots", "1", standin=True)
    wait_until(lambda: nox.job(job_id).attempt == 2, MOVED_S, lambda: other.log)
    wait_until(lambda: time.monotonic() - held >= held_s, held_s + 1, "the time")
    assert any(map(is_alive, computing))

    proxy.let_go()

    cut_off.wait_log("in contact with the store again", 30)
    wait_until(lambda: not any(map(is_alive, computing)), KILLED_S, "the end of the engine")
    cut_off.wait_log("lease lost, discarded")
    go.touch()
    nox.wait(job_id, "completed")
    assert ["queued", "running", "queued", "running", "done"] == nox.history(job_id)
    other.process.terminate()
    assert 0 == other.wait()
    (next_id,) = nox.submit(*ECHO)
    nox.wait(next_id, "completed")
    assert cut_off.log.count("out of contact") == 1


def test_a_result_of_a_worker_that_was_cut_off_is_refused(
    redis_nox: Nox, proxy: Proxy, tmp_path: Path
) -> None:
    """
    Its engine came to an end while the wire was dead: what it would say then changes nothing.
    """
    nox, go = redis_nox, tmp_path / "go"
    (job_id,) = submit_lingering(nox, go)
    cut_off = nox.worker("--slots", "1", env={"REDIS_URL": proxy.url}, standin=True)
    wait_running(nox, [job_id], [cut_off])
    proxy.hold()
    other = nox.worker("--slots", "1", standin=True)
    wait_until(lambda: nox.job(job_id).attempt == 2, MOVED_S, lambda: other.log)
    go.touch()
    nox.wait(job_id, "completed")
    with nox.store() as store:
        before = store.get(job_id), store.outcomes([job_id])

    proxy.let_go()

    cut_off.wait_log("lease lost, discarded", 30)
    with nox.store() as store:
        assert before == (store.get(job_id), store.outcomes([job_id]))


@pytest.mark.parametrize("break_off", [pytest.param("hold", marks=pytest.mark.long), "refuse"])
def test_a_watch_goes_on_where_it_was(
    redis_nox: Nox, redis_server: RedisServer, proxy: Proxy, tmp_path: Path, break_off: str
) -> None:
    """
    While the wire is dead watch says so; then it tells what happened meanwhile: each change once, in order.
    """
    nox, out, err = redis_nox, tmp_path / "out", tmp_path / "err"
    ids = [nox.submit("--kind", "echo", "--payload", "1", "--no-start")[0] for _ in range(3)]
    with out.open("w") as stdout, err.open("w") as stderr:
        watch = nox.popen("watch", *ids, "--json", env={"REDIS_URL": proxy.url}, stdout=stdout, stderr=stderr)
        wait_until(lambda: len(out.read_text().splitlines()) == 3, 30, err.read_text)
        wait_until(
            lambda: "no worker is there" in err.read_text(), 30, "a remark on workers, which comes once"
        )
        with redis_server.client() as client:
            wait_until(lambda: client.info("clients")["blocked_clients"] == 1, 30, "a watch that waits")
        getattr(proxy, break_off)()
        wait_until(lambda: "reconnecting" in err.read_text(), 30, err.read_text)
        assert 0 == nox.worker("--idle-timeout", "0.5").wait(60)
        assert 3 == len(out.read_text().splitlines())
        proxy.let_go()
        assert 0 == watch.wait(30)

    told: dict[str, list[str]] = {job_id: [] for job_id in ids}
    for line in out.read_text().splitlines():
        change: dict[str, Any] = json.loads(line)
        told[change["job_id"]].append(change["raw_state"])
    assert [["queued", "running", "done"]] * 3 == [told[job_id] for job_id in ids]
    said = ["the store does not answer; reconnecting...", "the store answers again"]
    assert said == err.read_text().splitlines()[1:]


def test_leases_hold_over_a_slow_wire(redis_nox: Nox, proxy: Proxy, tmp_path: Path) -> None:
    """
    With 100 ms each way everything works: submit, run for longer than a lease, finish in the first attempt.
    """
    nox, go, env = redis_nox, tmp_path / "go", {"REDIS_URL": proxy.url}
    proxy.delay_s = 0.1
    (quick,) = nox.submit(*ECHO, env=env)
    (job_id,) = submit_lingering(nox, go)
    worker = nox.worker("--slots", "2", env=env, standin=True)
    wait_running(nox, [job_id], [worker])
    with nox.store() as store:
        started_ms = store.get(job_id).started_ms or 0

        def renewed_for_long() -> bool:
            (seen,) = store.workers()
            return seen.last_seen_ms - started_ms > 1_000 * LEASE_S + 1_000

        wait_until(renewed_for_long, 30, lambda: worker.log)
    go.touch()

    nox.wait(job_id, "completed")
    assert "completed" == nox.status(quick, env=env)["state"]
    assert [(1, 0), (1, 0)] == [(job.attempt, job.losses) for job in map(nox.job, (quick, job_id))]
    assert "out of contact" not in worker.log


def test_a_dead_connection_is_noticed(redis_nox: Nox, proxy: Proxy) -> None:
    """
    Connections on which nothing comes any more, not even their end, are given up: an idle worker hears the
    bell again by itself, and takes job after job.
    """
    nox = redis_nox
    worker = nox.worker("--slots", "1", env={"REDIS_URL": proxy.url})
    (first,) = nox.submit("--kind", "echo", "--payload", "1", "--no-start")
    nox.wait(first, "completed")

    proxy.go_silent()

    for _ in range(3):
        (job_id,) = nox.submit("--kind", "echo", "--payload", "1", "--no-start")
        nox.wait(job_id, "completed", 30)
        assert 1 == nox.job(job_id).attempt
    assert worker.process.poll() is None
