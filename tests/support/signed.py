"""Jobs that sign a book when they run, workers held at a point, and all that is kept of a job."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.standin.pauses import pausing
from tests.support.vandal import vandal_of
from tests.support.waiting import wait_until
from workers.store.settings import StoreSettings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nox import Nox, Worker
    from workers.job import Attempt, Job
    from workers.store.values import Artifact

LIMIT_S = 60.0
# Of output, which is then published as a file: more than goes into the store.
LARGE_MIB = 2


@dataclass(frozen=True)
class Kept:
    """All that a store and the artifacts directory hold of a job."""

    job: Job
    outcome: dict[str, Any] | None
    artifacts: list[Artifact]
    earlier: list[Attempt]
    events: list[str]
    files: dict[str, str]  # sha256 by path below the artifacts directory


def submit_signing(nox: Nox, book: Path, *, mib: int = 0, until: Path | None = None) -> str:
    """Hand over a job whose engine signs a book, prints so much, and waits for a file if one is named."""
    deed = {"do": "sign", "book": str(book), "mib": mib, "until": str(until or book)}
    job = json.dumps({"kind": "echo", "payload": deed})
    (job_id,) = nox.submit("-", "--no-start", input=job)
    return job_id


def signatures(book: Path) -> list[int]:
    """Read which engine processes ran, in order."""
    return list(map(int, book.read_text().split())) if book.exists() else []


def worker_at(nox: Nox, point: str, mark: Path) -> Worker:
    """Start a worker, and wait until it is held at a point."""
    worker = nox.worker("--slots", "1", standin=True, env=pausing(point, mark))
    wait_until(mark.exists, LIMIT_S, lambda: f"{point}:\n{worker.log}")
    return worker


def run_out(nox: Nox, job_id: str) -> None:
    """Let a lease end now, as it does some seconds after its worker fell silent."""
    vandal_of(StoreSettings(redis_url=nox.redis_url, prefix="nox:", home=nox.home)).run_out(job_id)


def kept_of(nox: Nox, job_id: str) -> Kept:
    """Read all that is kept of a job, and that its artifacts are whole."""
    with nox.store() as store:
        outcome = store.outcomes([job_id]).get(job_id)
        kept = Kept(
            job=store.get(job_id),
            outcome=json.loads(outcome) if outcome else None,
            artifacts=store.artifacts(job_id),
            earlier=store.attempts(job_id),
            events=nox.history(job_id),
            files=_files(nox, job_id),
        )
    for made in kept.artifacts:
        if made.path:
            assert made.sha256 == kept.files[made.path.removeprefix(f"{nox.home}/artifacts/")]
    return kept


def _files(nox: Nox, job_id: str) -> dict[str, str]:
    root = nox.home / "artifacts"
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((root / job_id).rglob("*"))
        if path.is_file()
    }
