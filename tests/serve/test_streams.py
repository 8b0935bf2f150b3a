"""Streams of the HTTP API: events, logs and long polls, whatever happens to server, store and client."""

from __future__ import annotations

import json
import signal
import socket
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from functools import partial
from http import HTTPStatus
from http.client import HTTPConnection
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.support.ended import complete, water
from tests.support.nox import Nox
from tests.support.sse import Following, parsed
from tests.support.stores import ADA, BOB, artifact, claim, outcome, run_to_end, submit, submit_named
from tests.support.vandal import vandal_of
from tests.support.waiting import wait_until
from workers.machine import host
from workers.runtime.artifacts import live_log
from workers.store.settings import StoreSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import StartRedis
    from tests.support.server import Serve, Server
    from workers.job import Lease
    from workers.store.base import Store

LIMIT_S = 30.0
SSE = {"Accept": "text/event-stream"}


@pytest.fixture
def server(any_nox: Nox, serve: Serve) -> Server:
    """A server of ada, over each store."""
    any_nox.environ["NOX_USER"] = ADA
    return serve(any_nox)


@pytest.fixture
def any_store(server: Server) -> Iterator[Store]:
    """The store of `server`, whose jobs are those of its user."""
    with server.nox.store() as store:
        yield store


def following(server: Server, path: str, **headers: str) -> Following:
    """Follow a stream."""
    return Following(lambda: f"{server.url}{path}", server.token, **headers)


def stored(store: Store) -> list[str]:
    """Read the cursors of all events."""
    return [event.cursor for event in store.events("0", limit=10_000).items]


def test_events_come_as_nox_events_writes_them(server: Server, any_store: Store) -> None:
    """
    The data of each event is a line of `nox events`, its id the cursor; a job of another user has none.
    """
    (job_id,) = submit_named(any_store, "a", batch="b")
    submit_named(any_store, "x", owner=BOB)
    stream = following(server, "/events?since=0")
    stream.got(1)
    run_to_end(any_store, job_id)
    stream.got(3)

    lines = [line for line in server.nox("events", check=True).stdout.splitlines() if job_id in line]
    assert lines == [one.data for one in stream.sent]
    assert [one.document["cursor"] for one in stream.sent] == [one.id for one in stream.sent]
    assert {"message"} == {one.event for one in stream.sent}
    stream.close()


def test_events_of_a_job_end_with_it(server: Server, any_store: Store) -> None:
    """
    Its state comes first; after its end come an event that says so and the end of the answer.
    """
    (job_id,) = submit_named(any_store, "a")
    stream = following(server, "/jobs/1/events")
    stream.begun()
    submit_named(any_store, "b")
    run_to_end(any_store, job_id)
    stream.wait(lambda: stream.has_ended, "the end")

    assert ["snapshot", "message", "message", "end"] == [one.event for one in stream.sent]
    assert ["pending", "running", "completed", "completed"] == [one.document["state"] for one in stream.sent]
    with server.client() as client, client.stream("GET", "/jobs/1/events") as answer:
        assert ["snapshot", "end"] == [one.event for one in parsed(answer.iter_lines()) if one.data]


def test_events_are_chosen_by_batch_and_state(server: Server, any_store: Store) -> None:
    """
    Words for states are those of `nox list`, public or raw.
    """
    (job_id,) = submit_named(any_store, "a", batch="b")
    submit_named(any_store, "c")
    run_to_end(any_store, job_id)
    streams = {
        "batch=b": ["queued", "running", "done"],
        "batch=b&state=completed,running": ["running", "done"],
        "state=queued": ["queued", "queued"],
    }
    for query, states in streams.items():
        stream = following(server, f"/events?since=0&{query}")
        stream.got(len(states))
        assert states == [one.document["raw_state"] for one in stream.sent]
        stream.close()


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/events?since=yesterday", 400),
        ("/events?state=odd", 400),
        ("/jobs/7/events", 404),
        ("/jobs/7/log", 404),
        ("/jobs/7/status?wait=5", 404),
        ("/jobs/7?wait=1000", 400),
        ("/batches/none?wait=5", 404),
    ],
)
def test_what_cannot_be_followed_is_refused_at_once(
    client: httpx2.Client, server: Server, path: str, status: int
) -> None:
    """
    A problem comes in place of a stream, and without a wait.
    """
    assert server.process.poll() is None
    answer = client.get(path, headers=SSE)
    assert (status, "application/problem+json") == (answer.status_code, answer.headers["Content-Type"])


