"""`nox events`: the change stream, which loses and repeats nothing, wherever it is taken up again."""

from __future__ import annotations

import fcntl
import json
import mmap
import os
import re
import signal
import subprocess
import sys
import termios
from contextlib import closing
from typing import TYPE_CHECKING, Any

from tests.support.nox import Nox
from tests.support.stores import claim, failed, run_to_end, submit_named
from tests.support.vandal import vandal_of
from tests.support.waiting import wait_until
from workers.job import Reason
from workers.store.pools import AutoscalerLease, PoolDefinition
from workers.store.settings import StoreSettings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import StartRedis
    from workers.store.base import Store


TOKEN = "0123456789abcdef"


def lines(text: str) -> list[dict[str, Any]]:
    """Read NDJSON."""
    return [json.loads(line) for line in text.splitlines()]


def test_events_everything_that_is_kept(any_nox: Nox, any_store: Store) -> None:
    """
    A line a change, oldest first, with the schema and a cursor each.
    """
    (job_id,) = submit_named(any_store, "a", batch="b")
    run_to_end(any_store, job_id, failed(Reason.SCF))
    found = lines(any_nox("events", check=True).stdout)

    assert ["queued", "running", "failed"] == [one["raw_state"] for one in found]
    assert [0, 1, 1] == [one["attempt"] for one in found]
    assert {(1, job_id, 1, "b", False)} == {
        (one["schema"], one["job_id"], one["number"], one["batch"], one["snapshot"]) for one in found
    }
    assert ("failed", "scf") == (found[-1]["state"], found[-1]["reason"])


def test_events_of_allocations_are_in_the_order_of_the_stream(redis_nox: Nox) -> None:
    """
    Each new state is a line with pool, token and number of the batch job, and has a cursor as all lines have.
    """
    with redis_nox.store() as store:
        assert store.pools is not None
        store.pools.define("ada", "cpu", PoolDefinition(4, 2**30, 3_600), "0" * 64)
        lease = store.pools.acquire("ada", "login-1-a")
        assert isinstance(lease, AutoscalerLease)
        (job_id,) = submit_named(store, "a")
        new: dict[str, object] = {
            "state": "intended",
            "cores": 4,
            "memory_bytes": 2**30,
            "time_s": 3_600,
            "intended_ms": 1,
        }
        store.pools.record(lease, "cpu", {}, [(TOKEN, new)])
        run_to_end(store, job_id)
        changes: list[dict[str, object]] = [
            {"state": "pending", "number": "4711", "reason": "Priority"},
            {"state": "ended", "ended_as": "cancelled", "reason": "by ada"},
        ]
        for change in changes:
            store.pools.record(lease, "cpu", {}, [(TOKEN, change)])
    found = lines(redis_nox("events", check=True).stdout)

    states = [(one.get("allocation", "job"), one["state"]) for one in found]
    job, ours = "job", TOKEN
    assert states == [
        (job, "pending"),
        (ours, "intended"),
        (job, "running"),
        (job, "completed"),
        (ours, "pending"),
        (ours, "ended"),
    ]
    assert {
        "schema": 1,
        "cursor": found[4]["cursor"],
        "at": found[4]["at"],
        "owner": "ada",
        "pool": "cpu",
        "allocation": TOKEN,
        "number": "4711",
        "state": "pending",
        "reason": "Priority",
        "ended_as": None,
    } == found[4]
    assert (None, "cancelled") == (found[5]["reason"], found[5]["ended_as"])
    schema = json.loads(redis_nox("schema", "allocation_event", check=True).stdout)
    assert set(schema["properties"]) == set(found[4])
    for at, one in enumerate(found):
        assert found[at + 1 :] == lines(redis_nox("events", "--since", one["cursor"], check=True).stdout)


def test_events_goes_on_after_a_cursor(any_nox: Nox, any_store: Store) -> None:
    """
    What follows any line's cursor is what comes after that line; after the last there is nothing.
    """
    submit_named(any_store, "a b")
    claim(any_store)
    found = lines(any_nox("events", check=True).stdout)

    for at, one in enumerate(found):
        assert found[at + 1 :] == lines(any_nox("events", "--since", one["cursor"], check=True).stdout)
    assert 2 == any_nox("events", "--since", "yesterday").returncode


