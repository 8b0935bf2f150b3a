"""`GET /jobs` and `GET /results`: what `nox list` and `nox results` write."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from nox_cli.results.documents import outcome
from tests.support.ended import complete, fail, water
from tests.support.stores import BOB, new_job, submit

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

    from tests.support.nox import Nox

COLUMNS = "number,name,state,energy_hartree"


@pytest.fixture(autouse=True)
def _jobs(any_nox: Nox) -> None:
    """Two calculations that completed, one that failed, one that waits, and one of another user."""
    with any_nox.store() as store:
        complete(store, water("low"), energy_hartree=-5.2)
        complete(store, water("high"), energy_hartree=-5.1)
        fail(store)
        submit(store, new_job("waits", batch="later"))
        submit(store, new_job("other", owner=BOB))


def test_a_list_has_the_jobs_of_the_command(app_client: TestClient, any_nox: Nox) -> None:
    """
    `GET /jobs` has the records that `nox list --json` has, with the same filters.
    """
    for words, parameters in (
        ((), {}),
        (("--state", "failed"), {"state": "failed"}),
        (("--batch", "later", "--sort", "number"), {"batch": "later", "sort": "number"}),
    ):
        listed = json.loads(any_nox("list", "--json", *words, check=True).stdout)
        assert listed["items"] == app_client.get("/jobs", params=parameters).json()["items"]


def test_a_list_goes_on_at_its_cursor(app_client: TestClient) -> None:
    """
    A page that is not the last has a cursor, from which the next one continues.
    """
    names, cursor = [], ""
    while cursor is not None:
        page = app_client.get("/jobs", params={"limit": 3, "cursor": cursor}).json()
        names += [job["name"] for job in page["items"]]
        cursor = page["cursor"]

    assert ["waits", "prod2", "high", "low"] == names


@pytest.mark.parametrize(
    "words", [["@failed"], ["@failed:not_converged"], ["1", "2-2", "99-99"], ["name:w*"]]
)
def test_a_list_of_selectors_is_that_of_the_command(
    app_client: TestClient, any_nox: Nox, words: list[str]
) -> None:
    """
    With selectors, only jobs that these name are listed, and of these those that pass the filters.
    """
    for sort in ("number", "-created"):
        listed = json.loads(any_nox("list", "--json", *words, "--sort", sort, check=True).stdout)
        found = app_client.get("/jobs", params={"selector": words, "sort": sort}).json()
        assert listed["items"] == found["items"]
    done = app_client.get("/jobs", params={"selector": words, "state": "done"}).json()["items"]
    assert all(job["state"] == "completed" for job in done)


def test_a_list_begins_at_a_number(app_client: TestClient) -> None:
    """
    `from_number` names the first job of a list by number, or of selected jobs, in either direction.
    """
    for parameters in ({}, {"selector": ["1-4"]}):
        for sort, wanted in (("-number", [3, 2, 1]), ("created", [3, 4])):
            found = app_client.get("/jobs", params={"from_number": 3, "sort": sort, **parameters}).json()
            assert wanted == [job["number"] for job in found["items"]]


def test_a_list_has_the_failures_on_request(app_client: TestClient, any_nox: Nox) -> None:
    """
    With `failures`, a job that failed has the message and the hint of its last attempt; others are as usual.
    """
    with any_nox.store() as store:
        expected = outcome(store.outcome(store.with_numbers(3, 3)[0], 1)).failure
    jobs = app_client.get("/jobs", params={"failures": True}).json()["items"]
    usual = app_client.get("/jobs").json()["items"]

    (failed,) = (job for job in jobs if job["state"] == "failed")
    assert (expected.text("message"), expected.text("hint")) == (failed["message"], failed["hint"])
    assert expected.text("message")
    assert [job for job in usual if job["state"] != "failed"] == [job for job in jobs if job != failed]


@pytest.mark.parametrize(
    ("parameters", "count"),
    [
        ({}, 4),
        ({"state": "failed,waiting"}, 2),
        ({"batch": "later"}, 1),
        ({"sort": "-ended"}, 3),
        ({"selector": "@done"}, 2),
        ({"selector": "@failed:not_converged"}, None),
        ({"name": "*"}, None),
        ({"since": "2d"}, None),
        ({"selector": "1-2"}, None),
    ],
)
def test_counts_are_those_of_the_list(
    app_client: TestClient, parameters: dict[str, str], count: int | None
) -> None:
    """
    What the counters of the store know is counted; other filters make it null.  Jobs of others do not count.
    """
    found = app_client.get("/counts", params=parameters).json()

    assert count == found["count"]
    if count is not None:
        assert count == len(app_client.get("/jobs", params=parameters).json()["items"])
    whole = {"batch": parameters["batch"]} if "batch" in parameters else {}
    assert len(app_client.get("/jobs", params=whole).json()["items"]) == sum(found["counts"].values())


@pytest.mark.parametrize(
    ("path", "command"),
    [("/jobs", ("list",)), ("/results", ("results", "@all"))],
)
def test_a_list_as_csv_is_that_of_the_command(
    app_client: TestClient, any_nox: Nox, path: str, command: tuple[str, ...]
) -> None:
    """
    CSV has the columns and decimals of `-o csv`.
    """
    parameters = {"columns": COLUMNS} if path == "/jobs" else {"columns": COLUMNS, "selector": "@all"}

    answer = app_client.get(path, params=parameters, headers={"Accept": "text/csv"})

    assert "text/csv; charset=utf-8" == answer.headers["Content-Type"]
    assert any_nox(*command, "--columns", COLUMNS, "-o", "csv", check=True).stdout == answer.text


def test_results_have_the_rows_and_units_of_the_command(app_client: TestClient, any_nox: Nox) -> None:
    """
    Comparison, units and order are those of `nox results`; its remarks come with the JSON.
    """
    words = ("@all", "--relative", "--unit", "kj", "--sort", "-energy")
    parameters: dict[str, str | bool] = {
        "selector": "@all",
        "relative": True,
        "unit": "kj",
        "sort": "-energy",
    }

    shown = any_nox("results", *words, "-o", "json", check=True)
    found = app_client.get("/results", params=parameters).json()

    assert json.loads(shown.stdout)["items"] == found["items"]
    assert ["high", "low"] == [row["name"] for row in found["items"]]
    assert shown.stderr.splitlines() == found["remarks"]


def test_results_as_lines_and_as_structures(app_client: TestClient, any_nox: Nox) -> None:
    """
    NDJSON has an object a row, and xyz a frame, as the command writes them.
    """
    for kind, form in (("application/x-ndjson", "jsonl"), ("chemical/x-xyz", "extxyz")):
        answer = app_client.get("/results", params={"selector": "1-2"}, headers={"Accept": kind})
        assert any_nox("results", "1-2", "-o", form, check=True).stdout == answer.text


@pytest.mark.parametrize(
    ("path", "parameters", "status", "code"),
    [
        ("/jobs", {"state": "sleeping"}, 400, "usage"),
        ("/jobs", {"colour": "red"}, 400, "usage"),
        ("/jobs", {"limit": 0}, 400, "usage"),
        ("/jobs", {"cursor": "nonsense"}, 400, "usage"),
        ("/jobs", {"from_number": 3, "sort": "-ended"}, 400, "usage"),
        ("/jobs", {"from_number": -1}, 400, "usage"),
        ("/jobs", {"selector": "@sleeping"}, 400, "usage"),
        ("/jobs", {"selector": "99"}, 404, "job_not_found"),
        ("/jobs", {"all_users": True}, 403, "forbidden"),
        ("/counts", {"all_users": True}, 403, "forbidden"),
        ("/counts", {"state": "sleeping"}, 400, "usage"),
        ("/counts", {"limit": 3}, 400, "usage"),
        ("/results", {"columns": "beauty"}, 400, "usage"),
        ("/results", {"keep_reacted": True}, 400, "usage"),
        ("/results", {"selector": "@batch:none"}, 404, "nothing_matched"),
        ("/results", {"selector": "99"}, 404, "job_not_found"),
        ("/results", {"selector": "5"}, 404, "job_not_found"),  # that of another user
    ],
)
def test_a_list_that_makes_no_sense_is_a_problem(
    app_client: TestClient, path: str, parameters: dict[str, str | int], status: int, code: str
) -> None:
    """
    A filter that the command refuses is refused with the code of the command; jobs of others do not exist.
    """
    answer = app_client.get(path, params=parameters)

    assert (status, code) == (answer.status_code, answer.json()["code"])
    assert "application/problem+json" == answer.headers["Content-Type"]


def test_a_form_that_nox_lacks_is_not_acceptable(app_client: TestClient) -> None:
    """
    A client that accepts nothing that nox writes is told what there is.
    """
    answer = app_client.get("/jobs", headers={"Accept": "application/xml"})

    assert (406, "not_acceptable") == (answer.status_code, answer.json()["code"])
