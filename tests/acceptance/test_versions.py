"""Two versions of nox on one store: each reads, runs and finishes what the other stored."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from redis import Redis

from tests.support.earlier import ARCHIVE, PACKAGES, commit, unpack
from tests.support.examples import EXAMPLES
from tests.support.housekeepers import housekeeper, submit_lost
from tests.support.signed import run_out
from tests.support.stores import claim
from tests.support.waiting import wait_until
from workers.job import Progress
from workers.store.pools import AutoscalerLease, PoolDefinition
from workers.store.values import Ahead, Point

if TYPE_CHECKING:
    from tests.support.nox import Nox
    from tests.support.redis_server import RedisServer

START_S = 90.0
WATER, METHANOL = str(EXAMPLES / "water.xyz"), str(EXAMPLES / "methanol.xyz")
ALONE = {"NOX_AUTOSTART": "never"}  # no worker but those of the test

Environ = dict[str, str]


@pytest.fixture(scope="session")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Environ:
    """Lets a command be one of the earlier nox: `nox("list", env=earlier)`."""
    return ALONE | unpack(tmp_path_factory.mktemp("earlier"))


@pytest.fixture(params=["later runs", "earlier runs"])
def sides(request: pytest.FixtureRequest, earlier: Environ) -> tuple[Environ, Environ]:
    """Two environments: of the nox that submits and of the one that runs, in either order."""
    return (earlier, ALONE) if request.param == "later runs" else (ALONE, earlier)


def three(nox: Nox, env: Environ) -> list[str]:
    """Submit a job that will be done, one that will fail and one that is held."""
    return [
        *nox.submit(WATER, "--opt", "--tag", "k=v", env=env),
        *nox.submit(METHANOL, "--opt", "--cycles", "1", env=env),
        *nox.submit(WATER, "--sp", "--hold", env=env),
    ]


def burst(nox: Nox, env: Environ) -> None:
    """Have a worker run all that is ready."""
    worker = nox.worker("--slots", "1", "--burst", env=env)
    assert 0 == worker.wait(START_S), worker.log


def listed(nox: Nox, env: Environ) -> list[dict[str, Any]]:
    """List all jobs, the oldest first."""
    found: list[dict[str, Any]] = json.loads(nox("list", "--json", check=True, env=env).stdout)["items"]
    return found[::-1]


def seen(nox: Nox, job_id: str, env: Environ) -> dict[str, Any]:
    """Read all that a nox shows of jobs, and of one that has failed."""
    return {
        "jobs": listed(nox, env),
        "status": json.loads(nox("status", job_id, "--raw", check=True, env=env).stdout),
        "rows": list(csv.DictReader(nox("results", "@all", "-o", "csv", env=env).stdout.splitlines())),
        "events": list(
            map(json.loads, nox("events", "--since", "0", check=True, env=env).stdout.splitlines())
        ),
    }


def is_within(one: Any, other: Any) -> bool:
    """Whether two readers show the same, but for fields that only one of them knows."""
    if isinstance(one, dict) and isinstance(other, dict):
        return all(is_within(one[name], other[name]) for name in one.keys() & other.keys())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(is_within, one, other))
    return bool(one == other)


def test_the_archive_is_the_nox_that_runs(earlier: Environ) -> None:
    """
    Commands of the earlier nox import its packages and none of this checkout's; the archive stays small.
    """
    told = subprocess.run(
        [sys.executable, "-c", "import nox_cli, workers; print(nox_cli.__file__); print(workers.__file__)"],
        env=earlier,
        cwd="/",
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    assert [f"{earlier['PYTHONPATH']}/{name}/__init__.py" for name in PACKAGES] == told
    assert 40 == len(commit())
    assert ARCHIVE.stat().st_size < 400_000


def test_versions_each_nox_runs_what_the_other_stored(any_nox: Nox, sides: tuple[Environ, Environ]) -> None:
    """
    The other's worker runs a store that one nox made and filled, and both show the same of every job.

    The first one then releases what it held, retries what failed there, and runs both.
    """
    before, after = sides
    job_ids = _, failed, held = three(any_nox, before)
    burst(any_nox, after)

    first, second = (seen(any_nox, failed, env) for env in sides)
    assert job_ids == [job["job_id"] for job in first["jobs"]]
    assert ["completed", "failed", "pending"] == [job["state"] for job in first["jobs"]]
    assert -5.08 < float(first["rows"][0]["energy_hartree"]) < -5.06
    for name, of_one in first.items():
        assert is_within(of_one, second[name]), name

    any_nox("release", held, check=True, env=before)
    any_nox("retry", failed, check=True, env=before)
    burst(any_nox, before)
    for env in sides:
        assert ["completed", "failed", "completed"] == [job["state"] for job in listed(any_nox, env)]
    assert [1, 2, 1] == [any_nox.job(one).attempt for one in job_ids]


def test_workers_of_two_versions_share_a_store(any_nox: Nox, earlier: Environ) -> None:
    """
    Both live at once, each shows in the other's list, and every job is run once.

    In Redis the scripts of both are loaded next to each other; each is known by the hash of its text.
    """
    workers = [any_nox.worker("--slots", "1", env=env) for env in (earlier, ALONE)]

    def is_listed(env: Environ) -> bool:
        told = json.loads(any_nox("worker", "list", "--json", check=True, env=env).stdout)["items"]
        return {worker.pid for worker in workers} == {one["pid"] for one in told}

    for env in (earlier, ALONE):
        wait_until(partial(is_listed, env), START_S, "both workers")
    job_ids = [one for env in (earlier, ALONE) for one in any_nox.submit(WATER, METHANOL, "--sp", env=env)]
    any_nox("wait", *job_ids, check=True, env=earlier)
    assert ["completed"] * 4 == [job["state"] for job in listed(any_nox, ALONE)]
    assert [1] * 4 == [any_nox.job(one).attempt for one in job_ids]


def test_versions_points_of_an_attempt_that_an_older_nox_ends(any_nox: Nox, earlier: Environ) -> None:
    """
    It knows no points: they are not shown any more once it has requeued the job, and do not stay.
    """
    (job_id,) = any_nox.submit(WATER, "--opt", env=ALONE)
    with any_nox.store() as store:
        lease = claim(store, engines=frozenset({store.get(job_id).engine})).lease
        store.progress(lease, Progress(phase="opt", step=1), [Point(1, -5.0, 0.1)])
        assert 1 == len(json.loads(any_nox("status", job_id, "--json", check=True).stdout)["points"])
        assert "running" == json.loads(any_nox("status", job_id, "--json", env=earlier).stdout)["state"]

        run_out(any_nox, job_id)
        any_nox.worker("--slots", "1", env=earlier)
        any_nox("wait", job_id, check=True, env=earlier)

        assert 2 == store.get(job_id).attempt
        assert {} == store.points([job_id])
        left = store.audit()
    if any_nox.redis_url is None:
        any_nox("clean", "--older", "0s", "--yes", check=True, env=earlier)
        with any_nox.store() as store:
            assert [] == left == store.audit()
    else:
        with Redis.from_url(any_nox.redis_url) as client:
            assert 0 < client.pttl(f"nox:points:{job_id}")


def test_versions_a_job_claimed_ahead_that_an_older_nox_requeues(any_nox: Nox, earlier: Environ) -> None:
    """
    It knows no claims ahead: the loss counts, it runs the job, and the mark does not stay.
    """
    ids = any_nox.submit(WATER, METHANOL, "--sp", env=ALONE)
    with any_nox.store() as store:
        first = store.get(ids[1])
        ahead = Ahead(1, first.engine, first.kind, first.atoms)
        claim(store, engines=frozenset({first.engine}))
        assert ids[1] == claim(store, engines=frozenset({first.engine}), slot=1, ahead=ahead).job.id
        assert "running" == json.loads(any_nox("status", ids[1], "--json", env=earlier).stdout)["state"]

        for job_id in ids:
            run_out(any_nox, job_id)
        any_nox.worker("--slots", "1", env=earlier)
        any_nox("wait", *ids, check=True, env=earlier)
        jobs = store.get_many(ids)
        assert [] == store.audit()
    assert [("done", 2, 1)] * 2 == [(job.state, job.attempt, job.losses) for job in jobs]


def test_workers_of_either_version_find_a_lost_job(
    redis_nox: Nox, redis_server: RedisServer, earlier: Environ
) -> None:
    """
    While the housekeeper, of this version, lives, a lost job is requeued once; after it was killed, the one
    of the earlier version, which knows of no housekeeper, requeues another.
    """
    nox = redis_nox
    before, after = (nox.worker("--for", "all", env=env) for env in (earlier, ALONE))
    with redis_server.client() as client, nox.store() as store:
        wait_until(lambda: housekeeper(client) == after.pid, START_S, "the housekeeper")
        first = submit_lost(store)
        nox.wait(first, "completed", START_S)
        after.freeze()  # before it finds this one, too
        second = submit_lost(store)
        after.kill()
        nox.wait(second, "completed", START_S)
        jobs = store.get_many([first, second])

    assert [(2, 1)] * 2 == [(job.attempt, job.losses) for job in jobs]
    assert f"-{before.pid}-" in jobs[1].worker


def test_versions_an_older_nox_leaves_pools_alone(redis_nox: Nox, earlier: Environ) -> None:
    """
    Its events, lists and worker pass over them, it shows the worker of an allocation, and nothing changes.
    """
    nox, token = redis_nox, "0123456789abcdef"
    with nox.store() as store:
        pools = store.pools
        assert pools is not None
        pools.define("ada", "cpu", PoolDefinition(1, 2**30, 3_600), "0" * 64)
        lease = pools.acquire("ada", "login-1-a")
        assert isinstance(lease, AutoscalerLease)
        new: dict[str, object] = {"state": "pending", "cores": 1, "memory_bytes": 2**30}
        pools.record(lease, "cpu", {}, [(token, new | {"time_s": 3_600, "intended_ms": 1})])
        worker = nox.worker("--slots", "1", env=ALONE | {"NOX_ALLOCATION": token})
        wait_until(lambda: pools.allocations()[0].worker, START_S, lambda: f"a worker:\n{worker.log}")
        before = pools.pools(), pools.allocations()

        (first,) = nox.submit(WATER, "--sp", env=earlier)
        nox("wait", first, "--timeout", "60", check=True, env=earlier)
        listed_there = json.loads(nox("worker", "list", "--json", check=True, env=earlier).stdout)["items"]
        assert [worker.pid] == [one["pid"] for one in listed_there]
        assert [1] == [shown["attempt"] for shown in seen(nox, first, earlier)["events"][1:2]]
        assert {first} == {shown["job_id"] for shown in seen(nox, first, earlier)["events"]}
        assert [] == store.audit()
        nox("clean", "--older", "0s", "--yes", check=True, env=earlier)
        assert [] == listed(nox, ALONE)

        worker.kill()
        (second,) = nox.submit(METHANOL, "--sp", env=ALONE)
        burst(nox, earlier)
        assert "done" == store.get(second).state
        assert before == (pools.pools(), pools.allocations())
        assert ["pending", "running"] == [event.state for event in store.events("0").allocations]
