"""`GET /progress`, `GET /workforce` and `GET /batches`: the jobs at a glance."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.ended import complete, fail, water
from tests.support.stores import (
    ADA,
    BOB,
    OTHER_WORKER,
    WORKER,
    beat,
    claim,
    new_job,
    run_to_end,
    served,
    submit,
    submit_named,
)
from workers.job import OPTIMISATION, Progress
from workers.store.values import Point

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

    from tests.support.nox import Nox


def token(nox: Nox, owner: str, scope: str = "read") -> dict[str, str]:
    """Make a token, and return the header of its requests."""
    secret = nox("token", "new", f"{owner}-{scope}", "--scope", scope, "--owner", owner, check=True).stdout
    return {"Authorization": f"Bearer {secret.strip()}"}


def found(client: TestClient, path: str, **parameters: Any) -> Any:
    """Ask for a document."""
    return client.get(path, params=parameters).raise_for_status().json()


def test_progress_is_that_of_nox_status(app_client: TestClient, any_nox: Nox) -> None:
    """
    All but the times is what `nox status --json` has under `progress`; jobs of others are left out.
    """
    with any_nox.store() as store:
        complete(store, water("low"), energy_hartree=-5.2)
        fail(store)
        submit(store, new_job("waits", batch="later"))
        submit(store, new_job("other", owner=BOB))
        shown = json.loads(any_nox("status", "--json", check=True).stdout)["progress"]
        progress = found(app_client, "/progress")

    varying = {"elapsed_s", "rate_per_s", "left", "ends_per_slice", "slice_s"}
    assert {**shown, "schema": 1, "batch": None, "owner": ADA}.keys() == progress.keys()
    for name in shown.keys() - varying:
        assert (name, shown[name]) == (name, progress[name])
    assert 3 == progress["total"]


def test_progress_is_that_of_one_batch(app_client: TestClient, any_nox: Nox) -> None:
    """
    Other jobs are left out, and a batch without a job that the token sees is none.
    """
    with any_nox.store() as store:
        submit_named(store, "a b", batch="screen")
        submit_named(store, "c", batch="later")
        submit_named(store, "d", batch="bobs", owner=BOB)

    assert 2 == found(app_client, "/progress", batch="screen")["counts"]["pending"]
    assert "screen" == found(app_client, "/progress", batch="screen")["batch"]
    for batch in ("none", "bobs"):
        answer = app_client.get("/progress", params={"batch": batch})
        assert (404, "nothing_matched") == (answer.status_code, answer.json()["code"])


def test_readings_are_shared_for_a_second(
    app_client: TestClient, any_nox: Nox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Requests within a second get the same answer; a later one gets a new one.
    """
    now = [1_000.0]
    monkeypatch.setattr("nox_cli.serve.recent.time", SimpleNamespace(monotonic=lambda: now[0]))
    paths = ("/progress", "/workforce", "/batches", "/running")
    with any_nox.store() as store:
        submit_named(store, "a", batch="first")
        first = [found(app_client, path) for path in paths]
        submit_named(store, "b", batch="second")
        store.tick(beat())
        assert first == [found(app_client, path) for path in paths]
        now[0] += 60.0
        progress, workforce, batches, _ = (found(app_client, path) for path in paths)

    assert (2, 1, ["second", "first"]) == (
        progress["total"],
        len(workforce["workers"]),
        [one["batch"] for one in batches["items"]],
    )


@pytest.mark.parametrize("scope", ["read", "submit", "admin"])
def test_an_owner_sees_own_jobs_and_an_administrator_all(
    app_client: TestClient, any_nox: Nox, scope: str
) -> None:
    """
    Progress, batches, workers and the jobs that run on them are those that the token may see.
    """
    with any_nox.store() as store:
        submit_named(store, "a", batch="adas")
        submit_named(store, "b c", batch="bobs", owner=BOB)
        with served(store, owner=None):
            claim(store)
            claim(store, owner=BOB)
            store.tick(beat(OTHER_WORKER, owner=BOB))
            everything = 3, ["bobs", "adas"], {WORKER, OTHER_WORKER}, {"a", "b"}
            for owner, own in (
                (ADA, (1, ["adas"], {WORKER}, {"a"})),
                (BOB, (2, ["bobs"], {WORKER, OTHER_WORKER}, {"b"})),
            ):
                app_client.headers |= token(any_nox, owner, scope)
                seen = found(app_client, "/workforce")["workers"]

                assert (everything if scope == "admin" else own) == (
                    found(app_client, "/progress")["total"],
                    [one["batch"] for one in found(app_client, "/batches")["items"]],
                    {one["worker"] for one in seen},
                    {job["name"] for one in seen for job in one["running"]},
                )


