"""Hands one echo job over in process, as `nox submit` does after it has started."""

from __future__ import annotations

import hashlib
import json
import uuid
from typing import TYPE_CHECKING

from workers.job import NewJob

if TYPE_CHECKING:
    from benchmarks.ground import Ground
    from workers.store.base import Store


def hand_over(store: Store, ground: Ground, payload: object, *, durable: bool = False) -> str:
    """Submit one echo job and wake a worker; its id.  `durable`: as `--require-durable`."""
    import getpass

    spec = json.dumps({"kind": "echo", "payload": payload})
    job = NewJob(
        id=uuid.uuid4().hex,
        owner=getpass.getuser(),
        kind="echo",
        spec_json=spec,
        digest=hashlib.sha256(spec.encode()).hexdigest()[:32],
        engine="echo",
    )
    store.submit([job], submission=job.id, durable=durable)
    if store.kind == "local":
        from workers.bell.base import PIPE_NAME
        from workers.bell.pipe import ring

        ring(ground.home / PIPE_NAME)
    return job.id