def test_a_cursor_that_is_too_old(any_nox: Nox, any_store: Store) -> None:
    """
    Stderr says so, and how every job is comes first, with a cursor to go on from.
    """
    submit_named(any_store, "a b c")
    claim(any_store)
    old = lines(any_nox("events", check=True).stdout)[0]["cursor"]
    vandal_of(StoreSettings(any_nox.redis_url, "nox:", any_nox.home)).forget_events()
    ended = any_nox("events", "--since", old, check=True)
    found = lines(ended.stdout)

    assert "older changes are no longer kept" in ended.stderr
    assert [("running", True), ("pending", True), ("pending", True)] == [
        (one["state"], one["snapshot"]) for one in found
    ]
    assert {""} == {any_nox("events", "--since", one["cursor"], check=True).stdout for one in found}


def test_events_is_followed_until_it_is_interrupted(any_nox: Nox, any_store: Store, tmp_path: Path) -> None:
    """
    Without a cursor it begins now; each change comes at once; Ctrl-C ends it with the command to go on with.
    """
    submit_named(any_store, "before")
    printed, said = tmp_path / "printed", tmp_path / "said"
    with printed.open("wb") as stdout, said.open("wb") as stderr:
        process = any_nox.popen("events", "--follow", stdout=stdout, stderr=stderr, stdin=subprocess.DEVNULL)
    number = 0

    def has_begun() -> bool:
        nonlocal number
        number += 1
        submit_named(any_store, f"{number}")
        return bool(printed.read_text())

    wait_until(has_begun, 60, "the first line")
    (last,) = submit_named(any_store, "last")
    wait_until(lambda: last in printed.read_text(), 60, "the last job's line")
    process.send_signal(signal.SIGINT)
    assert 130 == process.wait(60)
    found = lines(printed.read_text())

    assert last == found[-1]["job_id"]
    assert list(range(found[0]["number"], number + 3)) == [one["number"] for one in found]
    assert 1 < found[0]["number"]
    (cursor,) = re.findall(r"nox events --since (\S+) --follow", said.read_text())
    # One that was printed just before may be repeated.
    assert lines(any_nox("events", "--since", cursor, check=True).stdout) in ([], found[-1:])


def test_events_that_were_not_printed_come_after_an_interrupt(any_nox: Nox, any_store: Store) -> None:
    """
    What is continued after Ctrl-C begins with the event that a reader who had stopped reading kept back.
    """
    submit_named(any_store, " ".join(f"job{number}" for number in range(64)))
    everything = any_nox("events", check=True).stdout
    reader, writer = os.pipe()
    with os.fdopen(reader, encoding="utf-8") as pipe:
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, mmap.PAGESIZE)
        process = any_nox.popen("events", "--since", "0", "--follow", stdout=writer)
        os.close(writer)
        longest = max(map(len, everything.splitlines(keepends=True)))
        wait_until(lambda: mmap.PAGESIZE - longest < unread(reader), 60, "a pipe that is full")
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
        printed = pipe.read()

    assert 130 == process.returncode
    (cursor,) = re.findall(r"nox events --since (\S+) --follow", said)
    assert everything == printed + any_nox("events", "--since", cursor, check=True).stdout


def unread(pipe: int) -> int:
    """Count the bytes in a pipe."""
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)


def test_events_nothing_is_lost_or_repeated_while_the_store_is_away(
    home: Path, fresh_redis: StartRedis, tmp_path: Path
) -> None:
    """
    Who follows hears that Redis is away, and back, and then of every job once, those of meanwhile too.
    """
    server = fresh_redis(appendonly="yes", appendfsync="always")
    with closing(Nox(home, server.url)) as nox:
        ids = nox.submit("--kind", "echo")
        printed, said = tmp_path / "printed", tmp_path / "said"
        with printed.open("wb") as stdout, said.open("wb") as stderr:
            process = nox.popen("events", "--since", "0", "-f", stdout=stdout, stderr=stderr)
        wait_until(lambda: ids[0] in printed.read_text(), 60, "the first job's line")
        server.kill()
        wait_until(lambda: "does not answer" in said.read_text(), 60, "word that the store is away")
        server.start()
        ids += nox.submit("--kind", "echo")
        wait_until(lambda: ids[1] in printed.read_text(), 60, "the second job's line")
        process.terminate()
        process.wait(60)

        assert "answers again" in said.read_text()
        assert ids == [one["job_id"] for one in lines(printed.read_text())]
