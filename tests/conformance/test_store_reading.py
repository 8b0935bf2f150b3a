"""The store's contract: looking jobs up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.stores import (
    artifact,
    claim,
    ended_at,
    failed,
    new_job,
    outcome,
    run_to_end,
    submit,
    submit_named,
)
from workers.errors import ArtifactNotFound, JobNotFound
from workers.job import Attempt, JobState

if TYPE_CHECKING:
    from workers.store.base import Store

ABSENT = "f" * 32


def test_a_job_that_does_not_exist_is_not_found(store: Store) -> None:
    """
    Asking for one job that is not there is an error, for its record and for its specification.
    """
    with pytest.raises(JobNotFound):
        store.get(ABSENT)
    with pytest.raises(JobNotFound):
        store.spec(ABSENT)
    assert [] == store.artifacts(ABSENT)
    assert [] == store.attempts(ABSENT)


def test_store_reading_several_jobs_come_in_the_order_asked(store: Store) -> None:
    """
    Jobs come as they were asked for, those that do not exist left out.
    """
    a, b, c = submit_named(store, "a b c")

    assert [c, a, b] == [job.id for job in store.get_many([c, ABSENT, a, b])]
    assert [] == store.get_many([])


def test_the_specification_is_handed_back_as_it_is(store: Store) -> None:
    """
    The store does not look inside: the text comes back to the byte.
    """
    text = '{"kind":"echo", "payload": "\\u0000 \N{SNOWMAN} \\n"  }'
    (job_id,) = submit(store, new_job(spec_json=text))

    assert text == store.spec(job_id)
    assert text == claim(store).spec_json


def test_the_specifications_of_many_are_read_at_once(store: Store) -> None:
    """
    Each comes back to the byte, in whatever state its job is; what does not exist is left out.
    """
    jobs = [new_job(spec_json=f'{{"payload": {n}}}') for n in range(250)]
    submit(store, *jobs)
    store.finish(claim(store).lease, outcome())

    wanted = {job.id: job.spec_json for job in jobs}
    assert wanted == store.specs([ABSENT, *wanted])
    assert {} == store.specs([])


def test_outcomes_are_those_of_ended_jobs(store: Store) -> None:
    """
    The outcome document comes back to the byte; jobs that have not ended have none.
    """
    ended, broken, waiting = submit_named(store, "ended broken waiting")
    run_to_end(store, ended, outcome(outcome_json='{ "energy": -5.07 }'))
    run_to_end(store, broken, failed(outcome_json='{"failure": "x"}'))

    found = store.outcomes([ended, broken, waiting, ABSENT])
    assert {ended: '{ "energy": -5.07 }', broken: '{"failure": "x"}'} == found
    assert {} == store.outcomes([])


def test_earlier_attempts_are_kept(store: Store) -> None:
    """
    An attempt that was not the last is listed with its worker, times and end; the last is in the job.
    """
    (job_id,) = submit_named(store, "a")
    first = claim(store, "node07-1-aa")
    store.give_back(first.lease, "wall time is near")
    second = claim(store, "node08-2-bb")
    store.finish(second.lease, outcome())

    (attempt,) = store.attempts(job_id)
    started = first.job.started_ms
    assert started is not None
    assert (
        Attempt(1, 1, "node07-1-aa", started, attempt.ended_ms, "given_back", "wall time is near") == attempt
    )
    assert attempt.ended_ms >= attempt.started_ms
    assert (2, "node08-2-bb", "node08") == (
        store.get(job_id).attempt,
        store.get(job_id).worker,
        store.get(job_id).host,
    )


def test_a_job_that_ended_at_once_has_no_earlier_attempts(store: Store) -> None:
    """
    The only attempt is the newest, and stands in the job.
    """
    (job_id,) = submit_named(store, "a")
    run_to_end(store, job_id)

    assert [] == store.attempts(job_id)


def test_artifacts_are_listed_without_their_content(store: Store) -> None:
    """
    A list is short however large the files are; one read by name has its bytes.
    """
    (job_id,) = submit_named(store, "a")
    small = artifact("opt.xyz", "3\n\n")
    run_to_end(store, job_id, outcome(artifacts=(small, artifact("engine.log"))))

    listed = store.artifacts(job_id)
    assert {"opt.xyz", "engine.log"} == {item.name for item in listed}
    assert [None, None] == [item.content for item in listed]
    assert small == store.artifact(job_id, "opt.xyz")


def test_an_artifact_that_lies_elsewhere_is_told_by_host_and_path(store: Store) -> None:
    """
    A large file is known by where it lies, its size and its checksum.
    """
    (job_id,) = submit_named(store, "a")
    large = artifact("trajectory.xyz")
    elsewhere = type(large)(
        large.name, 5 * 1024**3, large.sha256, "chemical/x-xyz", host="node07", path="/data/a/trajectory.xyz"
    )
    run_to_end(store, job_id, outcome(artifacts=(elsewhere,)))

    assert [elsewhere] == store.artifacts(job_id)
    assert elsewhere == store.artifact(job_id, "trajectory.xyz")


def test_an_artifact_nobody_made_is_not_found(store: Store) -> None:
    """
    Neither a job without that file nor a job that does not exist has it.
    """
    (job_id,) = submit_named(store, "a")
    run_to_end(store, job_id, outcome(artifacts=(artifact("opt.xyz"),)))

    for where, name in ((job_id, "other"), (job_id, "opt.xy"), (ABSENT, "opt.xyz")):
        with pytest.raises(ArtifactNotFound):
            store.artifact(where, name)


def test_jobs_are_found_by_number(store: Store) -> None:
    """
    Both ends belong to a range; numbers nobody has are passed over; the limit holds.
    """
    ids = submit_named(store, "a b c d e")
    first = store.get(ids[0]).number

    assert ids[1:4] == store.with_numbers(first + 1, first + 3)
    assert ids == store.with_numbers(0, first + 1_000_000)
    assert ids[:2] == store.with_numbers(first, first + 4, limit=2)
    assert [] == store.with_numbers(first + 5, first + 9)
    assert [] == store.with_numbers(first + 3, first + 1)


def test_jobs_are_found_by_the_start_of_their_id(store: Store) -> None:
    """
    A prefix finds its ids in order, at most as many as asked; other ids that lie near do not match.
    """
    ids = [f"{start}{'0' * (32 - len(start))}" for start in ("abc0", "abc1", "abcf", "abd0", "abb0", "fff0")]
    submit(store, *(new_job(id=job_id) for job_id in reversed(ids)))

    assert ids[:3] == store.with_prefix("abc")
    assert ids[:2] == store.with_prefix("abc", limit=2)
    assert [ids[3]] == store.with_prefix(ids[3])
    assert [ids[5]] == store.with_prefix("f")
    assert [] == store.with_prefix("abce")


@pytest.mark.parametrize("prefix", ["*", "ab*", "[a-f]", "ab?", "%", "ab_", "\\"])
def test_a_prefix_is_no_pattern(store: Store, prefix: str) -> None:
    """
    What is no hexadecimal digit matches nothing.
    """
    submit(store, new_job(id="ab" + "0" * 30))

    assert [] == store.with_prefix(prefix)


def test_progress_is_read_with_the_job(store: Store) -> None:
    """
    What an attempt said last is part of its job's record, and stays with it when it ends.
    """
    (job_id,) = submit_named(store, "a")
    found = claim(store)
    store.finish(found.lease, outcome(progress=ended_at(-5.070544)))

    assert -5.070544 == store.get(job_id).progress.energy_hartree
    assert JobState.DONE is store.get(job_id).state