def test_running_jobs_have_their_course(app_client: TestClient, any_nox: Nox) -> None:
    """
    Those come first that have run longest, with what their optimisations have passed; others have none.
    """
    norms = [0.02, 0.01, 0.005]
    with any_nox.store() as store:
        submit(store, water("first", batch="screen"), new_job("second"), water("waits"))
        submit(store, new_job("other", owner=BOB, priority=1))
        claim(store, owner=BOB)
        lease = claim(store).lease
        claim(store)
        points = [Point(step, -5.0 - step, norm) for step, norm in enumerate(norms, 1)]
        progress = Progress(
            phase=OPTIMISATION, step=3, energy_hartree=-8.0, gradient_norm_hartree_per_bohr=0.005
        )
        store.progress(lease, progress, points)
        jobs = found(app_client, "/running")["items"]

    assert [("first", norms, "3"), ("second", [], "")] == [
        (job["name"], job["gradient_norms"], job["steps"]) for job in jobs
    ]
    assert ["first"] == [job["name"] for job in found(app_client, "/running", batch="screen")["items"]]
    assert ["first"] == [job["name"] for job in found(app_client, "/running", limit=1)["items"]]


def test_workforce_names_the_jobs_of_each_worker(app_client: TestClient, any_nox: Nox) -> None:
    """
    Those that have run longest come first; without `jobs` none is named.
    """
    with any_nox.store() as store, served(store):
        submit(store, water("first"), water("second"))
        run_to_end(store, submit_named(store, "x", priority=1)[0])
        claim(store)
        claim(store)
        whole = found(app_client, "/workforce")
        brief = found(app_client, "/workforce", jobs=False)

    (worker,) = whole["workers"]
    assert ["first", "second"] == [job["name"] for job in worker["running"]]
    assert (True, WORKER, 8) == (worker["alive"], worker["worker"], worker["cores"])
    assert [[]] == [one["running"] for one in brief["workers"]]
    assert ["ok", "ok"] == [one["verdict"] for one in whole["findings"]]


def test_workforce_reports_what_the_doctor_finds(app_client: TestClient, any_nox: Nox) -> None:
    """
    Jobs without a worker, and jobs that none can run, are found in the words of `nox doctor`.
    """
    with any_nox.store() as store:
        submit(store, new_job("large", cores=64))
        (alone, _) = found(app_client, "/workforce")["findings"]
        with served(store):
            shown = json.loads(any_nox("doctor", "--json").stdout)["checks"]
            app_client.headers |= token(any_nox, ADA)
            (stuck, _) = found(app_client, "/workforce", jobs=False)["findings"]

    assert ("problem", "1 job waiting, and no worker is alive") == (alone["verdict"], alone["found"])
    assert stuck in shown
    assert "no living worker can run job 1: wanted 64 cores (the most a worker has: 8)" == stuck["found"]


def test_batches_are_bounded(app_client: TestClient, any_nox: Nox) -> None:
    """
    The newest come first, with the counts of `GET /batches/NAME`.
    """
    with any_nox.store() as store:
        for index in range(5):
            submit_named(store, "a b", batch=f"b{index}")

    batches = found(app_client, "/batches", limit=2)["items"]
    assert ["b4", "b3"] == [one["batch"] for one in batches]
    assert {**batches[0], "schema": 1} == found(app_client, "/batches/b4")
    assert 400 == app_client.get("/batches", params={"limit": 1_000}).status_code
