"""Changes of one job, and of all jobs that selectors name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.ended import complete
from tests.support.stores import BOB, new_job, submit

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

    from tests.support.nox import Nox


@pytest.fixture(autouse=True)
def _jobs(any_nox: Nox) -> None:
    """A job that completed, three that wait, and one of another user."""
    with any_nox.store() as store:
        complete(store)
        submit(store, *(new_job(f"job{number}", batch="b") for number in range(3)))
        submit(store, new_job("other", owner=BOB))


def states(any_nox: Nox) -> dict[int, str]:
    """Read the states of all jobs, by number."""
    with any_nox.store() as store:
        return {job.number: str(job.state) for job in store.get_many(store.with_numbers(1, 9))}


def test_a_job_is_held_released_cancelled_and_retried(app_client: TestClient, any_nox: Nox) -> None:
    """
    Each action answers the state before and after; it may be repeated.
    """
    for action, state in (
        ("hold", "held"),
        ("hold", "held"),
        ("release", "queued"),
        ("release", "queued"),
        ("cancel", "cancelled"),
        ("cancel", "cancelled"),
        ("retry", "queued"),
        ("retry", "queued"),
    ):
        answer = app_client.post(f"/jobs/2/{action}")
        assert (200, state) == (answer.status_code, states(any_nox)[2]), answer.text


@pytest.mark.parametrize("action", ["cancel", "hold", "release", "retry"])
def test_an_action_that_comes_too_late_is_a_conflict(app_client: TestClient, action: str) -> None:
    """
    What a completed job does not allow is 409, and leaves it alone.
    """
    answer = app_client.post(f"/jobs/1/{action}")

    assert (409, "conflict") == (answer.status_code, answer.json()["code"])


def test_a_completed_job_runs_again_if_that_is_wanted(app_client: TestClient, any_nox: Nox) -> None:
    """
    `done=true` queues a completed job.
    """
    assert 200 == app_client.post("/jobs/1/retry", params={"done": True}).status_code
    assert "queued" == states(any_nox)[1]


def test_a_waiting_job_gets_other_values(app_client: TestClient, any_nox: Nox) -> None:
    """
    PATCH sets what `nox set` sets.
    """
    values = {"priority": 9, "name": "new", "memory": "1G", "time": "30m", "tags": {"set": "a"}}

    assert 200 == app_client.patch("/jobs/2", json=values).status_code

    with any_nox.store() as store:
        (job,) = store.get_many(store.with_numbers(2, 2))
    assert (9, "new", 1024**3, 1_800, {"set": "a"}) == (
        job.priority,
        job.name,
        job.memory_bytes,
        job.time_limit_s,
        dict(job.tags),
    )


@pytest.mark.parametrize(
    ("path", "values", "status"),
    [
        ("/jobs/2", {}, 400),
        ("/jobs/2", {"priority": 10**9}, 400),
        ("/jobs/2", {"owner": "eve"}, 400),
        ("/jobs/2", {"memory": "much"}, 400),
        ("/jobs/1", {"priority": 1}, 409),
        ("/jobs/5", {"priority": 1}, 404),
    ],
)
def test_values_that_cannot_be_set(app_client: TestClient, path: str, values: Any, status: int) -> None:
    """
    Values are refused as `nox set` refuses them; a job of another user does not exist for this token.
    """
    assert status == app_client.patch(path, json=values).status_code


@pytest.mark.parametrize(("method", "path"), [("PATCH", "/jobs/1"), ("POST", "/jobs/actions")])
def test_a_body_that_is_no_json_is_not_read(app_client: TestClient, method: str, path: str) -> None:
    """
    Its type is refused with 415, as `POST /jobs` refuses one.
    """
    answer = app_client.request(method, path, content=b"{}", headers={"Content-Type": "text/plain"})

    assert (415, "media_type") == (answer.status_code, answer.json()["code"])


def test_many_jobs_are_counted_and_then_changed(app_client: TestClient, any_nox: Nox) -> None:
    """
    `dry_run` counts jobs by state and changes none; without it, all of them are changed.
    """
    wanted = {"selector": ["@batch:b", "1"], "action": "cancel"}

    counted = app_client.post("/jobs/actions", json={**wanted, "dry_run": True}).json()
    assert (4, {"pending": 3, "completed": 1}) == (counted["count"], counted["states"])
    assert "queued" == states(any_nox)[2]

    done = app_client.post("/jobs/actions", json=wanted).json()
    assert ["cancelled"] * 3 + ["completed"] == [job["state"] for job in done["jobs"]]
    assert {1: "done", 2: "cancelled", 3: "cancelled", 4: "cancelled", 5: "queued"} == states(any_nox)


def test_many_jobs_are_named_by_their_batch_alone(app_client: TestClient) -> None:
    """
    A name in a selector must fit one job or one batch; what fits none is refused, and paths take no names.
    """
    wanted = {"selector": ["b"], "action": "cancel", "dry_run": True}

    assert 3 == app_client.post("/jobs/actions", json=wanted).json()["count"]
    refused = app_client.post("/jobs/actions", json={**wanted, "selector": ["nameless"]})
    assert (400, "usage") == (refused.status_code, refused.json()["code"])
    assert 400 == app_client.get("/jobs/b").status_code


def test_many_jobs_get_other_values(app_client: TestClient, any_nox: Nox) -> None:
    """
    The action `set` needs values, and sets them.
    """
    wanted = {"selector": ["@batch:b"], "action": "set"}

    assert 400 == app_client.post("/jobs/actions", json=wanted).status_code
    assert 200 == app_client.post("/jobs/actions", json={**wanted, "set": {"priority": 4}}).status_code

    with any_nox.store() as store:
        assert [4, 4, 4] == [job.priority for job in store.get_many(store.with_numbers(2, 4))]


def test_a_job_of_another_user_is_not_changed(app_client: TestClient, any_nox: Nox) -> None:
    """
    A job that the token does not see does not exist, by number and in a range, where it is a gap as others.
    """
    one = app_client.post("/jobs/5/cancel")
    alone = app_client.post("/jobs/actions", json={"selector": ["5"], "action": "cancel"})
    many = app_client.post("/jobs/actions", json={"selector": ["2-5", "2-9"], "action": "cancel"})

    assert [404, 404, 200] == [one.status_code, alone.status_code, many.status_code]
    found = states(any_nox)
    assert ("cancelled", "queued") == (found[2], found[5])


def test_many_jobs_are_changed_by_filters(app_client: TestClient, any_nox: Nox) -> None:
    """
    Jobs that pass all filters, and are named by the selectors if there are any, are counted and changed.
    """
    filters = {"state": ["waiting"], "batch": "b", "name": "job[01]"}
    asked: dict[str, Any] = {"action": "hold", "filters": filters}

    counted = app_client.post("/jobs/actions", json={**asked, "dry_run": True}).json()
    done = app_client.post("/jobs/actions", json={**asked, "selector": ["1-2"]})

    assert (2, {"pending": 2}) == (counted["count"], counted["states"])
    assert 1 == len(done.json()["jobs"])
    assert {1: "done", 2: "held", 3: "queued", 4: "queued", 5: "queued"} == states(any_nox)


def test_a_change_of_what_nothing_passes_is_refused(app_client: TestClient) -> None:
    """
    Filters that no job passes, or that make no sense, change nothing; so does a change of nothing named.
    """
    for changed, status, code in (
        ({"filters": {"batch": "none"}}, 404, "nothing_matched"),
        ({"filters": {"state": ["sleeping"]}}, 400, "usage"),
        ({"filters": {"colour": "red"}}, 400, "usage"),
        ({"filters": {"all_users": True}}, 403, "forbidden"),
        ({}, 400, "usage"),
    ):
        answer = app_client.post("/jobs/actions", json={"action": "hold", **changed})
        assert (status, code) == (answer.status_code, answer.json()["code"]), changed
