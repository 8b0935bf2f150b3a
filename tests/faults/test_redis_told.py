"""Messages about a Redis that refuses, is full, or is open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.lingering import START_S, submit_lingering, wait_running
from tests.support.nox import Nox
from tests.support.redis_stand_in import StandIn, saying
from tests.support.waiting import wait_until
from workers.job import JobState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.conftest import StartRedis

    Drive = Callable[[str], Nox]

ECHO = ("submit", "--kind", "echo", "--payload", '{"do": "tell"}', "--no-start")
SECRET = "canary-9b1e"


@pytest.fixture
def drive(home: Path) -> Iterator[Drive]:
    """Drives real nox processes over the Redis at a URL."""
    driven: list[Nox] = []

    def over(url: str) -> Nox:
        driven.append(Nox(home, url))
        return driven[-1]

    yield over
    for nox in driven:
        nox.close()


def refusals(nox: Nox, *, reading: bool = False) -> set[str]:
    """Have a submit and a worker refused, and perhaps a list; return the first lines they print."""
    said = set()
    for words in (ECHO, ("worker",), *([("list",)] if reading else [])):
        refused = nox(*words)
        assert (4, "") == (refused.returncode, refused.stdout), refused.stderr
        assert "Traceback" not in refused.stderr
        said.add(refused.stderr.splitlines()[-2 if "\nhint: " in refused.stderr else -1].split(";")[0])
    return said


def test_a_policy_that_evicts_is_not_served(fresh_redis: StartRedis, drive: Drive) -> None:
    """
    The worker names the policy and the one to set; jobs may still be looked at.
    """
    nox = drive(fresh_redis(maxmemory_policy="allkeys-lru").url)
    refused = nox("worker")

    assert 4 == refused.returncode
    assert "maxmemory-policy allkeys-lru and would lose jobs; no worker was started\n" in refused.stderr
    assert "hint: set maxmemory-policy to noeviction there\n" in refused.stderr
    assert 0 == nox("list", "--json").returncode


def test_a_full_redis_is_drained_and_filled_again(
    fresh_redis: StartRedis, drive: Drive, tmp_path: Path
) -> None:
    """
    At maxmemory submit says so and stores nothing; jobs that run end, those that wait are begun and end too;
    with memory free again submit works.
    """
    server, go = fresh_redis(), tmp_path / "go"
    nox = drive(server.url)
    ids = submit_lingering(nox, go, 6)
    workers = [nox.worker("--slots", "2", "--cores", "2", standin=True) for _ in range(2)]
    wait_running(nox, ids[:4], workers)
    with server.client() as client:
        client.config_set("maxmemory", "1mb")
        full = nox(*ECHO)
        late = nox.worker("--slots", "1", standin=True)

        assert (4, "") == (full.returncode, full.stdout)
        assert "is full: its maxmemory is reached; the job was not submitted\n" in full.stderr
        with nox.store() as store:
            wait_until(
                lambda: store.counts() == {JobState.RUNNING: 5, JobState.QUEUED: 1}, START_S, lambda: late.log
            )
            go.touch()
            wait_until(lambda: store.counts() == {JobState.DONE: 6}, START_S, lambda: late.log)
            assert {1} == {job.attempt for job in store.get_many(ids)}
        assert 4 == nox(*ECHO).returncode
        client.config_set("maxmemory", "0")
    (job_id,) = nox(*ECHO, check=True).stdout.split()
    nox.wait(job_id, "completed")


def test_a_replica_is_named_as_one(fresh_redis: StartRedis, drive: Drive) -> None:
    """
    Writing is refused by what it is; reading works.
    """
    replica = fresh_redis(replicaof=f"127.0.0.1 {fresh_redis().port}")
    nox = drive(replica.url)
    with replica.client() as client:
        wait_until(lambda: client.info("replication")["master_link_status"] == "up", 30, "a replica")

    assert {f"error: redis at 127.0.0.1:{replica.port} is a read-only replica"} == refusals(nox)
    assert 0 == nox("list", "--json").returncode


def test_a_redis_that_cannot_save_is_told_with_its_reason(
    fresh_redis: StartRedis, drive: Drive, tmp_path: Path
) -> None:
    """
    Something lies where its snapshot should: submit and worker say that it refuses writes. A job that runs
    meanwhile ends in its first attempt once Redis can save again.
    """
    server, go = fresh_redis(appendonly="no", save="3600 1000000"), tmp_path / "go"
    nox, in_the_way = drive(server.url), server.directory / "dump.rdb"
    (job_id,) = submit_lingering(nox, go)
    worker = nox.worker("--slots", "1", standin=True)
    wait_running(nox, [job_id], [worker])
    with server.client() as client:
        in_the_way.mkdir()
        client.bgsave()
        wait_until(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err", 30, server.log)

        for line in refusals(nox):
            assert line.startswith(f"error: redis at 127.0.0.1:{server.port} refuses writes: ")
        go.touch()
        worker.wait_log("refuses writes", 30)
        in_the_way.rmdir()
        client.bgsave()
    nox.wait(job_id, "completed")
    assert (1, 0) == (nox.job(job_id).attempt, nox.job(job_id).losses)


def test_a_user_who_may_run_no_scripts_is_told(fresh_redis: StartRedis, drive: Drive) -> None:
    """
    Which right is missing, for every command; the password is printed nowhere.
    """
    server = fresh_redis()
    with server.client() as client:
        rules = ("on", f">{SECRET}", "~nox:*", "+@all", "-eval", "-evalsha")
        client.execute_command("ACL", "SETUSER", "kim", *rules)
    nox = drive(f"redis://kim:{SECRET}@127.0.0.1:{server.port}/0")

    place = f"redis at 127.0.0.1:{server.port}"
    assert {f"error: {place} refused: this user may not run EVALSHA"} == refusals(nox, reading=True)
    for words in (ECHO, ("worker",), ("list", "--debug"), ("config", "show")):
        ended = nox(*words)
        assert SECRET not in ended.stdout + ended.stderr


def test_a_wrong_password_is_told_and_not_shown(fresh_redis: StartRedis, drive: Drive) -> None:
    """
    Neither the right one nor the wrong one.
    """
    server = fresh_redis(requirepass="right-canary")
    nox = drive(f"redis://:{SECRET}@127.0.0.1:{server.port}/0")

    place = f"redis at 127.0.0.1:{server.port}"
    assert {f"error: {place} refused the name or password"} == refusals(nox, reading=True)
    assert "canary" not in nox(*ECHO, "--debug").stderr


def test_an_open_redis_is_told_and_can_be_refused(fresh_redis: StartRedis, drive: Drive) -> None:
    """
    A worker says who else can read and change jobs, and with --require-auth does not serve them; one with a
    password is served without a word.
    """
    server = fresh_redis()
    nox = drive(server.url)
    said = "this redis asks for no password: anyone on this host can read and change jobs"
    refused = nox("worker", "--require-auth")
    assert 4 == refused.returncode
    assert f"error: {said}; no worker was started\n" in refused.stderr
    nox.worker("--slots", "1").wait_log(f"warning {said}")

    safe = fresh_redis(requirepass=SECRET).url
    worker = nox.worker("--slots", "1", "--require-auth", env={"REDIS_URL": safe})
    worker.wait_log("1 slot")
    assert "password" not in worker.log


@pytest.mark.parametrize(
    ("info", "said"),
    [
        (
            "redis_version:6.2.14\r\nredis_mode:standalone\r\n",
            "error: redis 6.2.14 at {}: nox needs redis 7.2",
        ),
        ("redis_version:8.0.2\r\nredis_mode:cluster\r\n", "error: redis at {} is a cluster"),
    ],
)
def test_a_redis_nox_cannot_use_is_told(drive: Drive, info: str, said: str) -> None:
    """
    Too old, or a cluster: every command says so before anything is handed over.
    """
    with StandIn(saying(f"# Server\r\n{info}")) as server:
        place = server.url.removeprefix("redis://").removesuffix("/0")
        for line in refusals(drive(server.url), reading=True):
            assert line.startswith(said.format(place))
