"""Every route of the HTTP API with every kind of token: refusals, and no sight of foreign jobs."""

from __future__ import annotations

import importlib
import json
import pkgutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

import nox_cli.serve.routes
from nox_cli.serve.guards.visibility import HIDDEN, OwnedStore
from tests.support.stores import ADA, BOB, claim, served, submit_named
from workers.store.base import Store
from workers.store.pools import AutoscalerLease, PoolDefinition

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

    from tests.support.nox import Nox
    from tests.support.server import Serve

ABSENT = "0" * 32
OPEN = ("GET", "/health/live")
# The methods that need only the scope read; POST of a check computes nothing and needs submit all the same.
SAFE = {"GET", "HEAD"}
SCOPES = ("read", "submit", "admin")
BODIES: dict[str, Any] = {
    "/jobs": {"kind": "echo", "payload": "1"},
    "/jobs/check": {"kind": "echo", "payload": "1"},
    "/jobs/actions": {"selector": ["@all"], "action": "hold", "dry_run": True},
    "/jobs/{job}": {"priority": 1},
    "/session": {"code": "x"},
}
# Changes of no job: signing in needs no token, and signing out any.
SESSION = "/session"


def _routes() -> Iterator[tuple[str, str]]:
    """List the method and path of every route."""
    for found in pkgutil.iter_modules(nox_cli.serve.routes.__path__):
        module = importlib.import_module(f"nox_cli.serve.routes.{found.name}")
        for route in module.router.routes:
            yield from ((method, route.path) for method in sorted(route.methods))


ROUTES = sorted(_routes())


class Two(NamedTuple):
    """A server, a token of each scope for each of two owners, and a job of Bob's."""

    client: httpx2.Client
    tokens: dict[tuple[str, str], str]
    job: str
    number: str

    def ask(self, method: str, path: str, secret: str | None, job: str = "") -> tuple[int, str]:
        """Send a request and return its status and the beginning of its body, and end streams at once."""
        filled = path.format(job=job or self.job, name="input.xyz", batch="bobs")
        headers = {} if secret is None else {"Authorization": f"Bearer {secret}"}
        body = BODIES.get(path) if method in {"POST", "PATCH"} else None
        with self.client.stream(method, filled, headers=headers, json=body) as answer:
            if answer.headers.get("Content-Type", "").startswith("text/event-stream"):
                return answer.status_code, next(answer.iter_text())
            return answer.status_code, answer.read().decode(errors="replace")


@pytest.fixture
def two(any_nox: Nox, serve: Serve) -> Iterator[Two]:
    """A server with two owners."""
    with _two(any_nox, serve) as made:
        yield made


@contextmanager
def _two(any_nox: Nox, serve: Serve) -> Iterator[Two]:
    server = serve(any_nox, "--metrics")
    tokens = {
        (owner, scope): any_nox(
            "token", "new", f"{owner}-{scope}", "--scope", scope, "--owner", owner, check=True
        ).stdout.strip()
        for owner in (ADA, BOB)
        for scope in SCOPES
    }
    with server.client() as client:
        del client.headers["Authorization"]
        bob = {"Authorization": f"Bearer {tokens[BOB, 'submit']}"}
        job = client.post(
            "/jobs", params={"batch": "bobs", "name": "bobs-job"}, json=BODIES["/jobs"], headers=bob
        )
        accepted = job.raise_for_status().json()
        yield Two(client, tokens, accepted["job_id"], str(accepted["number"]))


def test_every_route_needs_a_token(two: Two) -> None:
    """
    Without one, or with an unknown one, the answer is 401; the only exception is the sign of life.
    """
    for method, path in ROUTES:
        wanted = 200 if (method, path) == OPEN else 401
        assert (method, path, wanted) == (method, path, two.ask(method, path, None)[0])
    assert 401 == two.ask("GET", "/jobs", "nox_" + "x" * 43)[0]


def test_every_change_needs_the_scope_submit(two: Two) -> None:
    """
    With the scope read it is 403 and names the scope, for own and foreign jobs alike; reads are allowed.
    """
    for method, path in ROUTES:
        for owner in (ADA, BOB):
            status, text = two.ask(method, path, two.tokens[owner, "read"])
            if method in SAFE or path == SESSION:
                assert (method, path) == ("POST", SESSION) or status not in {401, 403}, (method, path, text)
            else:
                assert (403, "forbidden") == (status, json.loads(text)["code"]), (method, path)
                assert "scope submit" in text


@pytest.mark.parametrize("scope", ["read", "submit"])
def test_no_route_shows_a_foreign_job(two: Two, scope: str) -> None:
    """
    Routes of one job answer as for one that does not exist, by id and by number; others do not name the job.
    """
    ada = two.tokens[ADA, scope]
    for method, path in ROUTES:
        if method not in SAFE and scope == "read":
            continue
        status, text = two.ask(method, path, ada)
        assert two.job not in text or "{job}" in path, (method, path, text)
        assert "bobs-job" not in text, (method, path, text)
        if "{job}" in path:
            absent_status, absent = two.ask(method, path, ada, ABSENT)
            assert (404, 404) == (status, absent_status), (method, path, text)
            assert text.replace(two.job, "ID") == absent.replace(ABSENT, "ID"), (method, path)
            numbered, text = two.ask(method, path, ada, two.number)
            _, absent = two.ask(method, path, ada, "999")
            assert 404 == numbered, (method, path)
            assert text.replace(f"job {two.number}", "job N") == absent.replace("job 999", "job N")
        if "{batch}" in path:
            assert 404 == status, (method, path)