def test_events_that_are_no_longer_stored_leave_a_gap(server: Server, any_store: Store) -> None:
    """
    An event reports it, and the state of each of the owner's jobs follows without an id of its own.
    """
    submit_named(any_store, "a b c")
    old = stored(any_store)[0]
    submit_named(any_store, "d", owner=BOB)
    vandal_of(StoreSettings(server.nox.redis_url, "nox:", server.nox.home)).forget_events()
    stream = following(server, "/events", **{"Last-Event-ID": old})
    stream.wait(lambda: len(stream.sent) == 4 and stream.last, "the snapshot")
    claim(any_store)
    stream.wait(lambda: stream.cursors, "the next change")

    gap, *states, _ = stream.sent
    assert ("gap", "") == (gap.event, gap.id)
    assert [(1, "snapshot", ""), (2, "snapshot", ""), (3, "snapshot", "")] == [
        (one.document["number"], one.event, one.id) for one in states
    ]
    stream.close()


def test_events_are_neither_lost_nor_repeated_while_redis_restarts(
    home: Path, fresh_redis: StartRedis, serve: Serve
) -> None:
    """
    Streams stay open while Redis is killed and started again; each change comes once, in order.
    """
    redis = fresh_redis(appendonly="yes", appendfsync="always")
    with closing(Nox(home, redis.url)) as nox:
        nox.environ["NOX_USER"] = ADA
        server = serve(nox)
        stream = following(server, "/events?since=0")
        with nox.store() as store:
            for _ in range(2):
                submit_named(store, "a b c")
                stream.wait(lambda: stored(store) == stream.cursors, "the events before")
                redis.kill()
                stream.wait(lambda: stream.comments and "reconnecting" in stream.comments[-1], "the remark")
                redis.start()
                submit_named(store, "d e")
                stream.wait(lambda: stored(store) == stream.cursors, "the events after")
        assert 1 == stream.connections
        stream.close()
        assert 0 == server.stop()


def test_streams_are_resumed_at_another_server(server: Server, serve: Serve, any_store: Store) -> None:
    """
    A server is killed while clients follow; at the next one they get what they missed, and nothing twice.
    """
    urls = [server.url]
    streams = [Following(lambda: f"{urls[-1]}/events?since=0", server.token) for _ in range(5)]
    submit_named(any_store, "a b c")
    for stream in streams:
        stream.got(3)
    server.stop(signal.SIGKILL)
    submit_named(any_store, "d e f")
    urls.append(serve(server.nox).url)
    submit_named(any_store, "g")
    for stream in streams:
        stream.got(7)
        assert stored(any_store) == stream.cursors
        stream.close()


def test_streams_and_waits_end_with_the_server(server: Server, any_store: Store) -> None:
    """
    Neither delays its end, and the answer of a stream is complete.
    """
    submit_named(any_store, "a")
    headers = {"Authorization": f"Bearer {server.token}"}
    with closing(HTTPConnection(urlsplit(server.url).netloc)) as waiting, server.client() as client:
        waiting.request("GET", "/jobs/1/status?wait=60", headers=headers)
        with client.stream("GET", "/events?since=0") as answer, ThreadPoolExecutor() as threads:
            lines = answer.iter_lines()
            while not next(lines).startswith("data"):
                pass
            began = time.monotonic()
            ending = threads.submit(server.stop)
            assert all(not line.startswith("data") for line in lines)
            assert "pending" == json.load(waiting.getresponse())["state"]
            assert 0 == ending.result(LIMIT_S)
        assert time.monotonic() - began < LIMIT_S


