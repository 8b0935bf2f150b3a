"""The server itself: its description, its store that comes and goes, and what it refuses."""

from __future__ import annotations

import json
import shutil
import signal
from typing import TYPE_CHECKING, Any

import pytest
from fastapi.routing import APIRoute
from pydantic import TypeAdapter

from nox_cli.serve.routes import actions, batches, health, jobs, lists, overview
from nox_cli.serve.routes import server as server_routes
from tests.support.nox import Nox
from tests.support.stores import ADA, BOB, new_job, served, submit
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    import httpx2
    from fastapi.testclient import TestClient

    from tests.conftest import StartRedis
    from tests.support.server import Serve, Server

ECHO = {"kind": "echo", "payload": 1}
LIMIT_S = 30.0


def test_the_description_names_every_operation(client: httpx2.Client) -> None:
    """
    Operations have short names, a summary, tags, and problem documents; all but two need the token.
    """
    found = client.get("/openapi.json").json()

    operations = {
        (method, path): operation
        for path, methods in found["paths"].items()
        for method, operation in methods.items()
    }
    names = [operation["operationId"] for operation in operations.values()]
    assert len(set(names)) == len(names)
    is_open = {("get", "/health/live"), ("post", "/session")}
    for route, operation in operations.items():
        assert operation["summary"]
        assert operation["tags"]
        assert (route in is_open) == ("security" not in operation)
        assert "422" not in operation["responses"]


def test_answers_are_as_the_description_states(app_client: TestClient) -> None:
    """
    Each document has the type of its route, whose schema the description has, and nothing else in it.
    """
    job = app_client.post("/jobs", json=ECHO).json()["job_id"]
    app_client.post("/jobs", json=[ECHO], params={"batch": "b"}).raise_for_status()
    some = {"selector": [job], "action": "hold"}
    wanted: list[tuple[str, str, Any]] = [
        ("POST", "/jobs", ECHO),
        ("POST", "/jobs", [ECHO, ECHO]),
        ("POST", "/jobs/check", ECHO),
        ("POST", "/jobs/{job}/hold", None),
        ("POST", "/jobs/{job}/release", None),
        ("PATCH", "/jobs/{job}", {"priority": 1}),
        ("POST", "/jobs/actions", some),
        ("POST", "/jobs/actions", {**some, "dry_run": True}),
        ("POST", "/jobs/actions", {**some, "action": "cancel"}),
        ("POST", "/jobs/{job}/cancel", None),
        ("POST", "/jobs/{job}/retry", None),
        *(
            ("GET", path, None)
            for path in (
                "/jobs", "/jobs/{job}", "/jobs/{job}/status", "/jobs/{job}/explain", "/results", "/workers",
                "/progress", "/running", "/workforce", "/batches", "/batches/{batch}",
                "/health/live", "/health/ready",
            )
        ),
    ]  # fmt: skip
    models = {
        (method, route.path): route.response_model
        for part in (actions, batches, health, jobs, lists, overview, server_routes)
        for route in part.router.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }

    for method, path, body in wanted:
        answer = app_client.request(method, path.format(job=job, batch="b"), json=body)
        TypeAdapter(models[method, path]).validate_python(answer.json())


def test_documents_about_the_server_are_those_of_commands(client: httpx2.Client, server: Server) -> None:
    """
    Versions and schemas are what `nox version` and `nox schema` print.
    """
    nox = server.nox

    assert json.loads(nox("version", "--json", check=True).stdout) == client.get("/version").json()
    assert json.loads(nox("schema", "record", check=True).stdout) == client.get("/schema/record").json()
    assert 400 == client.get("/schema/nonsense").status_code


def test_a_server_is_ready_while_a_worker_lives(client: httpx2.Client, server: Server) -> None:
    """
    Without a worker it is 503; with one that has an engine it is 200, and the worker is listed.
    """
    before = client.get("/health/ready")
    with server.nox.store() as store, served(store):
        # A store that takes longer than a second to answer is none.
        wait_until(lambda: client.get("/health/ready").status_code == 200, LIMIT_S, "a server that is ready")
        listed = client.get("/workers").json()

    assert 503 == before.status_code
    assert [ADA] == [worker["owner"] for worker in listed["items"]]


def test_metrics_are_offered_if_that_is_wanted(client: httpx2.Client, server: Server, serve: Serve) -> None:
    """
    `--metrics` offers what `nox metrics` prints; without it there is no such route.
    """
    assert 404 == client.get("/metrics").status_code
    with serve(server.nox, "--metrics").client() as other:
        assert "nox_store_up 1.0" in other.get("/metrics").text


def test_a_server_that_only_reads_changes_nothing(nox: Nox, serve: Serve) -> None:
    """
    With `--read-only` jobs are read and checked, and no change is made.
    """
    with serve(nox, "--read-only").client() as client:
        refused = [client.post("/jobs", json=ECHO), client.post("/jobs/1/cancel")]
        assert {(403, "read_only")} == {(one.status_code, one.json()["code"]) for one in refused}
        assert [200, 200] == [
            client.get("/jobs").status_code,
            client.post("/jobs/check", json=ECHO).status_code,
        ]


