"""The store's contract: whatever is done in whatever order, a store agrees with a model of a few lines."""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from itertools import count, pairwise
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as limits
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.support.model import RUNNING, SCHEDULED, Model, ModelJob
from tests.support.stores import ADA, BOB, beat, claimant, new_job, outcome
from tests.support.vandal import vandal_of
from workers.errors import LeaseLost
from workers.job import TRANSITIONS, JobState, Lease, Progress, Reason
from workers.store.opening import open_store
from workers.store.values import Ahead, AttemptEnd

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.vandal import Vandal
    from workers.store.base import Store
    from workers.store.settings import StoreSettings
    from workers.store.values import Claim, Claimant, Outcome

ENDS = st.sampled_from([JobState.DONE, JobState.FAILED, JobState.CANCELLED])
ANY = st.integers(0, 999)  # which job or lease, counted round
RETRIES = st.integers(0, 2)
FURTHER = count(1)  # the progress of checkpoints


class Machine(RuleBasedStateMachine):
    """Does the same to a store and to the model."""

    def __init__(self, store: Store, vandal: Vandal) -> None:
        super().__init__()
        self.store = store
        self.vandal = vandal
        self.model = Model()
        self.leases: list[Lease] = []
        self.answers: dict[Claimant, Claim] = {}
        self.slots = count()

    @initialize()
    def begin(self) -> None:
        """Store two jobs of two owners."""
        self.submit([(ADA, 0, 1), (BOB, 0, 0)])

    @rule(jobs=st.lists(st.tuples(st.sampled_from([ADA, BOB]), st.integers(-1, 1), RETRIES), max_size=3))
    def submit(self, jobs: list[tuple[str, int, int]]) -> None:
        """Store jobs of several owners, priorities and patience."""
        on = frozenset({Reason.SCF})
        new = [new_job(owner=o, priority=p, retries=retries, retry_on=on) for o, p, retries in jobs]
        for asked, accepted in zip(new, self.store.submit(new, submission=uuid4().hex), strict=True):
            job = ModelJob(asked.id, accepted.number, asked.owner, asked.priority, asked.retries)
            self.model.jobs[asked.id] = job

    @rule()
    def claim(self) -> None:
        """Take the next job."""
        asked = self.idle_slot()
        self.compare(asked, self.store.claim(asked))

    @rule(which=ANY)
    def claim_again(self, which: int) -> None:
        """Repeat a claim whose attempt still runs."""
        repeated = [asked for asked, claim in self.answers.items() if self.owns(claim.lease)]
        if repeated:
            asked = repeated[which % len(repeated)]
            again = self.store.claim(asked)
            assert again is not None
            assert self.answers[asked].lease == again.lease

    @rule(which=ANY, end=ENDS)
    def finish(self, which: int, end: JobState) -> None:
        """End a job by any attempt there ever was."""
        self.write(which, lambda lease: self.store.finish(lease, ended(lease, end)), end)

    @rule(which=ANY, end=ENDS)
    def finish_and_claim(self, which: int, end: JobState) -> None:
        """End a job and take the next in the same step."""
        lease = self.lease(which)
        if lease is not None and self.owns(lease):
            asked = self.idle_slot()
            found = self.store.finish(lease, ended(lease, end), asked)
            self.model.finish(self.model.jobs[lease.job_id], end)
            self.compare(asked, found)

    @rule(which=st.lists(ANY, max_size=4), end=ENDS, held=st.integers(0, 3))
    def finish_several(self, which: list[int], end: JobState, held: int) -> None:
        """End jobs by any attempts there ever were, and take the next for each, ahead of its turn or not."""
        chosen = dict.fromkeys(map(self.lease, which))
        leases = [lease for lease in chosen if lease and not self.is_finished(lease)]
        ahead = Ahead(held, "echo", "echo", 0) if held else None
        endings = [
            AttemptEnd(lease, ended(lease, end), self.idle_slot()._replace(ahead=ahead)) for lease in leases
        ]
        begun = self.lease(held)
        found = self.store.finish_several(endings, begun)
        for (lease, _, asked), claimed in zip(endings, found, strict=True):
            assert asked is not None
            if self.owns(lease):
                self.model.finish(self.model.jobs[lease.job_id], end)
                assert not isinstance(claimed, LeaseLost)
                self.compare(asked, claimed, held)
            else:
                assert isinstance(claimed, LeaseLost)

    @rule(many=st.integers(1, 4))
    def claim_several(self, many: int) -> None:
        """Take several jobs for one slot."""
        asked = [
            self.idle_slot()._replace(ahead=Ahead(held, "echo", "echo", 0)) for held in range(1, many + 1)
        ]
        for held, found in enumerate(self.store.claim_several(asked), start=1):
            self.compare(asked[held - 1], found, held)

    @rule(which=ANY)
    def give_back(self, which: int) -> None:
        """Return a job by any attempt there ever was."""
        self.write(which, lambda lease: self.store.give_back(lease, "drained"), None)

    @rule(which=ANY)
    def progress(self, which: int) -> None:
        """Report a step and what was reached, by any attempt there ever was."""
        lease = self.lease(which)
        if lease is None:
            return
        job = self.model.jobs[lease.job_id]
        if self.owns(lease):
            self.store.progress(lease, Progress(step=which, fraction=0.5))
            self.store.keep_checkpoint(lease, b"reached", next(FURTHER))
            job.progressed = True
        else:
            with pytest.raises(LeaseLost):
                self.store.progress(lease, Progress(step=which))
            with pytest.raises(LeaseLost):
                self.store.keep_checkpoint(lease, b"stale", next(FURTHER))

    @rule(which=ANY)
    def cancel(self, which: int) -> None:
        """Cancel any job."""
        if self.model.jobs:
            job = list(self.model.jobs.values())[which % len(self.model.jobs)]
            before = job.state
            self.model.cancel(job)
            (answer,) = self.store.cancel([job.id], owner=None)
            assert (before, job.state) == (answer.before, answer.after)

    @rule(which=ANY, done=st.booleans())
    def retry(self, which: int, *, done: bool) -> None:
        """Run any job again."""
        if self.model.jobs:
            job = list(self.model.jobs.values())[which % len(self.model.jobs)]
            before = job.state
            self.model.retry(job, done=done)
            (answer,) = self.store.retry([job.id], owner=None, done=done)
            assert (before, job.state) == (answer.before, answer.after)
            assert answer.changed == (before is not job.state)

    @rule(which=ANY)
    def fall_due(self, which: int) -> None:
        """Let the time of a scheduled job come."""
        waiting = [job for job in self.model.jobs.values() if job.state is SCHEDULED]
        if waiting:
            job = waiting[which % len(waiting)]
            self.vandal.fall_due(job.id)
            self.model.fall_due(job)
            assert (job.id,) == self.store.tick(beat()).released

    @rule()
    def renew(self) -> None:
        """Renew every lease there ever was."""
        told = self.store.renew(self.leases)
        wanted = [(self.owns(lease), self.owns(lease) and self.is_cancelled(lease)) for lease in self.leases]
        assert wanted == [(answer.alive, answer.alive and answer.cancel_requested) for answer in told]

    @invariant()
    def counts_agree(self) -> None:
        """The store counts as the model does."""
        assert self.model.counts() == dict(self.store.counts())

    @invariant()
    def outcomes_agree(self) -> None:
        """The store shows the outcomes the model does."""
        wanted = {job.id: words(job.shown) for job in self.model.jobs.values() if job.shown}
        assert wanted == self.store.outcomes(list(self.model.jobs))

    def teardown(self) -> None:
        """Compare every record and the whole change stream, then let go of the store."""
        try:
            self.compare_all()
        finally:
            self.store.close()

    def compare_all(self) -> None:
        """Hold every job and its history against the model and the transition table."""
        told: dict[str, list[tuple[JobState, int]]] = defaultdict(list)
        for event in self.store.events("0", limit=100_000).items:
            told[event.job_id].append((event.state, event.attempt))
        for job in self.store.get_many(list(self.model.jobs)):
            wanted = self.model.jobs[job.id]
            states = [state for state, _ in told[job.id]]
            fences = [attempt for state, attempt in told[job.id] if state is RUNNING]
            assert (wanted.state, wanted.attempt) == (job.state, job.attempt)
            assert wanted.history == states
            assert all(after in TRANSITIONS[before] for before, after in pairwise(states))
            assert list(range(1, job.attempt + 1)) == fences
            assert sum(state.is_final for state in states) == wanted.round - (not job.state.is_final)
            assert wanted.round == job.round
            left = {number: self.store.outcome(job.id, number) for number in fences}
            assert {number: words(number) for number in wanted.ends} == {
                n: left[n] for n in fences if left[n]
            }
            listed = [tried.number for tried in self.store.attempts(job.id)]
            assert fences == listed + [job.attempt] * (job.started_ms is not None)
            assert (job.ended_ms is not None) == job.state.is_final
        assert len(self.model.jobs) == len(told)

    def compare(self, asked: Claimant, found: Claim | None, held: int = 0) -> None:
        """Hold a claim of a slot that holds so many jobs against the model's."""
        job = self.model.claim_ahead(held) if held else self.model.claim()
        assert (job and (job.id, job.attempt)) == (found and (found.job.id, found.lease.fence))
        if found is not None:
            self.leases.append(found.lease)
            self.answers[asked] = found

    def write(self, which: int, call: Callable[[Lease], object], end: JobState | None) -> None:
        """Finish or give back: let through by the fence, harmless when repeated, refused otherwise."""
        lease = self.lease(which)
        if lease is None:
            return
        job = self.model.jobs[lease.job_id]
        if self.owns(lease):
            call(lease)
            self.model.give_back(job) if end is None else self.model.finish(job, end)
        elif end is not None and (lease.job_id, lease.fence) in self.model.finished:
            if job.attempt > lease.fence:  # it was tried again, and the next attempt has begun
                with pytest.raises(LeaseLost):
                    call(lease)
            else:
                call(lease)
        elif end is None and (lease.job_id, lease.fence) in self.model.returned:
            with suppress(LeaseLost):
                call(lease)
        else:
            with pytest.raises(LeaseLost):
                call(lease)

    def idle_slot(self) -> Claimant:
        """Make a claimant: a slot runs one job at a time, so each running job has a slot of its own."""
        return claimant(slot=next(self.slots))

    def lease(self, which: int) -> Lease | None:
        """Choose one of all leases there ever were."""
        return self.leases[which % len(self.leases)] if self.leases else None

    def owns(self, lease: Lease) -> bool:
        """Whether the lease's attempt may write."""
        return self.model.jobs[lease.job_id].owned_by(lease.fence)

    def is_finished(self, lease: Lease) -> bool:
        """Whether the lease's attempt has ended by a finish, which may be repeated."""
        return (lease.job_id, lease.fence) in self.model.finished

    def is_cancelled(self, lease: Lease) -> bool:
        """Whether the lease's job is to be cancelled."""
        return self.model.jobs[lease.job_id].cancel_requested


def ended(lease: Lease, state: JobState) -> Outcome:
    """Say that an attempt ended so; failures are of the kind that is retried where that was asked."""
    reason = Reason.SCF if state is JobState.FAILED else None
    return outcome(state, reason, outcome_json=words(lease.fence))


def words(attempt: int) -> str:
    """Write the outcome of an attempt."""
    return f'{{"attempt": {attempt}}}'


def test_a_store_agrees_with_the_model(settings: StoreSettings) -> None:
    """
    Random submits, claims, ends, retries, returns, cancels and repetitions: states move along the table only,
    each job ends once a round, fences grow by one, priorities and turns are kept, stale writes are refused,
    counts agree, and the outcomes of all attempts stay, the right one shown.
    """
    serial = count()

    class Fresh(Machine):
        """Each run has a store of its own."""

        def __init__(self) -> None:
            name = f"m{next(serial)}"
            home = settings.home / name
            home.mkdir(mode=0o700)
            own = settings._replace(prefix=f"{name}:", home=home)
            super().__init__(open_store(own), vandal_of(own))

    run_state_machine_as_test(
        Fresh,
        settings=limits(
            max_examples=50, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
