"""`workers.job`: the states and what may follow which."""

from __future__ import annotations

import pytest

from workers.job import (
    ACTIVE,
    FINAL,
    MEMORY_STEP_BYTES,
    TRANSITIONS,
    WAITING,
    Job,
    JobState,
    Lease,
    PublicState,
    Reason,
    round_memory,
    worker_host,
)

GIB = 1024**3


def test_every_state_has_its_row_in_the_transition_table() -> None:
    """
    The table says for each state what may follow it, and every state has a way on.
    """
    assert set(JobState) == set(TRANSITIONS)
    assert all(TRANSITIONS.values())


def test_every_state_is_waiting_running_or_final() -> None:
    """
    The three groups share no state and leave none out.
    """
    groups = [WAITING, {JobState.RUNNING}, FINAL]

    assert len(JobState) == sum(map(len, groups))
    assert set(JobState) == set().union(*groups)
    assert ACTIVE == set(JobState) - FINAL
    assert {state for state in JobState if state.is_final} == FINAL
    assert {state for state in JobState if state.is_waiting} == WAITING


def test_job_only_a_queued_job_can_start() -> None:
    """
    Running is entered by claim alone, and claim takes queued jobs alone.
    """
    assert {JobState.QUEUED} == {state for state in JobState if JobState.RUNNING in TRANSITIONS[state]}


def test_job_only_a_running_job_can_end_as_done_or_failed() -> None:
    """
    There is no result without a run.
    """
    for end in (JobState.DONE, JobState.FAILED):
        assert {JobState.RUNNING} == {state for state in JobState if end in TRANSITIONS[state]}


@pytest.mark.parametrize("state", sorted(ACTIVE))
def test_every_job_that_has_not_ended_can_be_cancelled(state: JobState) -> None:
    """
    Cancel reaches waiting and running jobs.
    """
    assert JobState.CANCELLED in TRANSITIONS[state]


@pytest.mark.parametrize("state", sorted(FINAL))
def test_an_ended_job_only_waits_again(state: JobState) -> None:
    """
    A final state is left by a retry only, which makes the job wait; it never runs or ends without that.
    """
    assert {JobState.QUEUED, JobState.BLOCKED} == TRANSITIONS[state]


def test_job_no_state_follows_itself() -> None:
    """
    A change of state is a change.
    """
    assert [] == [state for state in JobState if state in TRANSITIONS[state]]


@pytest.mark.parametrize(
    ("state", "public"),
    [
        (JobState.HELD, PublicState.PENDING),
        (JobState.SCHEDULED, PublicState.PENDING),
        (JobState.BLOCKED, PublicState.PENDING),
        (JobState.QUEUED, PublicState.PENDING),
        (JobState.RUNNING, PublicState.RUNNING),
        (JobState.DONE, PublicState.COMPLETED),
        (JobState.FAILED, PublicState.FAILED),
        (JobState.CANCELLED, PublicState.CANCELLED),
    ],
)
def test_every_state_has_its_public_form(state: JobState, public: PublicState) -> None:
    """
    `nox status --json` knows five states; these words are frozen.
    """
    assert public is state.public


def test_the_reasons_are_the_documented_ones() -> None:
    """
    Reasons are words users filter by, so none is renamed.
    """
    documented = "input not_converged scf timeout memory crashed worker_lost dependency user moved max_fails"

    assert [*documented.split(), "damaged", "internal"] == [str(reason) for reason in Reason]


@pytest.mark.parametrize(
    ("asked", "rounded"),
    [
        (-1, MEMORY_STEP_BYTES),
        (0, MEMORY_STEP_BYTES),
        (1, MEMORY_STEP_BYTES),
        (MEMORY_STEP_BYTES, MEMORY_STEP_BYTES),
        (MEMORY_STEP_BYTES + 1, 2 * MEMORY_STEP_BYTES),
        (2 * GIB, 2 * GIB),
        (2**63 - 1, 2**63),
    ],
)
def test_memory_is_rounded_up_to_a_whole_step(asked: int, rounded: int) -> None:
    """
    A job never gets less than it asked for, and at least one step.
    """
    assert rounded == round_memory(asked)


@pytest.mark.parametrize(
    ("worker", "host"),
    [
        ("node07-4711-a1b2c3", "node07"),
        ("login-node-2.example.org-12-ff", "login-node-2.example.org"),
        ("", ""),
    ],
)
def test_a_workers_id_names_its_machine(worker: str, host: str) -> None:
    """
    The machine's own name may hold hyphens.
    """
    assert host == worker_host(worker)


def test_a_job_knows_the_machine_of_its_newest_attempt() -> None:
    """
    The host is read from the worker that claimed last; there is none before.
    """
    job = Job(id="0" * 32, number=1, state=JobState.QUEUED, owner="ada", kind="echo", created_ms=0)

    assert job.host == ""
    assert "node07" == job._replace(worker="node07-1-aa").host


def test_values_cannot_be_changed_in_place() -> None:
    """
    A lease or a job that was read stays what was read.
    """
    lease = Lease("0" * 32, 1, "node07-1-aa")

    with pytest.raises(AttributeError, match="can't set attribute"):
        lease.fence = 2  # type: ignore[misc]
