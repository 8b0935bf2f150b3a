"""Ceilings of tokens: a request beyond one is refused before anything is stored, and names it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.waiting import wait_until

if TYPE_CHECKING:
    import httpx2

    from tests.support.nox import Nox
    from tests.support.server import Server

LIMIT_S = 20.0
ECHO: dict[str, Any] = {"kind": "echo", "payload": "1"}


def limited(any_nox: Nox, server: Server, *options: str) -> httpx2.Client:
    """Make a client whose token has ceilings."""
    made = any_nox("token", "new", "ci", "--scope", "submit", *options, check=True)
    client = server.client()
    client.headers["Authorization"] = f"Bearer {made.stdout.strip()}"
    return client


@pytest.mark.parametrize(
    ("options", "parameters", "ceiling", "status"),
    [
        (("--max-cores", "2"), {"cores": 3}, "cores", 403),
        (("--max-memory", "1G"), {"memory": "2G"}, "memory_bytes", 403),
        (("--max-stored", "1k"), {"name": "x"}, "stored_bytes", 403),
    ],
)
def test_a_job_beyond_a_ceiling_is_refused(
    any_nox: Nox,
    server: Server,
    options: tuple[str, ...],
    parameters: dict[str, Any],
    ceiling: str,
    status: int,
) -> None:
    """
    The problem names the ceiling, nothing is stored, and the server's own token is not limited.
    """
    large = {"kind": "echo", "payload": "x" * 2_000}
    with limited(any_nox, server, *options) as client:
        refused = client.post("/jobs", json=large, params=parameters)

        assert (status, "ceiling", ceiling) == (
            refused.status_code,
            refused.json()["code"],
            refused.json()["ceiling"],
        )
        assert [] == client.get("/jobs").json()["items"]
    with server.client() as own:
        assert 201 == own.post("/jobs", json=large, params=parameters).status_code


def test_unfinished_jobs_of_a_token_are_limited(any_nox: Nox, server: Server) -> None:
    """
    One too many is refused as a whole with 429, also in a list; a repeated submit is not.
    """
    key = {"Idempotency-Key": "a"}
    with limited(any_nox, server, "--max-jobs", "2") as client:
        first = client.post("/jobs", json=ECHO, headers=key)
        assert 429 == client.post("/jobs", json=[ECHO, ECHO]).status_code
        assert 201 == client.post("/jobs", json=ECHO).status_code
        refused = client.post("/jobs", json=ECHO)
        assert (429, "jobs", 2) == (refused.status_code, refused.json()["ceiling"], refused.json()["most"])
        assert int(refused.headers["Retry-After"]) > 0
        assert first.json() == client.post("/jobs", json=ECHO, headers=key).json()
        client.post(f"/jobs/{first.json()['job_id']}/cancel").raise_for_status()
        wait_until(lambda: client.post("/jobs", json=ECHO).status_code == 201, LIMIT_S, "room for a job")


def test_jobs_that_run_again_need_room(any_nox: Nox, server: Server) -> None:
    """
    A retry that makes too many unfinished jobs is refused as a whole, as a submit is; one that fits is done.
    """
    with limited(any_nox, server, "--max-jobs", "2") as client:
        ids = [job["job_id"] for job in client.post("/jobs", json=[ECHO, ECHO]).json()["jobs"]]
        client.post("/jobs/actions", json={"selector": ids, "action": "cancel"}).raise_for_status()
        wait_until(lambda: client.post("/jobs", json=ECHO).status_code == 201, LIMIT_S, "room for a job")

        refused = client.post("/jobs/actions", json={"selector": ids, "action": "retry"})
        first, second = (client.post(f"/jobs/{job}/retry") for job in ids)

    assert [(429, "jobs")] * 2 == [(one.status_code, one.json().get("ceiling")) for one in (refused, second)]
    assert 200 == first.status_code


def test_a_waiting_job_is_not_changed_beyond_a_ceiling(any_nox: Nox, server: Server) -> None:
    """
    A larger value is refused, a smaller one is not.
    """
    with limited(any_nox, server, "--max-cores", "2") as client:
        job = client.post("/jobs", json=ECHO).json()["job_id"]
        refused = client.patch(f"/jobs/{job}", json={"cores": 3})

        assert (403, "cores") == (refused.status_code, refused.json()["ceiling"])
        assert 200 == client.patch(f"/jobs/{job}", json={"cores": 2}).status_code
