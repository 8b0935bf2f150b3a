"""The Store protocol: the contract in words.  `tests/conformance/test_store*.py` holds every kind to it.

What always holds:

- **The store is the truth.**  Every method is one atomic step (a bulk submit: one step for each
  `SUBMIT_CHUNK` jobs) and a state changes only along `workers.job.TRANSITIONS`.
- **Fences.**  `claim` adds one to the job's attempt; that number is the fence, and it only grows.  Every
  write of an attempt names its lease; a write under another fence, or of a job no longer running, raises
  `LeaseLost` and changes nothing: not the record, not an artifact, not an event.
- **Leases** last `LEASE_S` by the store's clock.  `renew` prolongs those it names and no other; `tick` takes
  back what has run out.
- **Retries.**  A failure after which a job is to be tried again (`Job.is_retried`) does not end it: in the
  step that records the failure it becomes SCHEDULED, due after `retry_pause_ms`, and the attempt goes to
  its earlier ones.  It keeps its lane.  Only finish and tick retry; an input error is never retried.
- **Attempts.**  Each attempt that was claimed is listed once: among the earlier ones, or as the job's newest.
  It goes to the earlier ones in the step after which the job waits again; from then on until the next claim
  the job has neither `worker` nor `started_ms`.  At most `LISTED_ATTEMPTS` are listed.
- **Outcomes.**  The outcome of a job's newest attempt that completed (DONE) stays, with its artifacts, and is
  the one shown until a newer attempt has completed, whatever becomes of the job meanwhile.  A job of which no
  attempt has completed shows the outcome of the attempt that ended it, while it is ended.  Outcomes and
  artifacts of earlier attempts that are not shown are kept of the newest `KEPT_ATTEMPTS`; a store in memory
  keeps at most `KEPT_BYTES` of each, and marks what it dropped.
- **Families.**  A job with parents is BLOCKED until each has ended as its condition asks; one that ends
  otherwise cancels it with reason DEPENDENCY, and so on down.  When a job ends, or runs again, the step that
  records it settles up to `SETTLED_AT_ONCE` of its descendants; the rest follow in steps of
  `SETTLED_LATER`, by this call and by every tick.  A parent that runs again brings back, in a new round, the
  descendants that were cancelled for its sake alone; those that have begun, or may begin, go on, except that
  a job which needs its RESULT and has not begun is BLOCKED once more.  If it then ends otherwise, it cancels
  those that wait, and those that run where they would wait again: given back, lost or to be retried.
- **Batches.**  Once `max_fails` of an owner's jobs in a batch have failed, those of them that wait are
  cancelled with reason MAX_FAILS, in the same steps as families are settled; those that run go on.  When
  enough of the failed ones run again they are brought back in a new round.  The newest job stored with such a
  limit sets it.
- **Events.**  Every change of state, and submit itself, appends exactly one event, in order.
- **Repeating is harmless.**  submit with the same ids, claim with the same claimant sequence, finish,
  give_back, cancel, revise, hold and release may be sent again when a reply was lost.
- **Damage is contained.**  A record that cannot be read appears as FAILED with reason DAMAGED and its id;
  every other job goes on.
- **Bounded.**  No method reads or writes without a limit; lists are index ranges.

Every method may raise StoreUnreachable, StoreRefused, StoreFull, StoreBusy or StoreDamaged; only further
errors are listed below.  Implementations are safe to call from several threads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from workers.findings import Finding
    from workers.job import Attempt, Job, JobState, Lease, NewJob, Parent, Progress
    from workers.store.values import (
        Accepted,
        Artifact,
        Beat,
        Cancellation,
        Change,
        Claim,
        Claimant,
        Events,
        KeptAttempts,
        Outcome,
        Page,
        Query,
        Removal,
        Renewal,
        Revision,
        StoreHealth,
        Tick,
        WorkerSeen,
    )

LEASE_S = 6.0
RENEW_EVERY_S = 2.0
SUBMIT_CHUNK = 200
# How many earlier attempts of a job keep their outcome and artifacts, and how many are listed.
KEPT_ATTEMPTS = 20
LISTED_ATTEMPTS = 1_000
# What a store in memory keeps of an earlier attempt: its outcome and its artifacts' contents.
KEPT_BYTES = 64 * 1024
# How many parents one job may have.
MAX_PARENTS = 10_000
# How many jobs one step decides about because a parent ended: with the parent, and afterwards.
SETTLED_AT_ONCE = 1_000
SETTLED_LATER = 500
# How many jobs one step forgets.
REMOVED_AT_ONCE = 100
# How many of the newest jobs a filter that no index serves may look at for one page.
SCAN_LIMIT = 10_000


class Store(Protocol):
    """Keeps jobs, and hands each to one worker at a time."""

    @property
    def kind(self) -> str:
        """`redis` or `local`."""

    @property
    def where(self) -> str:
        """Where the jobs lie, fit to print: never a password."""

    @property
    def caveat(self) -> str:
        """What is missing in what was read so far, as one sentence; empty: nothing is."""

    # -- handing over ------------------------------------------------------------------------------

    def submit(self, jobs: Sequence[NewJob], *, submission: str, durable: bool = False) -> list[Accepted]:
        """Store jobs, in order: HELD, or SCHEDULED until `begin_ms` if that is ahead, or BLOCKED by a parent
        that has not ended, or ready to run; or CANCELLED because of one that has.

        The newest job under a unique key stands for later ones under that key (`IfExists`), however it
        ended, unless it was cancelled.  Numbers are given in the order of `jobs`.  Calls with the same
        `submission` token make up one submit: `last` names all of its jobs.  `durable`: return only when a
        power cut can no longer undo it.

        Raises:
            InputRefused: an id is stored already with another digest, or a unique key where that is an
                error, or a parent is not; none of that chunk is stored.
            SubmitCut: a later chunk failed; `stored` holds the ids that are kept.
            NotDurable: `durable` cannot be promised; `stored` holds what is stored all the same.
        """

    # -- reading -----------------------------------------------------------------------------------

    def get(self, job_id: str) -> Job:
        """Look one job up.

        Raises:
            JobNotFound: there is no such job.
        """

    def get_many(self, job_ids: Sequence[str]) -> list[Job]:
        """Look jobs up, in the order asked; those that do not exist are left out."""

    def spec(self, job_id: str) -> str:
        """Read what was asked, as JSON.

        Raises:
            JobNotFound: there is no such job.
        """

    def specs(self, job_ids: Sequence[str]) -> dict[str, str]:
        """Read what was asked, as JSON by job id; what the store does not have is left out."""

    def outcomes(self, job_ids: Sequence[str]) -> dict[str, str]:
        """Read the shown outcomes, as JSON by job id; a job without one is left out.

        The JSON names the attempt: an earlier one, where the job waits, runs or ended otherwise since.
        """

    def outcome(self, job_id: str, attempt: int) -> str | None:
        """Read how one attempt ended, as JSON, be it shown or earlier; None: no such outcome is kept."""

    def checkpoint(self, job_id: str) -> bytes | None:
        """Read what an earlier attempt has reached; None: nothing is kept.

        It is there until an attempt finishes, even if only to be retried, or the job ends otherwise.
        """

    def attempts(self, job_id: str) -> list[Attempt]:
        """List the earlier attempts of a job, oldest first.

        Its newest is in the job itself if `started_ms` is not None, and among these if it is None.
        """

    def kept_attempts(self) -> KeptAttempts:
        """Count the earlier attempts whose outcome and artifacts are kept, without those that are shown."""

    def artifacts(self, job_id: str, attempt: int | None = None) -> list[Artifact]:
        """List the artifacts of an attempt, without their content; None: those of the shown outcome."""

    def artifact(self, job_id: str, name: str, attempt: int | None = None) -> Artifact:
        """Read one artifact; its content is there if the store keeps it.  `attempt`: as `artifacts`.

        Raises:
            ArtifactNotFound: the attempt left none of that name.
        """

    def files(self, job_id: str) -> list[Artifact]:
        """List the artifacts of all attempts of a job that are stored outside the store."""

    def parents(self, job_id: str, *, limit: int = 100) -> list[Parent]:
        """List jobs that a job waits for, or did, at most `limit`; first those that keep it from starting."""

    def with_numbers(self, first: int, last: int, *, limit: int = 100_000) -> list[str]:
        """Find the ids of the jobs numbered first to last, both included, in order."""

    def with_prefix(self, prefix: str, *, limit: int = 10) -> list[str]:
        """Find the ids that start with `prefix` (hexadecimal digits), in order, at most `limit`."""

    def last(self, owner: str) -> list[str]:
        """Find the ids of all jobs of the owner's newest submit, in order."""

    def page(self, query: Query) -> Page:
        """List jobs.

        Sorted by ENDED it lists ended jobs only: no other has such a time.

        Filters that no index serves look at the newest `SCAN_LIMIT` jobs at most for one page, then
        return what they found and a cursor to go on from.

        Raises:
            UsageError: the cursor is not one of this store's.
        """

    def counts(self, *, owner: str | None = None, batch: str = "") -> Mapping[JobState, int]:
        """Count jobs by state, of one owner or all, or of one batch; states without jobs are left out."""

    def events(self, cursor: str | None, *, limit: int = 1_000, wait_s: float = 0.0) -> Events:
        """Read the change stream after `cursor`; None: from now on (no events, a fresh cursor).

        Waits up to `wait_s` for the first event.  `cursor` "0" is the oldest event kept.

        Raises:
            UsageError: the cursor is not one of this store's.
        """

    # -- running -----------------------------------------------------------------------------------

    def claim(self, claimant: Claimant) -> Claim | None:
        """Take the best ready job that fits: highest priority, then the owner served least recently, then
        the oldest.  A job fits whose owner, lane and engine the claimant serves, whose cores and memory
        are free, and whose time limit, if it has one, ends before the claimant does.  If more is ready,
        the bell is rung for the next slot.

        The progress of the attempt before is forgotten, unless there is a checkpoint to go on from.

        A better job that would fit if all of the worker were free is passed over for `PATIENCE_MS`; from
        then on the worker gets nothing else until that job is gone.
        """

    def renew(self, leases: Sequence[Lease]) -> list[Renewal]:
        """Prolong leases, and hear which are lost and which jobs are to be cancelled; in order."""

    def progress(self, lease: Lease, progress: Progress) -> None:
        """Show how far an attempt has come.  Not an event.

        Raises:
            LeaseLost: the attempt no longer owns the job.
        """

    def keep_checkpoint(self, lease: Lease, content: bytes, progress: int) -> None:
        """Keep what an attempt has reached, for the next one to go on from should this one be lost or given
        back.  At most `workers.engine.checkpoint_file.MAX_BYTES`.  Not an event.

        It takes the place of an earlier one, whichever attempt that is of, unless that has more progress:
        then nothing is changed, and it is no error.  One with more progress than the earlier one, or the
        first, sets the count of releases to zero.

        Args:
            lease: the attempt.
            content: what the engine needs to go on.
            progress: how many gradients were computed on the way there, in all attempts.

        Raises:
            LeaseLost: the attempt no longer owns the job.
        """

    def finish(self, lease: Lease, outcome: Outcome, claimant: Claimant | None = None) -> Claim | None:
        """Record how an attempt ended and, in the same step, claim the next job for `claimant`.

        A job whose cancel was requested ends as CANCELLED with reason USER, unless it is DONE already by
        its outcome.  The outcome and artifacts of a failure that is retried are those of an earlier attempt
        at once.  Finishing again under the same lease changes nothing and is not an error
        until the next attempt of a retried job has begun: from then on it is a stale write.

        Raises:
            LeaseLost: the attempt no longer owns the job; nothing was claimed either.
        """

    def give_back(self, lease: Lease, message: str, *, had_time: bool = True, ran: bool = True) -> None:
        """Return a running job to the queue, uncounted as a loss, and out of any lane; the
        `MAX_RELEASES`th time in a row without a checkpoint of more progress, though it had time for one, it
        fails with reason TIMEOUT.  A job whose cancel was requested is cancelled instead.  `ran`: whether the
        engine had started; it is listed with the attempt.

        Raises:
            LeaseLost: the attempt no longer owns the job.
        """

    def cancel(self, job_ids: Sequence[str], *, owner: str | None) -> list[Cancellation]:
        """Cancel jobs: waiting ones at once; of running ones the worker is told at its next renewal.

        `owner`: refuse jobs of anybody else; None: anyone's.  Ended jobs stay as they are; ids that do
        not exist are left out.
        """

    def revise(self, job_ids: Sequence[str], revision: Revision, *, owner: str | None) -> list[Change]:
        """Change what waiting jobs ask for; it counts from the next claim on.  Not an event.

        Running and ended jobs stay as they are.  `owner` and ids that do not exist: as `cancel`.
        """

    def hold(self, job_ids: Sequence[str], *, owner: str | None) -> list[Change]:
        """Keep waiting jobs from starting until they are released; their time is kept."""

    def release(self, job_ids: Sequence[str], *, owner: str | None) -> list[Change]:
        """Let held jobs wait for what is next: their time if it is ahead, a parent, or a worker."""

    def retry(self, job_ids: Sequence[str], *, owner: str | None, done: bool = False) -> list[Change]:
        """Run failed and cancelled jobs again, and with `done` those that are DONE too.

        They begin a new round: counts of retries, losses and releases begin anew, out of any lane.  The
        attempt that ended a job goes to its earlier ones; if it had completed, its outcome stays the one that
        is shown.

        Jobs that have not ended stay as they are, and so do damaged ones, those moved to another store, and
        those whose parent has ended in a way that keeps them from starting.
        """

    def remove_attempts(self, job_ids: Sequence[str], *, owner: str | None) -> list[Removal]:
        """Forget the outcomes and artifacts of earlier attempts of jobs in any state, but not those shown.

        The attempts stay listed.  `owner`, and ids that do not exist: as in `cancel`.
        """

    def remove(self, job_ids: Sequence[str], *, owner: str | None, files_only: bool = False) -> list[Removal]:
        """Forget ended jobs with all that the store keeps of them; `files_only`: only their artifacts.

        A job that has not ended stays, and so does one that has such a job among its children.  A number is
        never given again; events stay.  A child that has ended is no longer told of a parent that is gone:
        where that kept it from starting, it does so for good.  `owner`, and ids that do not exist: as in
        `cancel`.
        """

    # -- workers -----------------------------------------------------------------------------------

    def tick(self, beat: Beat, *, may_reap: bool = True) -> Tick:
        """Say that a worker lives, and do what is due: take back jobs whose lease ran out (queued again,
        out of their lane, counted as a loss; from the `MAX_LOSSES`th time on retried if WORKER_LOST is,
        else FAILED with that reason and the outcome that `losses` composes; CANCELLED where that was
        requested), queue scheduled jobs that fell due, open the lanes of workers that are gone, ring the
        bell if jobs are ready.

        Args:
            beat: what the worker says of itself.
            may_reap: whether it may judge who fell silent, having been in contact for a whole lease itself;
                if not, jobs are taken only from workers that are known to be dead.
        """

    def leave(self, worker: str) -> None:
        """Forget a worker that ended in good order, and open its lane."""

    def workers(self) -> list[WorkerSeen]:
        """List the workers heard of within the last day, newest word first."""

    # -- itself ------------------------------------------------------------------------------------

    def health(self) -> StoreHealth:
        """Say what the store is and what it promises."""

    def inspect(self) -> list[Finding]:
        """Look closely at itself, without changing anything: what is right, what is wrong, what to do.

        May take seconds, and never long: what was not found out by then is told as such.
        """

    def close(self) -> None:
        """Let go of connections and files."""
