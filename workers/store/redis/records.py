"""Writing values for the Lua scripts, and reading what they return.

Jobs are read and written by the table `workers.job.FIELDS`.  A record that cannot be read becomes a job that
FAILED as DAMAGED; other values that cannot be read are left out.
"""

from __future__ import annotations

import hashlib
import json
import math
import zlib
from contextlib import suppress
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from workers.errors import InputRefused
from workers.job import (
    CLIENT_FIELDS,
    FIELDS,
    PROGRESS_FIELDS,
    Attempt,
    Condition,
    Job,
    JobState,
    Lease,
    Parent,
    Progress,
    Reason,
    reasons_of,
    reasons_text,
    stored_job,
    worker_host,
)
from workers.store.base import KEPT_BYTES
from workers.store.points import RECORD_BYTES, packed_point, read_points
from workers.store.values import (
    POINTS_KEPT,
    Artifact,
    Beat,
    Change,
    Claim,
    Event,
    Outline,
    Removal,
    Removed,
    Revision,
    WorkerSeen,
    fields_of,
    outline_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from workers.job import Field, Kind, NewJob
    from workers.store.values import Claimant, Outcome, Point

SEPARATOR = "\x1f"
_SHAPE_PARTS = 6
_OUTLINE_PARTS = 9
_FINGERPRINT_BYTES = 12
_FENCE_BYTES = 4
_CONDITIONS = {condition[0].encode(): condition for condition in Condition}
_STATES = frozenset(state.value for state in JobState)
# What is shown of a job whose record cannot be read.
_OF_DAMAGED = frozenset({"number", "owner", "kind", "created_ms", "name", "batch"})


def in_groups(flat: Sequence[Any], size: int) -> Iterator[tuple[Any, ...]]:
    """Divide a flat list into tuples of `size` items."""
    steps = iter(flat)
    return zip(*[steps] * size, strict=True)


def parts(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    """Divide what is too much for one call into chunks of `size`."""
    return (items[at : at + size] for at in range(0, len(items), size))


def _whole(digits: str) -> int:
    if not digits.isdigit():
        raise ValueError("not a whole number")
    return int(digits)


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError("not a finite number")
    return value


def _tags(text: str) -> dict[str, str]:
    return {str(name): str(value) for name, value in json.loads(text).items()}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


_READ: dict[Kind, Callable[[str], Any]] = {
    "id": str,
    "text": str,
    "whole": _whole,
    "integer": int,
    "number": _finite,
    "flag": lambda _: True,
    "state": JobState,
    "reason": Reason,
    "reasons": reasons_of,
    "tags": _tags,
}
_WRITE: dict[Kind, Callable[[Any], str]] = {"reasons": reasons_text, "tags": lambda tags: _json(dict(tags))}


def _readers(fields: Sequence[Field]) -> list[tuple[str, str, Callable[[str], Any]]]:
    return [(field.name, field.redis, _READ[field.kind]) for field in fields]


_JOB_READERS = _readers(FIELDS)
_PROGRESS_READERS = _readers(PROGRESS_FIELDS)
# Of what a client sets, all but the id; last the name and then the tags, which `lua/submit.lua` expects.
_SET = sorted(
    (field for field in CLIENT_FIELDS if field.name != "id"), key=lambda field: field.name in {"name", "tags"}
)
# Short name, default and writer.
_JOB_WRITERS = [
    (field.redis, Job._field_defaults.get(field.name), _WRITE.get(field.kind, str)) for field in _SET
]
_client_values = attrgetter(*(field.name for field in _SET))


def job_of(raw: bytes) -> Job:
    """Read a job; one that cannot be read is FAILED with reason DAMAGED."""
    try:
        record = json.loads(raw)
        progress = Progress(**_values(record, _PROGRESS_READERS))
        return stored_job(_values(record, _JOB_READERS), progress)
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError):
        return _damaged_job(json.loads(raw.decode(errors="replace")))


def _values(
    record: Mapping[str, str], readers: list[tuple[str, str, Callable[[str], Any]]]
) -> dict[str, Any]:
    return {name: read(record[short]) for name, short, read in readers if short in record}


def _damaged_job(record: Mapping[str, str]) -> Job:
    """Keep what can be read of a record that makes no sense."""
    known: dict[str, Any] = {"id": record["id"], "state": JobState.FAILED, "reason": Reason.DAMAGED}
    for field in FIELDS:
        if field.name in _OF_DAMAGED:
            text = record.get(field.redis, "")
            is_number = text.isdecimal()
            known[field.name] = text if field.kind == "text" else int(text) if is_number else 0
    return Job(**known)


def read_outline(raw: bytes) -> Outline:
    """Read an outline as `lua/outline.lua` writes it, or a record that cannot be read."""
    if raw.startswith(b"{"):
        return outline_of(job_of(raw))
    job_id, number, state, attempt, good, reason, reasons, owner, name = raw.decode(errors="replace").split(
        SEPARATOR, _OUTLINE_PARTS - 1
    )
    try:
        raw.decode()
        if reason:
            Reason(reason)
        reasons_of(reasons)
    except ValueError:
        return Outline(job_id, int(number), JobState.FAILED, owner, name, 0, None)
    return Outline(
        job_id, int(number), JobState(state), owner, name, int(attempt), int(good) if good else None
    )


def packed_jobs(jobs: Sequence[NewJob]) -> bytes:
    """Write the jobs of one step, without their specifications.

    Raises:
        InputRefused: a text in one of them cannot be stored.
    """
    return _text([_packed_job(job) for job in jobs])


def _text(value: Any) -> bytes:
    try:
        return _json(value).encode()
    except UnicodeEncodeError:
        raise InputRefused("a job's name, batch or tags hold bytes that are not text") from None


def _packed_job(job: NewJob) -> list[Any]:
    sizes = map(str, (job.cores, job.memory_bytes, job.time_limit_s))
    shape = SEPARATOR.join((job.owner, job.lane, *sizes, job.engine))
    if shape.count(SEPARATOR) >= _SHAPE_PARTS:
        raise InputRefused("a job's owner, lane or engine holds a control character")
    fingerprint = hashlib.blake2b(job.digest.encode(), digest_size=_FINGERPRINT_BYTES).hexdigest()
    fields = ["d", fingerprint]
    if job.unique:
        fields += ("u", job.unique)
    for (short, default, write), value in zip(_JOB_WRITERS, _client_values(job), strict=True):
        if value != default:
            fields += (short, write(value))
    place = [job.id, fingerprint, job.owner, job.batch, job.lane, job.priority, shape]
    parents = [word for one in job.parents for word in (one.job_id, one.condition[0])]
    begin_ms = job.begin_ms or 0
    return [*place, fields, int(job.held), begin_ms, parents, job.unique, job.if_exists, job.max_fails]


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
    fields: dict[str, str | bool] = {}
    for field in FIELDS:
        value = getattr(revision, field.name, None) if field.kind != "tags" else None
        if value is not None:
            fields[field.redis] = value != Job._field_defaults[field.name] and str(value)
    return _text(fields), _text(dict(revision.tags))


def packed_progress(progress: Progress) -> list[str]:
    """Write progress as `lua/progress.lua` reads it."""
    return ["" if value is None else str(value) for value in progress]


def packed_points(lease: Lease, points: Sequence[Point]) -> list[bytes]:
    """Write the newest points of an attempt as `lua/progress.lua` reads them."""
    fence = lease.fence.to_bytes(_FENCE_BYTES, "little")
    return [fence + packed_point(point) for point in points[-POINTS_KEPT:]]


def points_of(fence: int, packed: Sequence[bytes]) -> tuple[Point, ...]:
    """Read the points of an attempt; what is not of this one is left out."""
    begin = fence.to_bytes(_FENCE_BYTES, "little")
    records = (one[_FENCE_BYTES:] for one in packed if one.startswith(begin))
    return read_points(b"".join(one for one in records if len(one) == RECORD_BYTES))


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
    known = artifact._asdict()
    del known["content"], known["dropped"]
    return json.dumps(known)


def packed_beat(beat: Beat) -> str:
    """Write a beat."""
    return json.dumps(beat._asdict() | {"engines": sorted(beat.engines)})


def claim_of(reply: Sequence[bytes]) -> Claim:
    """Read the reply to a claim."""
    spec, raw = reply
    job = job_of(raw)
    return Claim(Lease(job.id, job.attempt, job.worker), job, spec.decode())


def change_of(words: Sequence[Any]) -> Change:
    """Read what was done to one of the jobs that were named."""
    job_id, before, after, changed, refused = words
    states = JobState(before.decode()), JobState(after.decode())
    return Change(job_id.decode(), *states, changed=bool(changed), refused=bool(refused))


def removals_of(reply: Sequence[Any]) -> tuple[list[Removal], list[str]]:
    """Read what became of jobs that were to be forgotten, and which are to be asked for again."""
    done, left = [], []
    for raw, word, known in in_groups(reply, 3):
        if word == b"later":
            left.append(raw.decode())
            continue
        done.append(Removal(raw.decode(), Removed(word.decode()), _files(known)))
    return done, left


def attempts_removal_of(words: Sequence[Any]) -> Removal:
    """Read what became of a job's earlier attempts that were to be forgotten."""
    raw, word, known, newest, shown = words
    return Removal(raw.decode(), Removed(word.decode()), _files(known), newest, shown)


def _files(known: Sequence[bytes]) -> tuple[Artifact, ...]:
    return tuple(artifact for one in known if (artifact := artifact_of(one)) and artifact.path)


def outcome_of(raw: bytes) -> str:
    """Read an outcome, which may be compressed; what is not one is what it is."""
    with suppress(zlib.error):
        raw = zlib.decompress(raw)
    return raw.decode(errors="replace")


def parents_of(flat: Sequence[bytes]) -> list[Parent]:
    """Read parents; those that cannot be read are left out."""
    pairs = in_groups(flat, 2)
    return [Parent(raw.decode(), _CONDITIONS[first]) for raw, first in pairs if first in _CONDITIONS]


def attempts_of(entries: Sequence[bytes]) -> list[Attempt]:
    """Read earlier attempts; those that cannot be read are left out."""
    found = []
    for raw in entries:
        try:
            found.append(Attempt(**fields_of(Attempt, json.loads(raw))))
        except (ValueError, TypeError):
            continue
    return found


def artifact_of(raw: bytes, content: bytes | None = None, *, is_lacking: bool = False) -> Artifact | None:
    """Read what is known of an artifact; None if it cannot be read.

    Args:
        raw: what is known.
        content: what the store keeps of it.
        is_lacking: the store keeps nothing of it: it is a file elsewhere, or was dropped.
    """
    try:
        known = fields_of(Artifact, json.loads(raw))
        return Artifact(**known | {"content": content, "dropped": is_lacking and not known["path"]})
    except (KeyError, ValueError, TypeError):
        return None


def event_of(cursor: bytes, flat: Sequence[bytes]) -> Event | None:
    """Read an event; None if it cannot be read."""
    try:
        fields = {name.decode(): value.decode() for name, value in in_groups(flat, 2)}
        return Event(
            cursor=cursor.decode(),
            at_ms=int(cursor.partition(b"-")[0]),
            job_id=fields["i"],
            number=_whole(fields["n"]),
            state=JobState(fields["s"]),
            attempt=_whole(fields["a"]),
            reason=Reason(fields["r"]) if fields["r"] else None,
            batch=fields["b"],
            token=fields.get("y", ""),
        )
    except (KeyError, ValueError):
        return None


def workers_of(reply: Sequence[Any], lease_ms: int) -> list[WorkerSeen]:
    """Read workers; those that cannot be read are left out."""
    now, *flat = reply
    found = []
    for _, seen, first, raw in in_groups(flat, 4):
        try:
            said = json.loads(raw)
            beat = Beat(**fields_of(Beat, said) | {"engines": frozenset(said["engines"])})
            last_ms = int(seen)
            alive = now - last_ms <= lease_ms
            found.append(WorkerSeen(beat, worker_host(beat.worker), int(first), last_ms, alive))
        except (KeyError, ValueError, TypeError):
            continue
    return found


def counts_of(flat: Sequence[bytes], owner: str | None) -> dict[JobState, int]:
    """Read counts by state and owner, and add up those of one owner or all.

    Raises:
        ValueError: one of them is no count.
    """
    found: dict[JobState, int] = {}
    for name, number in in_groups(flat, 2):
        state, _, whose = name.decode(errors="replace").partition(" ")
        if owner in (None, whose) and state in _STATES and _whole(number.decode()) > 0:
            found[JobState(state)] = found.get(JobState(state), 0) + _whole(number.decode())
    return found
