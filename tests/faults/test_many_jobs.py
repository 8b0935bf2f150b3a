"""Very many jobs: lists come in pages, memory stays small, and Redis is asked nothing without a limit."""

from __future__ import annotations

import subprocess
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import redis

from tests.support.memory import CLIENT_KIB, WORKER_KIB, peak_kib, peak_so_far_kib
from tests.support.waiting import wait_until
from workers.job import JobState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.nox import Nox

PAGE_S = 1.0
FILL_S = 600.0  # a busy machine may take minutes over a hundred thousand
# How many entries a command may ask for, and how many a key may have that is read whole.
MOST_ASKED, MOST = 10_000, 1_000
COUNTS = pytest.mark.parametrize("count", [5_000, pytest.param(100_000, marks=pytest.mark.long)])
READERS = (
    "list", "list --limit 1000 --json", "list --state done", "status", "status 1-20", "worker list",
    "results @all --limit 10", "doctor",
)  # fmt: skip
# What goes through all keys, or stops the server for long.
FORBIDDEN = {"KEYS", "SCAN", "SORT", "FLUSHALL", "FLUSHDB", "DEBUG", "SAVE", "RANDOMKEY"}
WHOLE = {"SMEMBERS", "HGETALL", "HVALS", "HKEYS", "SUNION", "SINTER", "SDIFF"}
SIZES = {b"list": "LLEN", b"set": "SCARD", b"hash": "HLEN", b"zset": "ZCARD", b"stream": "XLEN"}


def fill(nox: Nox, count: int) -> None:
    """Submit all the jobs."""
    requests = nox.cwd / "many.ndjson"
    requests.write_text('{"kind": "echo"}\n' * count)
    nox("submit", str(requests), "--no-start", "-q", check=True, limit_s=FILL_S)


def quickest_s(nox: Nox, *words: str) -> float:
    """Run a command three times; the time of the quickest, as the machine is others' too."""
    took = []
    for _ in range(3):
        began = time.monotonic()
        nox(*words, check=True)
        took.append(time.monotonic() - began)
    return min(took)


@contextmanager
def monitored(url: str) -> Iterator[list[str]]:
    """Note every command that Redis runs meanwhile, those inside scripts too."""
    seen: list[str] = []
    with (
        redis.Redis.from_url(url, socket_timeout=None) as client,  # the monitor listens through silence
        redis.Redis.from_url(url) as other,
        client.monitor() as monitor,
    ):

        def listen() -> None:
            for told in monitor.listen():
                seen.append(told["command"])
                if told["command"] == "PING the end":
                    return

        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        yield seen
        other.execute_command("PING", "the end")
        listener.join(30)
        assert not listener.is_alive()


def asked_for(command: str) -> int | None:
    """How many entries a command asks for at most; None: for all that its key holds."""
    name, *rest = command.upper().split()
    if "RANGE" not in name and name not in WHOLE:
        return 0
    for word, after in (("LIMIT", 2), ("COUNT", 1)):
        if word in rest:
            return int(rest[rest.index(word) + after])
    if name in {"ZRANGE", "LRANGE"} and not {"BYSCORE", "BYLEX"} & set(rest) and is_between_ranks(*rest[1:3]):
        return int(rest[2]) - int(rest[1]) + 1
    return None


def is_between_ranks(first: str, last: str) -> bool:
    """Whether both ends of a range are counted from the same side."""
    return (
        first.lstrip("-").isdigit() and last.lstrip("-").isdigit() and (first[0] == "-") is (last[0] == "-")
    )


def sizes_of(url: str, keys: list[str]) -> dict[str, int]:
    """Count what keys hold; one that is gone holds nothing."""
    with redis.Redis.from_url(url) as client, client.pipeline(transaction=False) as pipe:
        for key in keys:
            pipe.type(key)
        kinds: list[Any] = pipe.execute()
        known = [(key, SIZES[kind]) for key, kind in zip(keys, kinds, strict=True) if kind in SIZES]
        for key, size in known:
            pipe.execute_command(size, key)
        return {key: int(found) for (key, _), found in zip(known, pipe.execute(), strict=True)}


@COUNTS
def test_lists_of_many_jobs_are_pages_in_little_memory(any_nox: Nox, count: int) -> None:
    """
    With very many jobs waiting, submit, list, status, results and watch each stay below 150 MB, and a page of
    a list takes no second beside what it takes to start.
    """
    fill(any_nox, count)
    peaks = {
        words: peak_kib(any_nox, *words.split())
        for words in (
            "list",
            "list --limit 1000 --json",
            "status",
            "results @all -a --limit 10",
            f"list -q --limit {count}",
        )
    }
    page = any_nox("list", "-q", "--limit", "100", check=True).stdout.split()

    assert 100 == len(set(page))
    assert {} == {words: peak for words, peak in peaks.items() if peak > CLIENT_KIB}
    start_s = quickest_s(any_nox, "version")
    assert PAGE_S > quickest_s(any_nox, "list") - start_s
    assert PAGE_S > quickest_s(any_nox, "list", "--state", "queued", "--limit", "100", "--json") - start_s


@COUNTS
def test_a_worker_of_many_jobs_stays_small(any_nox: Nox, count: int) -> None:
    """
    A worker that has very many jobs before it takes them up at once, in less than 120 MB.
    """
    fill(any_nox, count)
    worker = any_nox.worker("--slots", "2")
    with any_nox.store() as store:
        wait_until(lambda: store.counts().get(JobState.DONE, 0) >= 1_000, 60, lambda: worker.log)
    peak = peak_so_far_kib(worker.pid)

    assert peak < WORKER_KIB


@COUNTS
def test_redis_is_asked_nothing_without_a_limit(redis_nox: Nox, count: int) -> None:
    """
    While very many jobs are submitted, listed, watched, cancelled and worked at, Redis runs no command that
    goes through all keys, and none, inside scripts too, that reads the whole of what grows with the jobs.
    """
    assert redis_nox.redis_url is not None
    with monitored(redis_nox.redis_url) as seen:
        fill(redis_nox, count)
        worker = redis_nox.worker("--slots", "2")
        view = redis_nox.popen("watch", "@last", "--compact", stdout=subprocess.DEVNULL)
        for words in (*READERS, f"cancel {count - 9}-{count} -y"):
            redis_nox(*words.split(), check=True)
        with redis_nox.store() as store:
            wait_until(lambda: store.counts().get(JobState.DONE, 0) >= 500, 60, lambda: worker.log)
        view.terminate()
        view.wait(20)
        worker.kill()
    limits = {command: asked_for(command) for command in set(seen)}
    whole = sorted({command.split()[1] for command, limit in limits.items() if limit is None})
    sizes = sizes_of(redis_nox.redis_url, whole)

    asked = {command.split()[0].upper() for command in seen}
    assert {"EVALSHA", "ZADD", "ZRANGE", "PING"} <= asked
    assert set() == asked & FORBIDDEN
    assert {} == {command: limit for command, limit in limits.items() if limit and limit > MOST_ASKED}
    assert {} == {key: size for key, size in sizes.items() if size > MOST}
