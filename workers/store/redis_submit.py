"""Handing jobs over to Redis, `SUBMIT_CHUNK` in one step and a few steps ahead of the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workers.errors import InputRefused, NoxError, StoreError, StoreUnreachable, SubmitCut
from workers.store.base import SUBMIT_CHUNK
from workers.store.redis_arguments import packed_jobs
from workers.store.values import Accepted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from workers.store.redis_link import Link
    from workers.store.resp import Arg
    from workers.store.values import NewJob

# How long one step may take, from sending it to its answer.
SUBMIT_S = 3.0


def submit(link: Link, jobs: Sequence[NewJob], submission: str) -> list[Accepted]:
    """Store jobs; see `Store.submit`.

    The first step is waited for alone: what is wrong with the store or with a small submit comes as it is.
    Only then are further steps sent ahead, and what goes wrong with them is a cut.
    """
    first, *rest = chunks(jobs) or [()]
    if not first:
        return []
    accepted = _first(link, first, submission)
    try:
        for error in _store_rest(link, rest, submission, accepted):
            raise error
    except NoxError as error:
        raise SubmitCut(
            error.what, stored=tuple(word.job_id for word in accepted), hint=error.hint
        ) from error
    return accepted


def _first(link: Link, chunk: Sequence[NewJob], submission: str) -> list[Accepted]:
    """Store the first step, and once more if no answer came: it may have been run, and is not run twice."""
    arguments = _arguments(chunk, submission)
    try:
        return _accepted(chunk, link.call("submit", *arguments, timeout_s=SUBMIT_S))
    except StoreUnreachable:
        repeated = _accepted(chunk, link.call("submit", *arguments, timeout_s=SUBMIT_S))
    return [Accepted(one.job_id, one.number, existing=False) for one in repeated]


def chunks(jobs: Sequence[NewJob]) -> list[Sequence[NewJob]]:
    """Cut jobs into steps."""
    return [jobs[at : at + SUBMIT_CHUNK] for at in range(0, len(jobs), SUBMIT_CHUNK)]


def _store_rest(
    link: Link, rest: list[Sequence[NewJob]], submission: str, accepted: list[Accepted]
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

    answers = link.call_many("submit", calls(), timeout_s=SUBMIT_S)
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
        raise InputRefused(f"job {job_id} is stored already and asks for something else")
    numbers = map(int, answer.split(b","))
    return [
        Accepted(job.id, abs(number), existing=number < 0) for job, number in zip(chunk, numbers, strict=True)
    ]