def test_owner_and_administrator_see_the_job(two: Two) -> None:
    """
    Routes of one job find it, with each scope of its owner and for an administrator of another owner.
    """
    for method, path in ROUTES:
        if "{job}" not in path:
            continue
        for owner, scope in ((BOB, "submit"), (ADA, "admin"), (BOB, "admin")):
            status, text = two.ask(method, path, two.tokens[owner, scope])
            assert status not in {401, 403}, (method, path, owner, scope, text)
            assert "job_not_found" not in text, (method, path, owner, scope, text)
    for owner, scope in ((BOB, "read"), (BOB, "submit")):
        assert two.job in two.ask("GET", "/jobs", two.tokens[owner, scope])[1]


def test_all_jobs_are_for_administrators(two: Two) -> None:
    """
    `all_users` and selectors of another owner find Bob's job for an administrator only.
    """
    for scope, wanted in (("read", False), ("submit", False), ("admin", True)):
        secret = two.tokens[ADA, scope]
        _, listed = two.ask("GET", "/jobs?all_users=true", secret)
        status, _ = two.ask("GET", f"/results?selector={two.job}", secret)
        assert (scope, wanted) == (scope, two.job in listed)
        assert (scope, 200 if wanted else 404) == (scope, status)


def test_no_route_changes_a_pool(redis_nox: Nox, serve: Serve) -> None:
    """
    Neither with the token of its owner nor with an administrator's, and no other one may see it.
    """
    with redis_nox.store() as store, _two(redis_nox, serve) as two:
        _try_every_route(store, two)


def _try_every_route(store: Store, two: Two) -> None:
    pools = store.pools
    assert pools is not None
    pools.define(BOB, "bobs-pool", PoolDefinition(1, 2**30, 3_600), "0" * 64)
    lease = pools.acquire(BOB, "login-1-a")
    assert isinstance(lease, AutoscalerLease)
    new = {"state": "pending", "cores": 1, "memory_bytes": 2**30, "time_s": 3_600, "intended_ms": 1}
    pools.record(lease, "bobs-pool", {}, [("0123456789abcdef", new)])
    before = pools.pools(), pools.allocations(ended=True)
    assert 1 == len(store.events("0").allocations)

    for method, path in ROUTES:
        for owner, scope in ((BOB, "submit"), (BOB, "admin"), (ADA, "admin"), (ADA, "submit")):
            status, text = two.ask(method, path, two.tokens[owner, scope])
            is_shown = "bobs-pool" in text or "0123456789abcdef" in text
            assert owner == BOB or scope == "admin" or not is_shown, (method, path, owner, status)
    assert before == (pools.pools(), pools.allocations(ended=True))
    assert () == OwnedStore(store, BOB).events("0").allocations


def test_every_method_of_a_store_is_visible_or_hidden() -> None:
    """
    A new method of the stores needs a decision: it is limited to an owner, or no route gets it.
    """
    methods = {name for name in vars(Store) if not name.startswith("_")} - {"kind", "where", "caveat"}
    owned = {name for name in vars(OwnedStore) if not name.startswith("_")} - {"caveat"}

    assert set() == owned & HIDDEN
    assert methods == owned | HIDDEN


def test_explanation_counts_the_jobs_of_others(any_nox: Nox, serve: Serve) -> None:
    """
    Cores that jobs of others occupy are not free, and their ready jobs come first; none of them is named.
    """
    client, tokens = serve(any_nox).client(), {}
    for scope in ("read", "admin"):
        new = any_nox("token", "new", scope, "--scope", scope, "--owner", ADA, check=True)
        tokens[scope] = {"Authorization": f"Bearer {new.stdout.strip()}"}
    with client, any_nox.store() as store, served(store, owner=None):
        submit_named(store, "bobs-running", owner=BOB, cores=6)
        claim(store)
        submit_named(store, "bobs-ready", owner=BOB, cores=4, priority=7)
        (mine,) = submit_named(store, "mine", cores=4)
        found, status = (
            client.get(f"/jobs/{mine}/{what}", headers=tokens["read"]).raise_for_status().text
            for what in ("explain", "status")
        )
        seen_by_all = client.get(f"/jobs/{mine}/explain", headers=tokens["admin"]).raise_for_status().text

    assert "waits for 4 cores (node07 has 2 free)" in found
    assert "2 of 8 cores, 16.0 GiB of 16.0 GiB free; held by 1 job of other users" in found
    assert "1 ready job before it (priority 0)" in found
    assert "waits for 4 cores (node07 has 2 free)" in status
    assert "bobs" not in found + status
    assert "held by 1 bobs-running" in seen_by_all
