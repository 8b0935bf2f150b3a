"""Submission of jobs to the local store, a chunk in one step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.errors import InputRefused, NoxError, StoreError, SubmitCut
from workers.job import IfExists
from workers.store.sqlite.dependencies import UNENDED, UNMET, meaning
from workers.store.sqlite.rows import first_state, key, new_job_row
from workers.store.sqlite.statements import QUERIES
from workers.store.sqlite.transitions import find
from workers.store.values import Accepted

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping, Sequence

    from workers.job import JobState, NewJob


def store(
    connection: sqlite3.Connection, jobs: Sequence[NewJob], submission: str, now_ms: int
) -> list[Accepted]:
    """Store the jobs that are not stored yet, and note all of them under the submission.

    Raises:
        InputRefused: an id is stored with another digest, a parent is not stored, or a text cannot be.
    """
    accepted, new = _sort_out(connection, jobs)
    links = _links(connection, new, now_ms)
    try:
        connection.executemany(
            QUERIES["insert_job"],
            [new_job_row(job, n, now_ms, *_counts(links.get(n, ()))) for n, job in new.items()],
        )
        connection.executemany(
            QUERIES["insert_spec"],
            [{"number": n, "digest": job.digest, "spec": job.spec_json} for n, job in new.items()],
        )
    except UnicodeEncodeError as error:
        raise InputRefused("a job's name or input holds characters that are not text") from error
    limits = [
        {"batch": job.batch, "owner": job.owner, "max_fails": job.max_fails}
        for job in new.values()
        if job.batch and job.max_fails
    ]
    connection.executemany(QUERIES["limit_batch"], limits)
    keys = [{"key": job.unique, "number": number} for number, job in new.items() if job.unique]
    connection.executemany(QUERIES["hold_key"], keys)
    connection.executemany(QUERIES["insert_parent"], [link for part in links.values() for link in part])
    _note(connection, jobs, accepted, submission)
    return accepted


def _links(
    connection: sqlite3.Connection, new: Mapping[int, NewJob], now_ms: int
) -> dict[int, list[dict[str, object]]]:
    """Return the parents of each new job, and what they mean to it now.

    Raises:
        InputRefused: a parent is neither stored nor before its child in this call.
    """
    if not any(job.parents for job in new.values()):
        return {}
    known: dict[str, tuple[int, JobState]] = {}
    found: dict[int, list[dict[str, object]]] = {}
    for number, job in new.items():
        found[number] = []
        for one in job.parents:
            if one.job_id not in known:
                known[one.job_id] = _parent(connection, one.job_id)
            parent, state = known[one.job_id]
            sign = meaning(one.condition, state)
            link = {"child": number, "parent": parent, "condition": one.condition, "meaning": sign}
            found[number].append(link)
        known[job.id] = (number, first_state(job, now_ms, *_counts(found[number])))
    return found


def _parent(connection: sqlite3.Connection, job_id: str) -> tuple[int, JobState]:
    """Find a stored parent's number and state; a damaged one has failed.

    Raises:
        InputRefused: it is not stored.
    """
    job = find(connection, job_id)
    if job is None:
        raise InputRefused(f"there is no job {job_id} to wait for")
    return job.number, job.state


def _counts(links: Sequence[Mapping[str, object]]) -> tuple[int, int]:
    """Count the parents that have yet to end, and those that keep a job back."""
    signs = [link["meaning"] for link in links]
    return signs.count(UNENDED), signs.count(UNMET)


def _sort_out(
    connection: sqlite3.Connection, jobs: Sequence[NewJob]
) -> tuple[list[Accepted], dict[int, NewJob]]:
    """Separate new jobs from those stored before, and number the new ones."""
    row = connection.execute(QUERIES["last_number"]).fetchone()
    number = row["seq"] if row else 0
    digests: dict[str, tuple[int, str]] = {}
    accepted: list[Accepted] = []
    new: dict[int, NewJob] = {}
    holders: dict[str, Accepted] = {}
    for job in jobs:
        if not key(job.id):
            raise InputRefused(f"{job.id!r} is not a job id", hint="an id is 32 hexadecimal digits")
        known = digests.get(job.id) or _stored(connection, job.id)
        same = None if known else _same(connection, job, holders)
        if same is not None:
            accepted.append(same)
        elif known is None:
            number += 1
            if job.unique:
                holders[job.unique] = Accepted(job.id, number, existing=True)
            new[number] = job
            digests[job.id] = (number, job.digest)
            accepted.append(Accepted(job.id, number, existing=False))
        elif known[1] != job.digest:
            raise InputRefused(
                f"job {job.id} is stored already and asks for something else", hint="submit it under a new id"
            )
        else:
            accepted.append(Accepted(job.id, known[0], existing=True))
    return accepted, new


def _same(connection: sqlite3.Connection, job: NewJob, holders: Mapping[str, Accepted]) -> Accepted | None:
    """Find the stored job that has the unique key of a new one.

    Raises:
        InputRefused: there is one, and that is an error.
    """
    if not job.unique or job.if_exists is IfExists.NEW:
        return None
    found = holders.get(job.unique)
    row = None if found else connection.execute(QUERIES["holder"], {"key": job.unique}).fetchone()
    if row is not None:
        found = Accepted(row["id"].hex(), row["number"], existing=True)
    if found is not None and job.if_exists is IfExists.ERROR:
        raise InputRefused(f"job {found.job_id} is the same")
    return found


def _stored(connection: sqlite3.Connection, job_id: str) -> tuple[int, str] | None:
    row = connection.execute(QUERIES["stored_under"], {"id": key(job_id)}).fetchone()
    return (row["number"], row["digest"]) if row else None


def _note(
    connection: sqlite3.Connection, jobs: Sequence[NewJob], accepted: Sequence[Accepted], token: str
) -> None:
    """Note the jobs under their owners' submit, so that `last` finds them in order."""
    of_owner: dict[str, list[Accepted]] = {}
    for job, answer in zip(jobs, accepted, strict=True):
        of_owner.setdefault(job.owner, []).append(answer)
    for owner, answers in of_owner.items():
        names = {"owner": owner, "token": token}
        connection.execute(QUERIES["begin_submit"], names)
        connection.execute(QUERIES["forget_submits"], {"owner": owner})
        submit: int = connection.execute(QUERIES["find_submit"], names).fetchone()["submit"]
        _append(connection, submit, _unnoted(connection, submit, answers))


