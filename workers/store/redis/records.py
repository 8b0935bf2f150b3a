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
from functools import lru_cache
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
    Claimant,
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

    from workers.job import Kind, NewJob
    from workers.store.redis.resp import Arg
    from workers.store.values import Ahead, AttemptEnd, Point

SEPARATOR = "\x1f"
_SHAPE_PARTS = 6
_OUTLINE_PARTS = 9
_FINGERPRINT_BYTES = 12
_FENCE_BYTES = 4
_MOST = 2**53  # of a count, as Lua has them
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
    "state": {state.value: state for state in JobState}.__getitem__,
    "reason": {reason.value: reason for reason in Reason}.__getitem__,
    "reasons": reasons_of,
    "tags": _tags,
}
_WRITE: dict[Kind, Callable[[Any], str]] = {"reasons": reasons_text, "tags": lambda tags: _json(dict(tags))}


# By the short name: the attribute, and the function that reads it.
_JOB_READERS = {field.redis: (field.name, _READ[field.kind]) for field in FIELDS}
_PROGRESS_READERS = {field.redis: (field.name, _READ[field.kind]) for field in PROGRESS_FIELDS}
# Of what a client sets, all but the id; last the name and then the tags, which `lua/submit.lua` expects.
_SET = sorted(
    (field for field in CLIENT_FIELDS if field.name != "id"), key=lambda field: field.name in {"name", "tags"}
)
# Short name, default and writer.
_JOB_WRITERS = [
    (field.redis, Job._field_defaults.get(field.name), _WRITE.get(field.kind, str)) for field in _SET
]
_client_values = attrgetter(*(field.name for field in _SET))
# What claimants of one slot have in common.
_IN_COMMON = [name for name in Claimant._fields if name not in {"slot", "sequence", "ahead"}]
_in_common = attrgetter(*_IN_COMMON)
_NO_PROGRESS = [""] * len(Progress._fields)


def job_of(raw: bytes) -> Job:
    """Read a job; one that cannot be read is FAILED with reason DAMAGED."""
    try:
        values: dict[str, Any] = {}
        progress: dict[str, Any] = {}
        for short, text in json.loads(raw.decode()).items():
            if reader := _JOB_READERS.get(short):
                values[reader[0]] = reader[1](text)
            elif reader := _PROGRESS_READERS.get(short):
                progress[reader[0]] = reader[1](text)
        return stored_job(values, Progress(**progress) if progress else Progress())
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError):
        return _damaged_job(json.loads(raw.decode(errors="replace")))


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


def packed_claimants(claimants: Sequence[Claimant | None]) -> Iterator[tuple[Arg, ...]]:
    """Write claimants as `lua/take.lua` reads them; None: no claim."""
    before: object = None
    for claimant in claimants:
        if claimant is None:
            yield "", "", "", ""
            continue
        common = _in_common(claimant)
        ahead = _packed_ahead(claimant.ahead) if claimant.ahead else ""
        yield "" if common == before else _packed_claimant(common), claimant.slot, claimant.sequence, ahead
        before = common


@lru_cache(maxsize=64)  # of a worker it changes with what is free
def _packed_claimant(common: tuple[Any, ...]) -> str:
    """Write what the claimants of a slot have in common."""
    values = zip(_IN_COMMON, common, strict=True)
    lists = {name: sorted(value) if isinstance(value, frozenset) else value for name, value in values}
    return json.dumps({name: value for name, value in lists.items() if value is not None})


@lru_cache(maxsize=256)
def _packed_ahead(ahead: Ahead) -> str:
    return json.dumps(ahead)


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


def packed_endings(endings: Sequence[AttemptEnd]) -> Iterator[list[Arg]]:
    """Write how attempts ended, and what claims in their place, as `lua/finish.lua` reads it."""
    claimants = packed_claimants([ending.claimant for ending in endings])
    for (lease, outcome, _), claimant in zip(endings, claimants, strict=True):
        is_long = len(outcome.outcome_json) > KEPT_BYTES
        packed: list[Arg] = [
            *(lease.job_id, lease.fence, lease.worker),
            *(outcome.state, outcome.reason or "", outcome.outcome_json, outcome.message),
            compressed(outcome.outcome_json.encode()) if is_long else "",
            "" if outcome.ran_ms is None else outcome.ran_ms,
            *(packed_progress(outcome.progress) if outcome.progress else _NO_PROGRESS),
            *claimant,
        ]
        for artifact in outcome.artifacts:
            packed += (artifact.name, _packed_artifact(artifact), artifact.content or b"")
        yield [len(packed), *packed]


def compressed(outcome: bytes) -> bytes:
    """Compress an outcome that is too long to be kept of an earlier attempt as it is; once is enough."""
    return zlib.compress(outcome) if outcome.startswith(b"{") else outcome


def _packed_artifact(artifact: Artifact) -> str:
    known = artifact._asdict()
    del known["content"], known["dropped"]
    return json.dumps(known)


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


def beat_of(raw: bytes, allocation: bytes) -> Beat:
    """Read a beat, and the token of the allocation that is kept next to it.

    Raises:
        KeyError, ValueError, TypeError: it cannot be read.
    """
    said = json.loads(raw)
    beat = Beat(**fields_of(Beat, said) | {"engines": frozenset(said["engines"])})
    counts = beat.pid, beat.slots, beat.cores, beat.memory_bytes, beat.busy, beat.time_s or 0
    texts = beat.worker, beat.name, beat.nox_version, beat.owner or "", *beat.engines
    if not all(type(one) is int and 0 <= one < _MOST for one in counts):
        raise ValueError("not the numbers of a worker")
    if not all(isinstance(one, str) for one in texts):
        raise TypeError("not the texts of a worker")
    return beat._replace(allocation=allocation.decode())


def workers_of(reply: Sequence[Any], lease_ms: int) -> list[WorkerSeen]:
    """Read workers; those that cannot be read are left out."""
    now, *flat = reply
    found = []
    for _, seen, first, raw, allocation in in_groups(flat, 5):
        try:
            beat = beat_of(raw, allocation)
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
