"""A submit whose Redis is away, is silent, or whose reply is lost on the way."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
import redis

from tests.support.redis_server import free_port
from tests.support.redis_stand_in import StandIn
from tests.support.waiting import wait_until
from workers.store.base import SUBMIT_CHUNK
from workers.store.redis.connection import compose

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nox import Nox
    from tests.support.proxy import Proxy

ECHO = ("submit", "--kind", "echo", "--payload", "1", "--no-start")
SUBMIT = compose("submit", is_hot=False).digest.encode()
# The steps after a first one say the whole script.
LATER_STEP = b"\r\nEVAL\r\n"
# What a script is called by, whether the server knows it or not.
ANY_SCRIPT = b"\r\nEVAL"
# The goals are 1 s and 3 s on a quiet machine; the benchmarks measure them.
LIMIT_S = 30.0


@pytest.fixture(autouse=True)
def known(redis_url: str) -> None:
    """A Redis that knows how to submit, as each does but for the first one."""
    with redis.Redis.from_url(redis_url) as client:
        client.script_load(compose("submit", is_hot=False).text)


def test_a_redis_that_is_not_there_is_told_in_a_line(redis_nox: Nox) -> None:
    """
    Every command says who refused the connection, submit that nothing was submitted; the exit code is 4.
    """
    port = free_port()
    env = {"REDIS_URL": f"redis://127.0.0.1:{port}/0"}
    began = time.monotonic()
    submitted = redis_nox(*ECHO, env=env)
    took_s = time.monotonic() - began

    assert (4, "") == (submitted.returncode, submitted.stdout)
    assert (
        f"error: redis at 127.0.0.1:{port} refused the connection; the job was not submitted\n"
        "hint: start redis, or run here with --local\n"
    ) == submitted.stderr
    assert took_s < LIMIT_S
    for words in (["status", "1"], ["list"], ["wait", "1"], ["cancel", "1"], ["worker"]):
        refused = redis_nox(*words, env=env)
        assert (4, 1) == (refused.returncode, refused.stderr.count("refused the connection")), words


def test_a_redis_that_never_answers_is_given_up(redis_nox: Nox) -> None:
    """
    It accepts and says nothing: the same words, without waiting for long.
    """
    with StandIn(lambda _: None) as silent:
        began = time.monotonic()
        submitted = redis_nox(*ECHO, env={"REDIS_URL": silent.url})
        took_s = time.monotonic() - began

    assert (4, "") == (submitted.returncode, submitted.stdout)
    assert "did not answer; the job was not submitted\n" in submitted.stderr
    assert took_s < LIMIT_S


@pytest.mark.parametrize("by_cutting", [True, False], ids=["cut", "silent"])
def test_a_reply_lost_after_the_commit_is_no_loss(redis_nox: Nox, proxy: Proxy, by_cutting: bool) -> None:
    """
    The id is printed as ever, the job is there once, and a worker runs it soon.
    """
    proxy.lose_replies(SUBMIT, by_cutting=by_cutting)
    submitted = redis_nox(*ECHO, "--json", env={"REDIS_URL": proxy.url}, check=True)
    redis_nox.worker("--slots", "1")

    assert proxy.lost
    assert '"existing": false' in submitted.stdout
    with redis_nox.store() as store:
        (job_id,) = store.with_numbers(1, 100)
    assert job_id in submitted.stdout
    redis_nox.wait(job_id, "completed")
    assert 1 == redis_nox.job(job_id).attempt


def test_redis_lost_replies_what_nobody_can_know_is_said_so(redis_nox: Nox, proxy: Proxy) -> None:
    """
    Where no answer at all comes through, submit names the job to ask for, and that one is there.
    """
    proxy.lose_replies(ANY_SCRIPT, by_cutting=False)
    submitted = redis_nox(*ECHO, env={"REDIS_URL": proxy.url})
    proxy.lose_replies(b"", every=0)

    assert (4, "") == (submitted.returncode, submitted.stdout)
    assert "did not answer; whether the job was submitted is not known\n" in submitted.stderr
    with redis_nox.store() as store:
        (job_id,) = store.with_numbers(1, 100)
    assert f"hint: nox status {job_id} tells, once the store answers\n" in submitted.stderr


def test_redis_lost_replies_what_is_still_on_its_way_is_not_denied(redis_nox: Nox, proxy: Proxy) -> None:
    """
    A submit that no answer came to in time may arrive after nox has looked whether it is stored: nox does
    not say that it was not submitted, and names the job.
    """
    proxy.detain(SUBMIT)
    submitted = redis_nox(*ECHO, env={"REDIS_URL": proxy.url})
    with redis_nox.store() as store:
        assert {} == store.counts()
    proxy.let_go()

    assert (4, "") == (submitted.returncode, submitted.stdout)
    assert "did not answer; whether the job was submitted is not known\n" in submitted.stderr
    with redis_nox.store() as store:
        (job_id,) = wait_until(lambda: store.with_numbers(1, 100), 30, "the job")
    assert f"hint: nox status {job_id} tells" in submitted.stderr


def test_the_rest_of_a_submit_that_is_still_on_its_way_is_not_denied(
    redis_nox: Nox, proxy: Proxy, tmp_path: Path
) -> None:
    """
    Where later steps of a large submit are under way for long, nox prints the ids that are stored, and says
    that there may be more.
    """
    many = tmp_path / "many.ndjson"
    many.write_text('{"kind": "echo", "payload": 1}\n' * 300)
    proxy.detain(LATER_STEP)
    submitted = redis_nox("submit", str(many), "--no-start", env={"REDIS_URL": proxy.url})
    proxy.let_go()

    assert 4 == submitted.returncode
    assert SUBMIT_CHUNK == len(submitted.stdout.split())
    assert f"at least {SUBMIT_CHUNK} of 300 jobs were submitted" in submitted.stderr
    with redis_nox.store() as store:
        wait_until(lambda: len(store.with_numbers(1, 400)) == 300, 30, "the other jobs")


@pytest.mark.parametrize("how", ["hold", "refuse"])
def test_a_large_submit_that_is_cut_counts_what_it_knows(
    redis_nox: Nox, proxy: Proxy, tmp_path: Path, how: str
) -> None:
    """
    Redis falls silent, or goes, with steps under way: the jobs known to be stored are printed, and counted as
    those there are at least; it is asked once which these are, and for nothing else.
    """
    many = tmp_path / "many.ndjson"
    many.write_text('{"kind": "echo", "payload": 1}\n' * 300)
    proxy.detain(LATER_STEP)
    submit = redis_nox.popen("submit", str(many), env={"REDIS_URL": proxy.url})
    with redis_nox.store() as store:
        wait_until(store.counts, LIMIT_S, "the first step")
        getattr(proxy, how)()
        began = time.monotonic()
        out, err = submit.communicate(timeout=LIMIT_S)
        took_s = time.monotonic() - began
        printed, stored = out.split(), store.with_numbers(1, 400)

    assert 4 == submit.returncode
    if printed:
        assert stored == printed
        assert f"at least {len(printed)} of 300 jobs were submitted" in err
    else:  # the answer to the first step had not come yet
        assert "whether any of 300 jobs were submitted is not known" in err
    assert took_s < LIMIT_S


def test_a_submit_through_a_broken_wire_keeps_nothing(redis_nox: Nox, proxy: Proxy) -> None:
    """
    A connection that breaks at once is like none: nothing was submitted, and nothing is there.
    """
    proxy.refuse()
    submitted = redis_nox(*ECHO, env={"REDIS_URL": proxy.url})

    assert 4 == submitted.returncode
    assert "closed the connection; the job was not submitted\n" in submitted.stderr
    with redis_nox.store() as store:
        assert {} == store.counts()


@pytest.mark.parametrize("count", [50, pytest.param(1_000, marks=pytest.mark.long)])
def test_redis_lost_replies_no_submit_makes_two_jobs(redis_nox: Nox, proxy: Proxy, count: int) -> None:
    """
    With one reply in ten lost, as many jobs are stored as ids were printed: the same.
    """
    env = {"REDIS_URL": proxy.url}
    redis_nox(*ECHO, env=env, check=True)
    proxy.lose_replies(SUBMIT, every=9)  # a lost one is sent again, which makes two commands of it
    with ThreadPoolExecutor(2) as pool:
        printed = list(pool.map(lambda _: redis_nox(*ECHO, env=env, check=True).stdout, range(count)))

    assert proxy.lost >= count // 10
    with redis_nox.store() as store:
        stored = wait_until(lambda: store.with_numbers(2, 2 * count), 30, "the jobs")
    assert sorted(line.strip() for line in printed) == sorted(stored)
    assert count == len(set(stored))
