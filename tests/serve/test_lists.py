"""`GET /jobs` and `GET /results`: what `nox list` and `nox results` write."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

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
