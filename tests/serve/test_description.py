"""The description of the API (OpenAPI): the server keeps to it, and a client can be made of it."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import schemathesis
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from schemathesis.checks import CHECKS, load_all_checks

from tests.support.stores import run_to_end

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from fastapi.testclient import TestClient

    from tests.support.nox import Nox
    from tests.support.server import Server

EXAMPLES = 8
ECHO = {"kind": "echo", "payload": 1}
# Streams do not end; these have tests of their own.
STREAMS = frozenset({"/events", "/jobs/{job}/events"})
DESCRIBED = ("content_type_conformance", "response_headers_conformance", "response_schema_conformance")


def test_answers_are_as_described(app_client: TestClient, any_nox: Nox) -> None:
    """
    Whatever is sent, valid or not, the status is a described one, and the answer has its type and schema.
    """
    jobs = [app_client.post("/jobs", json={**ECHO, "name": "a"}).json()["job_id"] for _ in range(2)]
    with any_nox.store() as store:
        run_to_end(store, jobs[0])
    load_all_checks()
    checks: Any = CHECKS.get_by_names(DESCRIBED)

    def send(case: schemathesis.Case[Any], job: str | None) -> None:
        if job is not None and "job" in case.path_parameters:
            case.path_parameters["job"] = job
        sent = case.as_transport_kwargs(base_url=str(app_client.base_url))
        sent["headers"].pop("Authorization", None)  # the client has a token
        with suppress(KeyError, TypeError, ValueError):
            sent["params"]["wait"] = min(0.0, float(sent["params"]["wait"]))
        sent |= {"cookies": None, "content": sent.pop("data", None)}
        if sent.get("files"):  # the client writes texts and bytes only
            sent["files"] = [(name, (file, writable(one))) for name, (file, one, *_) in sent["files"]]
        assume(len(urlencode(sent["params"] or {}, doseq=True)) < 60_000)  # more is refused by the client
        answer = app_client.request(**sent)
        answer.request.read()  # a form is sent as it is written
        assert answer.status_code < 500 or case.operation.path == "/health/ready", answer.text
        assert answer.is_error or str(answer.status_code) in case.operation.definition.raw["responses"]
        case.validate_response(answer, checks=checks)

    seen = 0
    app: Any = app_client.app
    operations: Any = schemathesis.openapi.from_dict(app.openapi()).get_all_operations()
    for operation in (one.ok() for one in operations):
        if operation.path in STREAMS:
            continue
        seen += 1
        for mode in schemathesis.GenerationMode:
            if mode.is_negative and operation.path == "/health/live":  # it takes nothing
                continue
            sender = given(case=operation.as_strategy(mode), job=st.sampled_from([*jobs, "2", None]))(send)
            settings(
                max_examples=EXAMPLES,
                derandomize=True,
                database=None,
                deadline=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )(sender)()
    assert seen > 20


def writable(content: Any) -> str | bytes:
    """Make a text of what is neither text nor bytes."""
    return content if isinstance(content, str | bytes) else str(content)


def test_a_client_is_made_of_the_description(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A generator makes a client of the description, with which a job is submitted and looked at.
    """
    with server.client() as plain:
        (tmp_path / "api.json").write_text(plain.get("/openapi.json").text)
    (tmp_path / "options.json").write_text(json.dumps({"post_hooks": []}))
    made = subprocess.run(
        [
            *(sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none"),
            *("--path", "api.json", "--config", "options.json", "--output-path", "made_client"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    monkeypatch.syspath_prepend(tmp_path)
    api = {
        name: importlib.import_module(f"made_client.{name}")
        for name in ("api.jobs.list_all_jobs", "api.jobs.read_job_status", "api.jobs.submit_jobs", "models")
    }
    client = importlib.import_module("made_client").AuthenticatedClient(server.url, server.token)
    models: Any = api["models"]

    with client:
        request = models.EchoRequest.from_dict(ECHO)
        job = api["api.jobs.submit_jobs"].sync(client=client, body=request)
        status = api["api.jobs.read_job_status"].sync(job.job_id, client=client)
        unknown = api["api.jobs.read_job_status"].sync("99", client=client)
        listed = api["api.jobs.list_all_jobs"].sync(client=client)

    assert "Cannot parse" not in made.stdout
    assert "Unable to parse" not in made.stdout
    assert (job.job_id, models.PublicState.PENDING) == (status.job_id, status.state)
    assert isinstance(unknown, models.ProblemDocument)
    assert [job.job_id] == [one.job_id for one in listed.items]
