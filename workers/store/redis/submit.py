"""Submission of jobs to Redis, `SUBMIT_CHUNK` in one step and a few steps ahead of the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workers.errors import (
    InputRefused,
    NotDurable,
    NoxError,
    StoreError,
    StoreRefused,
    StoreUnreachable,
    SubmitCut,
)
from workers.store.base import MAX_PARENTS, SUBMIT_CHUNK
from workers.store.redis.records import packed_jobs
from workers.store.values import Accepted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from workers.job import NewJob
    from workers.store.redis.connection import RedisClient
    from workers.store.redis.resp import Arg

# How long one step may take, from sending it to its answer.
SUBMIT_S = 1.0
# How long the first step may take when it is sent again: with a question afterwards for what is stored, a
# submit to a server that fell silent takes less than three seconds, and a durable one less than seven.
AGAIN_S = 0.5
# How long the server may take to bring the last step to its disk: it syncs once a second, or at once, and
# where its disk is busy up to two seconds later.
SYNC_S = 5.0
_ANSWER_S = 0.5
_WAIT = ("WAITAOF", 1, 0, round(SYNC_S * 1000))


def submit(client: RedisClient, jobs: Sequence[NewJob], submission: str) -> list[Accepted]:
    """Store jobs; see `Store.submit`.

    The first step is waited for alone: what is wrong with the store or with a small submit comes as it is.
    Only then are further steps sent ahead, and what goes wrong with them is a cut.
    """
    first, *rest = chunks(jobs) or [()]
    if not first:
        return []
    accepted = _first(client, first, submission)
    try:
        for error in _store_rest(client, rest, submission, accepted):
            raise error
    except NoxError as error:
        raise _cut(error, accepted) from error
    return accepted


def submit_durably(client: RedisClient, jobs: Sequence[NewJob], submission: str) -> list[Accepted]:
    """Store jobs, and wait until the server's disk has them; see `Store.submit`.

    The last step and the wait for the disk go over one connection: what its client wrote is what Redis waits
    for, and all that was written before.
    """
    _refuse_forgetful(client)
    *earlier, last = chunks(jobs) or [()]
    accepted = submit(client, [job for chunk in earlier for job in chunk], submission)
    try:
        calls = [_arguments(last, submission)]
        answers = client.call_many("submit", calls, timeout_s=SYNC_S + _ANSWER_S, then=_WAIT)
        accepted += _accepted(last, next(answers))
    except NoxError as error:
        if not accepted:
            raise
        raise _cut(error, accepted) from error
    _refuse_unsynced(answers, client.address.place, accepted)
    return accepted


def _refuse_forgetful(client: RedisClient) -> None:
    """Make sure that the server can say what its disk has, before anything is stored.

    Raises:
        NotDurable: it cannot.
    """
    try:
        client.execute("WAITAOF", 1, 0, 1)
    except StoreRefused as error:
        if "appendonly" not in error.what:
            raise NotDurable(error.what, hint=error.hint) from error
        raise NotDurable(
            f"redis at {client.address.place} keeps no append-only file: a power cut would take the jobs",
            hint="set appendonly yes in redis.conf, or submit without --require-durable",
        ) from error


def _refuse_unsynced(answers: Iterator[Any], place: str, accepted: Sequence[Accepted]) -> None:
    """Read whether the disk has what was stored.

    Raises:
        NotDurable: it does not yet, or that is unknown.
    """
    try:
        (synced,) = answers
    except StoreError as error:
        synced = error
    if isinstance(synced, list) and synced[0] >= 1:
        return
    why = f": {synced.what}" if isinstance(synced, StoreError) else f" within {SYNC_S:g} s"
    raise NotDurable(
        f"the jobs are stored in redis at {place}, but not yet on its disk{why}",
        stored=_ids(accepted),
        hint="its disk may be slow, or appendfsync be no; nox status JOB tells whether a job is still there",
    )


def _cut(error: NoxError, accepted: Sequence[Accepted]) -> SubmitCut:
    """Make the error for a submit that failed after its first step, perhaps with steps under way."""
    cut = SubmitCut(error.what, stored=_ids(accepted), hint=error.hint)
    cut.is_open = isinstance(error, StoreUnreachable)
    return cut


def _ids(accepted: Sequence[Accepted]) -> tuple[str, ...]:
    return tuple(word.job_id for word in accepted)


def _first(client: RedisClient, chunk: Sequence[NewJob], submission: str) -> list[Accepted]:
    """Store the first step, and once more if no answer came: it may have been run, and is not run twice."""
    arguments = _arguments(chunk, submission)
    try:
        return _accepted(chunk, client.call("submit", *arguments, timeout_s=SUBMIT_S))
    except StoreUnreachable as error:
        is_open = error.is_open
    try:
        repeated = _accepted(chunk, client.call("submit", *arguments, timeout_s=AGAIN_S))
    except StoreError as error:
        error.is_open |= is_open
        raise
    pairs = zip(chunk, repeated, strict=True)
    return [Accepted(one.job_id, one.number, existing=one.job_id != job.id) for job, one in pairs]


def chunks(jobs: Sequence[NewJob]) -> list[Sequence[NewJob]]:
    """Cut jobs into steps, so that each stays short."""
    found: list[list[NewJob]] = []
    left = 0
    for job in jobs:
        if not found or len(found[-1]) == SUBMIT_CHUNK or len(job.parents) > left:
            found.append([])
            left = MAX_PARENTS
        found[-1].append(job)
        left -= len(job.parents)
    return list(found)


def _store_rest(
    client: RedisClient, rest: list[Sequence[NewJob]], submission: str, accepted: list[Accepted]
) -> Iterator[NoxError]:
    """Send steps until one is refused, hear all that were sent, and yield the refusals at the end."""
    refusals: list[NoxError] = []

    def calls() -> Iterator[list[Arg]]:
        for chunk in rest:
            if refusals:
                return
            try:
                arguments = _arguments(chunk, submission)
            except InputRefused as error:
                refusals.append(error)
                return
            yield arguments

    answers = client.call_many("submit", calls(), timeout_s=SUBMIT_S)
    for answer, chunk in zip(answers, rest, strict=False):
        try:
            accepted += _accepted(chunk, answer)
        except (InputRefused, StoreError) as error:
            refusals.append(error)
    yield from refusals


def _arguments(chunk: Sequence[NewJob], submission: str) -> list[Arg]:
    return [submission, packed_jobs(chunk), *(job.spec_json for job in chunk)]


def _accepted(chunk: Sequence[NewJob], answer: Any) -> list[Accepted]:
    if isinstance(answer, StoreError):
        raise answer
    if isinstance(answer, list):
        job_id = answer[1].decode()
        if answer[0] == b"orphan":
            raise InputRefused(f"there is no job {answer[2].decode()} to wait for")
        if answer[0] == b"exists":
            raise InputRefused(f"job {answer[2].decode()} is the same")
        raise InputRefused(f"job {job_id} is stored already and asks for something else")
    found = []
    for job, word in zip(chunk, answer.decode().split(","), strict=True):
        number, _, other = word.partition("=")
        found.append(Accepted(other or job.id, abs(int(number)), existing=int(number) < 0))
    return found
