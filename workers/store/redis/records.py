"""Reads what Redis keeps.  What cannot be read becomes a job that FAILED as DAMAGED, or is left out.

The fields' short names and their meaning: `lua/shared.lua`.
"""

from __future__ import annotations

import json
import math
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from workers.job import (
    Attempt,
    Condition,
    Job,
    JobState,
    Lease,
    Parent,
    Progress,
    Reason,
    reasons_of,
    recorded_progress,
    worker_host,
)
from workers.store.values import Artifact, Beat, Change, Claim, Event, Removal, Removed, WorkerSeen

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Fields = dict[str, str]

_CONDITIONS = {condition[0].encode(): condition for condition in Condition}
_STATES = frozenset(state.value for state in JobState)


def in_groups(flat: Sequence[Any], size: int) -> Iterator[tuple[Any, ...]]:
    """Take a flat list apart, `size` at a time."""
    steps = iter(flat)
    return zip(*[steps] * size, strict=True)


def job_of(raw: bytes) -> Job:
    """Read a job; one that cannot be read is FAILED with reason DAMAGED."""
    try:
        return _sound_job(json.loads(raw))
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError):
        return _damaged_job(json.loads(raw.decode(errors="replace")))


def _sound_job(fields: Fields) -> Job:
    text = fields.get
    state = JobState(fields["s"])
    reason = Reason(fields["r"]) if "r" in fields else None
    started_ms = _whole(fields["st"]) if "st" in fields else None
    if state.is_waiting:
        started_ms = None  # an older nox left it
    return Job(
        id=fields["id"],
        number=_whole(fields["n"]),
        state=state,
        owner=fields["o"],
        kind=fields["k"],
        created_ms=_whole(fields["c"]),
        name=text("nm", ""),
        batch=text("b", ""),
        formula=text("f", ""),
        atoms=_whole(text("a", "0")),
        engine=text("e", ""),
        priority=int(text("p", "0")),
        cores=_whole(text("co", "1")),
        memory_bytes=_whole(text("m", "0")),
        time_limit_s=_whole(text("tl", "0")),
        lane=text("l", ""),
        reason=reason,
        attempt=_whole(text("at", "0")),
        round=_whole(text("rd", "1")),
        retries=_whole(text("rt", "0")),
        retry_on=reasons_of(text("ro", "")),
        retried=_whole(text("rn", "0")),
        parents=_whole(text("pn", "0")),
        unended=_whole(text("wt", "0")),
        unmet=_whole(text("um", "0")),
        due_ms=_whole(fields["du"]) if "du" in fields else None,
        losses=_whole(text("lo", "0")),
        releases=_whole(text("re", "0")),
        cancel_requested="cr" in fields,
        worker=text("w", "") if started_ms is not None else "",
        started_ms=started_ms,
        ended_ms=_whole(fields["en"]) if "en" in fields else None,
        good=_whole(fields["gd"]) if "gd" in fields else None,
        progress=recorded_progress(_progress_of(fields), state, reason),
        tags={str(name): str(value) for name, value in json.loads(text("t", "{}")).items()},
    )


def _whole(digits: str) -> int:
    if not digits.isdigit():
        raise ValueError("not a whole number")
    return int(digits)


def _finite(digits: str | None) -> float | None:
    value = None if digits is None else float(digits)
    if value is not None and not math.isfinite(value):
        raise ValueError("not a finite number")
    return value


def _progress_of(fields: Fields) -> Progress:
    return Progress(
        fraction=_finite(fields.get("pf")),
        phase=fields.get("pp", ""),
        step=int(fields["ps"]) if "ps" in fields else None,
        energy_hartree=_finite(fields.get("pe")),
        energy_change_hartree=_finite(fields.get("pd")),
        gradient_norm_hartree_per_bohr=_finite(fields.get("pg")),
    )


def _damaged_job(fields: Fields) -> Job:
    """Say what can still be said of a job that cannot be read."""

    def number(name: str) -> int:
        digits = fields.get(name, "")
        return int(digits) if digits.isdecimal() else 0

    return Job(
        id=fields["id"],
        number=number("n"),
        state=JobState.FAILED,
        reason=Reason.DAMAGED,
        owner=fields.get("o", ""),
        kind=fields.get("k", ""),
        created_ms=number("c"),
        name=fields.get("nm", ""),
        batch=fields.get("b", ""),
    )


def claim_of(reply: Sequence[bytes]) -> Claim:
    """Read what a claim hands out."""
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
            found.append(Attempt(**json.loads(raw)))
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
        known = json.loads(raw)
        return Artifact(**known, content=content, dropped=is_lacking and not known["path"])
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
            beat = Beat(**said | {"engines": frozenset(said["engines"])})
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
