"""`POST /jobs`: one job, many, refusals, and repeated submits."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI

from nox_cli.serve import recent

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx2
    import pytest
    from fastapi.testclient import TestClient

    from tests.support.nox import Nox
    from tests.support.server import Server

ECHO = {"kind": "echo", "payload": 1}
WATER = "3\n\nO 0 0 0\nH 0.76 0.59 0\nH -0.76 0.59 0\n"
XYZ = {"Content-Type": "chemical/x-xyz"}
NDJSON = {"Content-Type": "application/x-ndjson"}


def count(server: Server) -> int:
    """Count the jobs in the store."""
    with server.nox.store() as store:
        return sum(store.counts().values())


def test_submit_of_one_request_answers_its_id(client: httpx2.Client, server: Server) -> None:
    """
    One request is answered by 201, its place, and the state of the job.
    """
    answer = client.post("/jobs", json=ECHO)

    found = answer.json()
    assert 201 == answer.status_code
    assert f"/jobs/{found['job_id']}" == answer.headers["Location"]
    assert {"schema", "job_id", "number", "state", "message"} == found.keys()
    assert (server.nox.job(found["job_id"]).number, "pending") == (found["number"], found["state"])
    assert found["message"].startswith("submitted")


def test_submit_of_many_answers_a_list_in_their_order(client: httpx2.Client) -> None:
    """
    An array, and NDJSON, give a batch, in the order of the requests.
    """
    requests = [{**ECHO, "name": name} for name in ("a", "b", "c")]

    array = client.post("/jobs", json=requests).json()
    lines = client.post("/jobs", content="\n".join(map(json.dumps, requests)), headers=NDJSON).json()

    for found in (array, lines):
        assert ["a", "b", "c"] == [job["name"] for job in found["jobs"]]
        assert found["batch"]


def test_submit_takes_a_structure_and_the_options_of_the_command(
    client: httpx2.Client, server: Server
) -> None:
    """
    What `nox submit -` reads, `POST /jobs` reads, with the same options as parameters.
    """
    options: dict[str, str | int] = {
        "opt": "tight",
        "alpb": "water",
        "tag": "set=a",
        "priority": 7,
        "memory": "1G",
        "name": "w",
    }

    found = client.post("/jobs", content=WATER, headers=XYZ, params=options).json()

    job = server.nox.job(found["job_id"])
    assert ("w", 7, 1024**3, "H2O", {"set": "a"}) == (
        job.name,
        job.priority,
        job.memory_bytes,
        job.formula,
        dict(job.tags),
    )
    spec = client.get(f"/jobs/{job.number}").json()["spec"]
    assert ("opt", "tight", "alpb", "water") == tuple(
        spec[name] for name in ("kind", "opt_level", "solvation", "solvent")
    )


def test_a_refused_batch_stores_nothing_and_lists_refusals_by_index(
    client: httpx2.Client, server: Server
) -> None:
    """
    Where one request of many is refused, none is stored, and each refusal names its place.
    """
    answer = client.post("/jobs", json=[ECHO, {"kind": "nonsense"}, ECHO, 3])

    problem = answer.json()
    assert (422, "application/problem+json") == (answer.status_code, answer.headers["Content-Type"])
    assert [1, 3] == [one["index"] for one in problem["refusals"]]
    assert "input_refused" == problem["code"]
    assert 0 == count(server)


def test_a_repeated_key_gives_the_same_answer_and_no_second_job(
    client: httpx2.Client, server: Server
) -> None:
    """
    The same key and body are answered alike; the jobs are stored once.
    """

    def post() -> tuple[int, Any]:
        answer = client.post("/jobs", json=[ECHO, ECHO], headers={"Idempotency-Key": "screen 7"})
        return answer.status_code, answer.json()

    first = post()

    assert 201 == first[0]
    assert first == post()
    assert 2 == count(server)


def test_a_key_with_another_request_is_refused(client: httpx2.Client, server: Server) -> None:
    """
    The same key with another body, or other parameters, is 422, and stores nothing.
    """
    headers = {"Idempotency-Key": "k"}
    client.post("/jobs", json=ECHO, headers=headers)

    other = client.post("/jobs", json={**ECHO, "payload": 2}, headers=headers)
    parameters = client.post("/jobs", json=ECHO, headers=headers, params={"priority": 1})

    assert [422, 422] == [other.status_code, parameters.status_code]
    assert 1 == count(server)


def test_submits_share_one_look_at_the_store(
    app_client: TestClient, any_nox: Nox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    How the store may lose jobs, and which workers live, is asked once in a while, not for each request.
    """
    assert isinstance(app_client.app, FastAPI)
    store, asked = app_client.app.state.nox.store, list[str]()

    def counted(name: str, ask: Callable[[], Any]) -> Callable[[], Any]:
        def answer() -> Any:
            asked.append(name)
            return ask()

        return answer

    monkeypatch.setattr(recent, "time", SimpleNamespace(monotonic=lambda: 1_000.0))
    for name in ("health", "workers"):
        monkeypatch.setattr(store, name, counted(name, getattr(store, name)))
    for _ in range(5):
        assert 201 == app_client.post("/jobs", json=ECHO).status_code

    assert ["workers"] == asked if any_nox.redis_url is None else ["health", "workers"] == sorted(asked)


def test_a_check_stores_nothing(client: httpx2.Client, server: Server) -> None:
    """
    `POST /jobs/check` describes the jobs, or lists the refusals, and stores nothing.
    """
    good = client.post("/jobs/check", json=[{**ECHO, "name": "a"}])
    bad = client.post("/jobs/check", json=[{**ECHO, "name": 3}])

    assert [("a", None)] == [(job["name"], job["job_id"]) for job in good.json()["jobs"]]
    assert 422 == bad.status_code
    assert 0 == count(server)


def test_a_job_is_read_raw_and_in_public_words(client: httpx2.Client) -> None:
    """
    `GET /jobs/ID` is the raw record, `/status` the public form of it, by id and by number.
    """
    job_id = client.post("/jobs", json=ECHO).json()["job_id"]

    raw, public = client.get(f"/jobs/{job_id}").json(), client.get("/jobs/1/status").json()

    assert ("queued", "pending", {"kind": "echo", "payload": 1}) == (
        raw["state"],
        raw["public_state"],
        raw["spec"],
    )
    assert {"schema", "job_id", "state", "progress", "message"} == public.keys()
    assert (job_id, "pending") == (public["job_id"], public["state"])