def test_a_worker_of_the_server_runs_its_jobs(nox: Nox, serve: Serve) -> None:
    """
    `--with-worker` runs jobs, and its worker ends with the server.
    """
    server = serve(nox, "--with-worker")
    with server.client() as client:
        job_id = client.post("/jobs", json=ECHO).json()["job_id"]
        nox.wait(job_id, "completed")

    assert 0 == server.stop()
    assert not nox.background()


def test_a_worker_of_the_server_is_replaced_if_it_ends_by_itself(
    home: Path, fresh_redis: StartRedis, serve: Serve
) -> None:
    """
    Started before its Redis, the server says that its worker ended; the next one runs the jobs.
    """
    redis = fresh_redis()
    redis.stop()
    nox = Nox(home, redis.url)
    server = serve(nox, "--with-worker")
    wait_until(lambda: "the worker ended by itself exit=4" in server.log, 60.0, lambda: server.log)
    redis.start()
    with nox.store() as store:
        (job_id,) = submit(store, new_job(owner=ADA))

    nox.wait(job_id, "completed", 90.0)
    assert 0 == server.stop()
    assert not nox.background()


def test_a_worker_of_a_killed_server_ends_in_order(nox: Nox, serve: Serve) -> None:
    """
    A server that is killed leaves no worker running: its worker drains as after SIGTERM.
    """
    server = serve(nox, "--with-worker")
    with server.client() as client:
        nox.wait(client.post("/jobs", json=ECHO).json()["job_id"], "completed")
    assert 1 == len(nox.background())

    assert -signal.SIGKILL == server.stop(signal.SIGKILL)

    wait_until(lambda: not nox.background(), 30.0, lambda: f"the end of the worker:\n{server.log}")
    assert "received SIGTERM" in server.log
    assert "ended" in server.log


@pytest.mark.parametrize(
    ("options", "state", "warns"), [((), "pending", False), (("--for", "all"), "completed", True)]
)
def test_a_worker_of_the_server_runs_other_owners_jobs_if_that_is_said(
    redis_nox: Nox, serve: Serve, options: tuple[str, ...], state: str, warns: bool
) -> None:
    """
    A job of another owner, submitted first, waits, unless `--for all` is given, which warns.
    """
    with redis_nox.store() as store:
        (foreign,) = submit(store, new_job(owner=BOB))
    server = serve(redis_nox, "--with-worker", *options)
    with server.client() as client:
        redis_nox.wait(client.post("/jobs", json=ECHO).json()["job_id"], "completed")

    redis_nox.wait(foreign, state)
    assert warns == ("jobs of every user of the store run as this user" in server.log)


def test_a_store_that_comes_back_is_used_again(home: Path, fresh_redis: StartRedis, serve: Serve) -> None:
    """
    While Redis is down requests are 503 with Retry-After; once it is back they succeed.
    """
    redis = fresh_redis()
    with serve(Nox(home, redis.url)).client() as client:
        first = client.post("/jobs", json=ECHO)
        redis.stop()
        down = client.post("/jobs", json=ECHO)
        ready = client.get("/health/ready")
        redis.start()
        wait_until(lambda: client.get("/jobs/1").status_code == 200, 20.0, lambda: "the job")

    assert 201 == first.status_code
    assert (503, "store_unreachable") == (down.status_code, down.json()["code"])
    assert int(down.headers["Retry-After"]) > 0
    assert 503 == ready.status_code


def test_a_server_waits_for_its_store(home: Path, fresh_redis: StartRedis, serve: Serve) -> None:
    """
    A server starts while Redis is down, and serves once it is there.
    """
    redis = fresh_redis()
    redis.stop()
    with serve(Nox(home, redis.url)).client() as client:
        before = client.get("/jobs")
        redis.start()
        wait_until(lambda: client.get("/jobs").status_code == 200, 20.0, lambda: "an answer")

    assert 503 == before.status_code


def test_a_store_whose_directory_is_gone_is_an_error_not_a_new_store(nox: Nox, serve: Serve) -> None:
    """
    Where the state directory was removed under a server, jobs are neither taken nor invented.
    """
    server = serve(nox)
    with server.client() as client:
        assert 201 == client.post("/jobs", json=ECHO).status_code
        shutil.rmtree(nox.home)
        answer = client.post("/jobs", json=ECHO)

    assert answer.status_code in {401, 503}
    assert not (nox.home / "nox.sqlite3").exists()


