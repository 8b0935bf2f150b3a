"""The housekeeper of a Redis store among real workers, and a job that it has to find."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.stores import claim, submit_named

if TYPE_CHECKING:
    import redis

    from workers.store.base import Store

LOST = "node09-1-ff"


def housekeeper(client: redis.Redis) -> int:
    """Name the process of the housekeeper; 0: there is none."""
    found = client.hget("nox:meta", "housekeeper") or b""
    assert isinstance(found, bytes)
    return int(found.decode().split("-")[-2]) if found else 0


def submit_lost(store: Store) -> str:
    """Submit a job, and start it on a worker that is never heard of again; return its id."""
    (job_id,) = submit_named(store, "lost", lane=LOST)
    assert job_id == claim(store, LOST, lanes=frozenset({LOST})).job.id
    return job_id
