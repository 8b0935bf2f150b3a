"""Values as the Lua scripts read them.  The fields' short names and their meaning: `lua/shared.lua`."""

from __future__ import annotations

import hashlib
import json
import zlib
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from workers.errors import InputRefused
from workers.job import Progress, reasons_text
from workers.store.base import KEPT_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from workers.store.values import Artifact, Beat, Claimant, NewJob, Outcome, Revision

SEPARATOR = "\x1f"
_SHAPE_PARTS = 6
_FINGERPRINT_BYTES = 12


def parts(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    """Cut what one call would say too much of into stretches of `size`."""
    return (items[at : at + size] for at in range(0, len(items), size))


def packed_jobs(jobs: Sequence[NewJob]) -> bytes:
    """Write the jobs of one step, without their specifications.

    Raises:
        InputRefused: a text in one of them cannot be stored.
    """
    return _text([_packed_job(job) for job in jobs])


def _text(value: Any) -> bytes:
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        raise InputRefused("a job's name, batch or tags hold bytes that are not text") from None


def _packed_job(job: NewJob) -> list[Any]:
    sizes = map(str, (job.cores, job.memory_bytes, job.time_limit_s))
    shape = SEPARATOR.join((job.owner, job.lane, *sizes, job.engine))
    if shape.count(SEPARATOR) >= _SHAPE_PARTS:
        raise InputRefused("a job's owner, lane or engine holds a control character")
    fingerprint = hashlib.blake2b(job.digest.encode(), digest_size=_FINGERPRINT_BYTES).hexdigest()
    fields = ["o", job.owner, "k", job.kind, "e", job.engine, "d", fingerprint]
    texts = (("nm", job.name), ("b", job.batch), ("f", job.formula), ("l", job.lane), ("u", job.unique))
    for name, text in (*texts, ("ro", reasons_text(job.retry_on))):
        if text:
            fields += (name, text)
    limits = (("m", job.memory_bytes), ("tl", job.time_limit_s), ("rt", job.retries))
    for name, number in (("a", job.atoms), ("p", job.priority), *limits):
        if number:
            fields += (name, str(number))
    if job.cores != 1:
        fields += ("co", str(job.cores))
    if job.tags:
        fields += ("t", json.dumps(dict(job.tags), ensure_ascii=False, separators=(",", ":")))
    place = [job.id, fingerprint, job.owner, job.batch, job.lane, job.priority, shape]
    parents = [word for one in job.parents for word in (one.job_id, one.condition[0])]
    return [
        *place,
        fields,
        int(job.held),
        job.begin_ms or 0,
        parents,
        job.unique,
        job.if_exists,
        job.max_fails,
    ]


def packed_claimant(claimant: Claimant) -> str:
    """Write a claimant as `lua/take.lua` reads it."""
    packed: dict[str, Any] = {
        "worker": claimant.worker,
        "slot": claimant.slot,
        "sequence": claimant.sequence,
        "cores": claimant.cores,
        "memory": claimant.memory_bytes,
        "all_cores": claimant.all_cores,
        "all_memory": claimant.all_memory_bytes,
        "engines": sorted(claimant.engines),
        "lanes": sorted(claimant.lanes),
    }
    if claimant.owner is not None:
        packed["owner"] = claimant.owner
    if claimant.time_s is not None:
        packed["time"] = claimant.time_s
    return json.dumps(packed)


def packed_revision(revision: Revision) -> tuple[bytes, bytes]:
    """Write what is to be different as `lua/revise.lua` reads it: fields (false: none), and tags.

    Raises:
        InputRefused: a text in it cannot be stored.
    """
    absent = {"co": 1}
    values = {
        "p": revision.priority,
        "co": revision.cores,
        "m": revision.memory_bytes,
        "tl": revision.time_limit_s,
        "nm": revision.name,
    }
    fields = {
        name: False if value in {absent.get(name, 0), ""} else str(value)
        for name, value in values.items()
        if value is not None
    }
    return _text(fields), _text(dict(revision.tags))


def packed_progress(progress: Progress) -> list[str]:
    """Write progress as `lua/progress.lua` reads it."""
    values = (
        progress.fraction,
        progress.phase or None,
        progress.step,
        progress.energy_hartree,
        progress.energy_change_hartree,
        progress.gradient_norm_hartree_per_bohr,
    )
    return ["" if value is None else str(value) for value in values]


def packed_outcome(outcome: Outcome, claimant: Claimant | None) -> list[str | bytes]:
    """Write how an attempt ended, and who wants the next job, as `lua/finish.lua` reads it."""
    packed: list[str | bytes] = [
        outcome.state,
        outcome.reason or "",
        outcome.outcome_json,
        outcome.message,
        packed_claimant(claimant) if claimant else "",
        *packed_progress(outcome.progress or Progress()),
        compressed(outcome.outcome_json.encode()) if len(outcome.outcome_json) > KEPT_BYTES else "",
    ]
    for artifact in outcome.artifacts:
        packed += (artifact.name, _packed_artifact(artifact), artifact.content or b"")
    return packed


def compressed(outcome: bytes) -> bytes:
    """Compress an outcome that is too long to be kept of an earlier attempt as it is; once is enough."""
    return zlib.compress(outcome) if outcome.startswith(b"{") else outcome


def _packed_artifact(artifact: Artifact) -> str:
    known = asdict(artifact)
    del known["content"], known["dropped"]
    return json.dumps(known)


def packed_beat(beat: Beat) -> str:
    """Write what a worker says of itself."""
    return json.dumps(asdict(beat) | {"engines": sorted(beat.engines)})