def test_a_body_that_is_too_large_or_of_another_type_is_refused(
    client: httpx2.Client, server: Server
) -> None:
    """
    A body beyond 16 MiB is 413, announced or not; a packed one, or one of another type, is 415.
    """
    piece = b" " * 1024**2
    announced = client.post("/jobs", content=piece * 17)
    chunked = client.post("/jobs", content=iter([piece] * 17))
    packed = client.post("/jobs", content=b"x", headers={"Content-Encoding": "gzip"})
    form = client.post("/jobs", data={"a": "b"})

    statuses = [answer.status_code for answer in (announced, chunked, packed, form)]
    assert [413, 413, 415, 415] == statuses
    with server.nox.store() as store:
        assert {} == store.counts()


def test_hostile_bodies_are_refused_and_the_server_lives(client: httpx2.Client) -> None:
    """
    Deep, endless, doubled and malformed JSON is 422 each, and the next request is answered.
    """
    bodies = [
        b"[" * 100_000,
        b'{"kind":"echo","payload":' + b"[" * 1_000 + b"]" * 1_000 + b"}",
        b'{"kind":"echo","kind":"echo"}',
        b'{"kind":"echo","payload":1e999}',
        b'{"kind":"echo","payload":' + b"9" * 10_000 + b"}",
        b'{"kind":"echo","payload":"\xff"}',
        b'{"kind":"echo","name":"\\ud800"}',
        b"\0" * 100,
        b"null",
    ]
    json_type = {"Content-Type": "application/json"}

    found = [client.post("/jobs", content=body, headers=json_type).status_code for body in bodies]

    assert [422] * len(bodies) == found
    assert 201 == client.post("/jobs", json=ECHO).status_code


@pytest.mark.parametrize(("method", "path"), [("PATCH", "/jobs/1"), ("POST", "/jobs/actions")])
def test_a_deep_body_of_a_change_is_refused(app_client: httpx2.Client, method: str, path: str) -> None:
    """
    JSON that is nested too deeply to be read is a problem of the client, not an error of the server.
    """
    answer = app_client.request(
        method, path, content=b"[" * 100_000, headers={"Content-Type": "application/json"}
    )

    assert (400, "application/problem+json") == (answer.status_code, answer.headers["Content-Type"])


@pytest.mark.parametrize("path", ["/jobs/1%00", "/jobs/%0a1", "/jobs/%1b%5b31m", "/%7f", "/jobs/1%e2%80%ae"])
def test_control_characters_in_a_path_are_refused(app_client: httpx2.Client, path: str) -> None:
    """
    A path that would write into a log or a terminal what it should not is 400, decoded or not.
    """
    answer = app_client.get(path)

    assert (400, "usage") == (answer.status_code, answer.json()["code"])


def test_more_jobs_than_the_limit_are_refused(client: httpx2.Client, server: Server) -> None:
    """
    More than 10,000 jobs in one call are 413, and none is stored.
    """
    answer = client.post("/jobs", json=[ECHO] * 10_001)

    assert (413, "too_many") == (answer.status_code, answer.json()["code"])
    with server.nox.store() as store:
        assert {} == store.counts()


def test_a_body_names_no_file_of_the_server(
    server: Server, client: httpx2.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Neither a path in a body, nor a file beside the server, nor an option for the program reads a file.
    """
    secret = server.nox.cwd / ".CHRG"
    secret.write_text("1")
    water = "3\n\nO 0 0 0\nH 0.76 0.59 0\nH -0.76 0.59 0\n"
    xyz = {"Content-Type": "chemical/x-xyz"}

    for name in ("input", "files_from"):
        assert (
            400 == client.post("/jobs", content=water, headers=xyz, params={name: "/etc/passwd"}).status_code
        )
    for word in ("--copy", "--input=/etc/passwd", "--restart", "/etc/passwd"):
        answer = client.post("/jobs", content=water, headers=xyz, params={"passed_on": word})
        assert answer.status_code in {400, 422}, answer.text
    answer = client.post("/jobs", content=water, headers=xyz)
    assert 201 == answer.status_code
    assert "CHRG" not in answer.text
    assert 0 == client.get(f"/jobs/{answer.json()['number']}").json()["spec"]["charge"]
    monkeypatch.undo()


@pytest.mark.parametrize(("second", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_second_signal_hurries_a_server(nox: Nox, serve: Serve, second: signal.Signals, code: int) -> None:
    """
    A client that sends a body for ever keeps a server only until the second signal, which is its exit code.
    """
    import socket

    server = serve(nox)
    port = int(server.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), LIMIT_S) as slow:
        head = f"POST /jobs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {server.token}\r\n"
        slow.sendall(f"{head}Content-Length: 10\r\nExpect: 100-continue\r\n\r\n".encode())
        assert slow.recv(12) == b"HTTP/1.1 100"  # the server waits for the body
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: not _accepts(port), 30, lambda: "the end of listening")
        assert code == server.stop(second)


def _accepts(port: int) -> bool:
    import socket

    try:
        socket.create_connection(("127.0.0.1", port), 1.0).close()
    except OSError:
        return False
    return True
