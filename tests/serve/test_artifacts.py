"""The artifacts of a job: listed, whole, in part, and not at all."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest

from tests.support.ended import complete, water
from tests.support.stores import artifact, new_job, submit

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

    from tests.support.nox import Nox

LOG = "".join(f"line {number}\n" for number in range(1_000))
PATH = "/jobs/1/artifacts"


@pytest.fixture(autouse=True)
def _jobs(any_nox: Nox) -> None:
    """A job that left a log and a page that a browser would run, and one that waits."""
    with any_nox.store() as store:
        files = (artifact("engine.log", LOG), artifact("page.html", "<script>alert(1)</script>"))
        complete(store, water(), *files)
        submit(store, new_job("waits"))


def test_artifacts_are_listed_as_the_command_lists_them(app_client: TestClient, any_nox: Nox) -> None:
    """
    The list is that of `nox fetch --ls`.
    """
    listed = json.loads(any_nox("fetch", "1", "--ls", "--json", check=True).stdout)

    assert listed["items"] == app_client.get(PATH).json()["items"]


def test_an_artifact_has_its_checksum_as_etag(app_client: TestClient) -> None:
    """
    Its ETag is its SHA-256; a client that has it already gets 304 and no content.
    """
    whole = app_client.get(f"{PATH}/engine.log")
    again = app_client.get(f"{PATH}/engine.log", headers={"If-None-Match": whole.headers["ETag"]})

    assert f'"{hashlib.sha256(LOG.encode()).hexdigest()}"' == whole.headers["ETag"]
    assert (200, LOG) == (whole.status_code, whole.text)
    assert (304, b"") == (again.status_code, again.content)


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [("bytes=0-9", 0, 10), ("bytes=100-", 100, None), ("bytes=-5", -5, None), ("bytes=5-99999999", 5, None)],
)
def test_a_range_is_a_part_of_the_content(
    app_client: TestClient, asked: str, start: int, end: int | None
) -> None:
    """
    A range gives these bytes, and where they are.
    """
    answer = app_client.get(f"{PATH}/engine.log", headers={"Range": asked})

    assert (206, LOG[start:end]) == (answer.status_code, answer.text)
    first = start % len(LOG)
    assert f"bytes {first}-{first + len(answer.text) - 1}/{len(LOG)}" == answer.headers["Content-Range"]


def test_a_range_beyond_the_end_and_of_other_content(app_client: TestClient) -> None:
    """
    A range that begins beyond the end is 416; one of content that has changed since gives the whole file.
    """
    beyond = app_client.get(f"{PATH}/engine.log", headers={"Range": f"bytes={len(LOG)}-"})
    changed = app_client.get(f"{PATH}/engine.log", headers={"Range": "bytes=0-9", "If-Range": '"other"'})

    assert (416, f"bytes */{len(LOG)}") == (beyond.status_code, beyond.headers["Content-Range"])
    assert (200, LOG) == (changed.status_code, changed.text)


def test_an_artifact_is_never_run_by_a_browser(app_client: TestClient) -> None:
    """
    Content is an attachment of a fixed type that is not sniffed, and never HTML.
    """
    answer = app_client.get(f"{PATH}/page.html")

    assert "application/octet-stream" == answer.headers["Content-Type"]
    assert "nosniff" == answer.headers["X-Content-Type-Options"]
    assert answer.headers["Content-Disposition"].startswith("attachment;")


def test_a_result_is_an_artifact_too(app_client: TestClient) -> None:
    """
    `result.json` is the record of the attempt.
    """
    answer = app_client.get(f"{PATH}/result.json")

    assert "application/json" == answer.headers["Content-Type"]
    assert 1 == answer.json()["attempt"]


@pytest.mark.parametrize(
    "path", [f"{PATH}/nothing", "/jobs/2/artifacts", "/jobs/2/artifacts/opt.xyz", "/jobs/9/artifacts"]
)
def test_an_artifact_that_is_not_there_is_404(app_client: TestClient, path: str) -> None:
    """
    A name that no attempt made, a job that left nothing, and a job that does not exist are not found.
    """
    assert 404 == app_client.get(path).status_code