def test_a_client_that_does_not_read_delays_no_other(server: Server, any_store: Store) -> None:
    """
    While one takes nothing, others get every event; and once it reads, it gets them all, too.
    """
    address = urlsplit(server.url)
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect((address.hostname, address.port))
        words = (
            f"GET /events?since=0 HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Bearer {server.token}"
        )
        slow.sendall(f"{words}\r\nConnection: close\r\n\r\n".encode())
        fast = following(server, "/events?since=0")
        for _ in range(30):
            submit_named(any_store, " ".join(["a"] * 100))
        cursors = stored(any_store)
        fast.got(len(cursors))
        assert cursors == fast.cursors
        fast.close()
        slow.settimeout(LIMIT_S)
        found = b""
        last = f'"cursor": "{cursors[-1]}"'.encode()
        while last not in found[-2_000:]:
            found += slow.recv(65_536)
    assert [found.count(f'"cursor": "{cursor}"'.encode()) for cursor in cursors] == [1] * len(cursors)


def token(server: Server, name: str, *words: str) -> str:
    """Make a token."""
    return server.nox("token", "new", name, "--scope", "read", *words, check=True).stdout.strip()


def test_two_owners_never_see_the_events_of_one_another(server: Server, any_store: Store) -> None:
    """
    Stored changes and live ones come to the token of their owner only; a job of another user is not there.
    """
    secrets = {owner: token(server, owner, "--owner", owner) for owner in (ADA, BOB)}
    mine = {owner: submit_named(any_store, "a b", owner=owner, batch="same") for owner in secrets}
    queries = ("since=0", "since=0&batch=same")
    streams = [
        (owner, Following(partial(f"{server.url}/events?{{}}".format, query), secret))
        for owner, secret in secrets.items()
        for query in queries
    ]
    for _, stream in streams:
        stream.got(2)
    for _ in range(4):
        any_store.finish(claim(any_store).lease, outcome())
    for owner, stream in streams:
        stream.got(6)
        assert set(mine[owner]) == {one.document["job_id"] for one in stream.sent}
        stream.close()
    for path in ("/jobs/1/events", "/jobs/1/log", "/jobs/1/status?wait=9", "/batches/none?wait=9"):
        headers = {**SSE, "Authorization": f"Bearer {secrets[BOB]}"}
        assert 404 == httpx2.get(f"{server.url}{path}", headers=headers).status_code, path
    with httpx2.Client(headers={"Authorization": f"Bearer {secrets[BOB]}"}) as client:
        assert {"done": 2} == client.get(f"{server.url}/batches/same").json()["raw_counts"]


def test_streams_of_a_token_are_limited(server: Server) -> None:
    """
    One more than its ceiling is refused; once one has ended, the next is taken.
    """
    headers = {"Authorization": f"Bearer {token(server, 'few', '--max-streams', '2')}"}

    def is_taken() -> bool:
        with client.stream("GET", "/events") as answer:
            return answer.status_code == HTTPStatus.OK

    with httpx2.Client(base_url=server.url, headers=headers, timeout=LIMIT_S) as client:
        with client.stream("GET", "/events") as first, client.stream("GET", "/events") as second:
            assert {200} == {first.status_code, second.status_code}
            refused = client.get("/events")
            assert (429, "too_many_streams") == (refused.status_code, refused.json()["code"])
            assert "Retry-After" in refused.headers
        wait_until(is_taken, LIMIT_S, "room for one")


def test_streams_that_begin_at_once_are_limited(server: Server, client: httpx2.Client) -> None:
    """
    Of many requests at once, of events and of a log, as many are answered as the token may have.
    """
    job = client.post("/jobs", json={"kind": "echo", "payload": 1}).json()["job_id"]
    secret = token(server, "few", "--max-streams", "3")
    address = urlsplit(server.url)
    with ExitStack() as opened:
        sockets = []
        for path in [f"/jobs/{job}/log", "/events"] * 10:
            one = opened.enter_context(socket.create_connection((address.hostname, address.port), LIMIT_S))
            head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n"
            one.sendall(f"{head}Authorization: Bearer {secret}\r\n\r\n".encode())
            sockets.append(one)
        answers = Counter(one.recv(12) for one in sockets)

    assert {b"HTTP/1.1 200": 3, b"HTTP/1.1 429": 17} == answers