def _unnoted(connection: sqlite3.Connection, submit: int, answers: Iterable[Accepted]) -> list[int]:
    """Leave out what an earlier call of the same submit has noted."""
    numbers: dict[int, None] = {}
    for answer in answers:
        place = {"submit": submit, "number": answer.number}
        if not answer.existing or connection.execute(QUERIES["in_ranges"], place).fetchone() is None:
            numbers[answer.number] = None
    return list(numbers)


def _append(connection: sqlite3.Connection, submit: int, numbers: Sequence[int]) -> None:
    row = connection.execute(QUERIES["last_range"], {"submit": submit}).fetchone()
    position, last = (row["position"], row["last"]) if row else (0, None)
    for first, end in _runs(numbers):
        if first - 1 == last:
            change = {"submit": submit, "position": position, "last": end}
            connection.execute(QUERIES["extend_range"], change)
        else:
            position += 1
            place = {"submit": submit, "position": position, "first": first, "last": end}
            connection.execute(QUERIES["add_range"], place)
        last = end


def _runs(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Join numbers that follow each other."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs


def cut(accepted: Sequence[Accepted], asked: int, error: NoxError) -> SubmitCut:
    """Make the error for a submit that failed after its first chunk."""
    failure = SubmitCut(
        f"the submit was cut: {error.what}",
        stored=tuple(answer.job_id for answer in accepted),
        did=f"{len(accepted)} of {asked} jobs are stored",
        hint=error.hint,
    )
    failure.is_open = isinstance(error, StoreError) and error.is_open
    return failure