def test_a_long_poll_is_answered_when_its_job_ends(
    client: httpx2.Client, server: Server, any_store: Store
) -> None:
    """
    `wait` on a job, on its status and on its batch ends with the last of the jobs, not after its time.
    """
    ids = submit_named(any_store, "a b", batch="b c")
    paths = ("/jobs/1", "/jobs/1/status", "/batches/b%20c")
    with ThreadPoolExecutor() as threads:
        began = time.monotonic()
        waits = [threads.submit(client.get, path, params={"wait": 60}) for path in paths]
        for job_id in ids:
            run_to_end(any_store, job_id)
        raw, public, batch = (wait.result(LIMIT_S).json() for wait in waits)
        assert time.monotonic() - began < LIMIT_S

    assert ("done", "completed") == (raw["state"], public["state"])
    assert {"schema", "batch", "counts", "raw_counts", "unfinished"} == batch.keys()
    assert ("b c", 2, {"done": 2}, 0) == (
        batch["batch"],
        batch["counts"]["completed"],
        batch["raw_counts"],
        batch["unfinished"],
    )
    assert server.process.poll() is None


def test_a_long_poll_is_answered_when_its_time_is_up(client: httpx2.Client, any_store: Store) -> None:
    """
    The answer is the state as it is.
    """
    submit_named(any_store, "a", batch="b")

    assert "pending" == client.get("/jobs/1/status?wait=0.1").json()["state"]
    assert 1 == client.get("/batches/b?wait=0.1").json()["unfinished"]


def running(store: Store) -> Lease:
    """Store a job and claim it for a worker on this machine."""
    submit(store, water())
    return claim(store, f"{host()}-1-abcdef").lease


def test_a_log_is_followed_and_resumed_at_any_byte(server: Server, any_store: Store) -> None:
    """
    Whole lines come as they are printed; the id counts bytes, and the rest comes with the end of the job.
    """
    lease = running(any_store)
    path = live_log(server.nox.home / "artifacts", lease.job_id, lease.fence)
    path.parent.mkdir(parents=True)
    path.write_text("one\ntwo\nthr")
    stream = following(server, "/jobs/1/log", **SSE)
    stream.got(1)
    assert ("one\ntwo\n", "1:8") == (stream.sent[0].data, stream.sent[0].id)
    with path.open("a") as file:
        file.write("ee\n\n")
    stream.got(2)
    made = artifact("engine.log", "one\ntwo\nthree\n\nfour")
    any_store.finish(lease, outcome(artifacts=(made,)))
    stream.wait(lambda: stream.has_ended, "the end")
    late = following(server, "/jobs/1/log", **SSE, **{"Last-Event-ID": "1:4"})
    late.wait(lambda: late.has_ended, "the end of the second")

    assert ["three\n\n", "four"] == [one.data for one in stream.sent[1:-1]]
    assert "completed" == stream.sent[-1].document["state"]
    assert "two\nthree\n\nfour" == "".join(one.data for one in late.sent[:-1])


def test_a_log_comes_as_text(client: httpx2.Client, any_store: Store) -> None:
    """
    Whole or its last lines, with control characters as escapes.
    """
    complete(any_store, None, artifact("engine.log", "one\n\x1b[31mtwo\n"))
    whole, last = client.get("/jobs/1/log"), client.get("/jobs/1/log?lines=1")

    assert ("one\n\\x1b[31mtwo\n", "\\x1b[31mtwo\n") == (whole.text, last.text)
    assert "text/plain; charset=utf-8" == whole.headers["Content-Type"]
    assert "nosniff" == whole.headers["X-Content-Type-Options"]
