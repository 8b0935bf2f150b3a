"""The Store protocol: the contract of every store, in words, tested by `tests/conformance/test_store*.py`.

Rules that always hold:

- **The store is the truth.**  Every method is one atomic step (a bulk submit: one step for each
  `SUBMIT_CHUNK` jobs) and a state changes only along `workers.job.TRANSITIONS`.
- **Fences.**  `claim` adds one to the job's attempt; that number is the fence, and it only grows.  Every
  write of an attempt names its lease; a write under another fence, or of a job no longer running, raises
  `LeaseLost` and changes nothing: not the record, not an artifact, not an event.
- **Leases** last `LEASE_S` by the store's clock.  `renew` prolongs the leases that it names and no other;
  `tick` requeues the jobs whose leases have expired.
- **Retries.**  A failure that a retry follows (`Job.is_retried`) does not end the job: in the step that
  records the failure it becomes SCHEDULED, due after `retry_pause_ms`, and the attempt is listed among its
  earlier ones.  It keeps its lane.  Only finish and tick retry; an input error is never retried.
- **Attempts.**  Each attempt that was claimed is listed once: among the earlier ones, or as the job's newest.
  It moves to the earlier ones in the step after which the job waits again; from then until the next claim
  the job has neither `worker` nor `started_ms`.  At most `LISTED_ATTEMPTS` are listed.
- **Outcomes.**  The outcome of a job's newest attempt that completed (DONE) stays, with its artifacts, and is
  the one shown until a newer attempt completes, whatever happens to the job meanwhile.  A job of which no
  attempt has completed shows the outcome of the attempt that ended it, while it is ended.  Outcomes and
  artifacts of earlier attempts that are not shown are kept of the newest `KEPT_ATTEMPTS`; a store in memory
  keeps at most `KEPT_BYTES` of each, and marks what it dropped.
- **Families.**  A job with parents is BLOCKED until each has ended as its condition requires; a parent that
  ends otherwise cancels the job with reason DEPENDENCY, and its descendants in the same way.  When a job
  ends, or runs again, the step that records it updates up to `SETTLED_AT_ONCE` of its descendants; the rest
  follow in steps of `SETTLED_LATER`, by this call and by every tick.  If a parent runs again, descendants
  that were cancelled because of this parent alone wait again, in a new round; those that are running or ready
  continue, except that a job which needs the RESULT of the parent and has not begun is BLOCKED again.  If the
  parent then ends otherwise, it cancels descendants that wait, and running ones as soon as they would wait
  again: when they are released, lost or retried.
- **Batches.**  Once `max_fails` of an owner's jobs in a batch have failed, those of them that wait are
  cancelled with reason MAX_FAILS, in the same steps as the descendants of jobs; running ones continue.  When
  enough of the failed ones run again, the cancelled ones wait again, in a new round.  The newest job with
  such a limit sets it.
- **Events.**  Every change of state, and submit itself, appends exactly one event, in order.
- **Repetition is harmless.**  submit with the same ids, claim with the same claimant sequence, finish,
  give_back, cancel, revise, hold and release may be sent again when a reply was lost.
- **Damage is contained.**  A record that cannot be read appears as FAILED with reason DAMAGED and its id;
  every other job is unaffected.
- **Bounded.**  No method reads or writes without a limit; lists are index ranges.

Every method may raise StoreUnreachable, StoreRefused, StoreFull, StoreBusy or StoreDamaged; only further
errors are listed below.  Implementations are safe to call from several threads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from workers.errors import LeaseLost
    from workers.findings import Finding
    from workers.job import Attempt, Job, JobState, Lease, NewJob, Parent, Progress
    from workers.store.pools import PoolStore
    from workers.store.tokens import Token, TokenUsage
    from workers.store.values import (
        Accepted,
        Artifact,
        AttemptEnd,
        Beat,
        Cancellation,
        Change,
        Claim,
        Claimant,
        Events,
        KeptAttempts,
        Outcome,
        Outline,
        OutlinePage,
        Page,
        Point,
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
# The number of earlier attempts of a job whose outcome and artifacts are stored, and that are listed.
KEPT_ATTEMPTS = 20
LISTED_ATTEMPTS = 1_000
# The bytes that a store in memory keeps of an earlier attempt: its outcome and its artifacts' contents.
KEPT_BYTES = 64 * 1024
# The largest number of parents of one job.
MAX_PARENTS = 10_000
# The number of descendants that one step updates when a job ends: with the job, and afterwards.
SETTLED_AT_ONCE = 1_000
SETTLED_LATER = 500
# The number of jobs that one step removes: 1 to 2 ms, for which other clients wait.
REMOVED_AT_ONCE = 25
# The number of the newest jobs that a filter without an index may look at for one page.
SCAN_LIMIT = 10_000
# The most batches of one list.
MAX_BATCHES = 200
# A search by name or tag reads the records of all jobs in question if they are so few.
FEW_JOBS = 20_000


class Store(Protocol):
    """Keeps jobs, and gives each to one worker at a time."""

    @property
    def kind(self) -> str:
        """`redis` or `local`."""

    @property
    def where(self) -> str:
        """The place of the jobs, fit to print: never a password."""

    @property
    def is_shared(self) -> bool:
        """Whether other machines reach it."""

    @property
    def caveat(self) -> str:
        """One sentence on what is missing in the values read so far; empty: nothing."""

    # -- submitting ------------------------------------------------------------------------------

    def submit(self, jobs: Sequence[NewJob], *, submission: str, durable: bool = False) -> list[Accepted]:
        """Store jobs, in order: HELD, SCHEDULED until `begin_ms` if that is in the future, BLOCKED by an
        unfinished parent, or QUEUED; or CANCELLED because a parent ended otherwise than required.

        The newest job with a unique key is accepted in place of later ones with that key (`IfExists`),
        unless it was cancelled.  Numbers are given in the order of `jobs`.  Calls with the same
        `submission` token make up one submit: `last` names all of its jobs.  `durable`: return only when a
        power cut can no longer undo it.

        Raises:
            InputRefused: an id is stored with another digest, a unique key is stored where that is an error,
                or a parent is not stored; none of that chunk is stored.
            SubmitCut: a later chunk failed; `stored` holds the ids of the stored jobs.
            NotDurable: `durable` cannot be promised; `stored` holds the ids of jobs that are stored anyway.
        """

    def forget_submit(self, owner: str, submission: str) -> None:
        """Let `last` name the submit before this one again, or none; its jobs were removed.

        `last` is unchanged if another submit of the owner came after it.
        """

    # -- reading -----------------------------------------------------------------------------------

    def get(self, job_id: str) -> Job:
        """Look one job up.

        Raises:
            JobNotFound: there is no such job.
        """

    def get_many(self, job_ids: Sequence[str]) -> list[Job]:
        """Look jobs up, in the order of the ids; those that do not exist are omitted."""

    def outlines(self, job_ids: Sequence[str]) -> list[Outline]:
        """Look jobs up as `get_many` does, for a fraction of its cost, but only their outlines."""

    def spec(self, job_id: str) -> str:
        """Read the specification of a job, as JSON.

        Raises:
            JobNotFound: there is no such job.
        """

    def specs(self, job_ids: Sequence[str]) -> dict[str, str]:
        """Read specifications, as JSON by job id; those that the store does not have are omitted."""

    def outcomes(self, job_ids: Sequence[str]) -> dict[str, str]:
        """Read the shown outcomes, as JSON by job id; a job without one is omitted.

        The JSON names the attempt: an earlier one if the job waits, runs or ended otherwise since then.
        """

    def outcome(self, job_id: str, attempt: int) -> str | None:
        """Read the outcome of one attempt, as JSON, whether shown or earlier; None: none is stored."""

    def checkpoint(self, job_id: str) -> bytes | None:
        """Read the checkpoint of an earlier attempt; None: none is stored.

        It is stored until an attempt finishes, even if a retry follows, or the job ends otherwise.
        """

    def points(self, job_ids: Sequence[str]) -> Mapping[str, tuple[Point, ...]]:
        """Read the points of running optimisations, oldest first, by job id; a job without any is omitted.

        They are those of the attempt that runs: the step that ends it removes them.
        """

    def attempts(self, job_id: str) -> list[Attempt]:
        """List the earlier attempts of a job, oldest first.

        The newest attempt is in the job itself if `started_ms` is not None, and among these if it is None.
        """

    def kept_attempts(self) -> KeptAttempts:
        """Count the earlier attempts whose outcome and artifacts are stored, without those that are shown."""

    def artifacts(self, job_id: str, attempt: int | None = None) -> list[Artifact]:
        """List the artifacts of an attempt, without their content; None: those of the shown outcome."""

    def artifact(self, job_id: str, name: str, attempt: int | None = None) -> Artifact:
        """Read one artifact; with its content if the store has that.  `attempt`: as `artifacts`.

        Raises:
            ArtifactNotFound: the attempt made none of that name.
        """

    def files(self, job_id: str) -> list[Artifact]:
        """List the artifacts of all attempts of a job that are stored outside the store."""

    def parents(self, job_id: str, *, limit: int = 100) -> list[Parent]:
        """List the parents of a job, at most `limit`; first those that keep it from starting."""

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
        return the matches and a cursor to continue from.  Names and tags have an index in order of numbers;
        one page looks at 100,000 jobs or more of it.

        Raises:
            UsageError: the cursor is not one of this store's.
        """

    def outline_page(self, query: Query) -> OutlinePage:
        """List jobs as `page` does, for a fraction of its cost, but only their outlines; raises as `page`."""

    def counts(self, *, owner: str | None = None, batch: str = "") -> Mapping[JobState, int]:
        """Count jobs by state, of one owner or all, or of one batch; states without jobs are omitted."""

    def batches(self, *, owner: str | None = None, limit: int = 50) -> Mapping[str, Mapping[JobState, int]]:
        """Count the jobs of each batch by state, as `counts` does; the batch with the newest job comes first.

        At most `MAX_BATCHES`.  The search ends after `SCAN_LIMIT` steps; a step takes one job, one chunk of
        consecutive jobs of a batch, or one batch.
        """

    def events(self, cursor: str | None, *, limit: int = 1_000, wait_s: float = 0.0) -> Events:
        """Read the change stream after `cursor`; None: from now on (no events, a fresh cursor).

        Events of allocations come on top of the `limit` events of jobs.

        Waits up to `wait_s` for the first event.  `cursor` "0" is the oldest stored event.

        Raises:
            UsageError: the cursor is not one of this store's.
        """

    # -- running -----------------------------------------------------------------------------------

    def claim(self, claimant: Claimant) -> Claim | None:
        """Take the best ready job that fits: highest priority, then the owner served least recently, then
        the oldest.  A job fits if the claimant serves its owner, lane and engine, its cores and memory
        are free, and its time limit, if it has one, ends before the claimant does.  If more jobs are ready,
        the bell is rung for the next slot.

        The progress of the previous attempt is removed, unless there is a checkpoint to continue from.

        A better job that would fit if all of the worker were free is skipped for `PATIENCE_MS`; after that
        the worker gets no other job until that job is gone.

        With `claimant.ahead`, the slot holds jobs that come first.  It gets the best ready job only if that
        is of this engine and kind, has at most `atoms`, is for one core, has neither a time limit nor
        parents, was never attempted and was never lost while it was ahead; and only if at least
        `ahead.held` jobs of its shape are ready for each slot of all living workers, which are taken to
        have as many slots as this one.  Else it gets none, and no job counts as skipped.  If the slot holds
        others (`ahead.held`), the store marks the job as ahead until it has begun or its attempt ends.
        """

    def claim_several(self, claimants: Sequence[Claimant]) -> list[Claim | None]:
        """Claim for several places of a slot, in order, each as `claim` does, for one wait."""

    def begin(self, lease: Lease) -> None:
        """Note that a job which was claimed ahead has begun, so that its loss counts.  Not an event.

        Raises:
            LeaseLost: the attempt no longer owns the job.
        """

    def renew(self, leases: Sequence[Lease]) -> list[Renewal]:
        """Prolong leases; return in the same order which are lost and which jobs are to be cancelled."""

    def progress(self, lease: Lease, progress: Progress, points: Sequence[Point] = ()) -> None:
        """Store the progress of an attempt.  Not an event.

        Args:
            lease: the attempt.
            progress: replaces the stored one.
            points: what its optimisation has passed since the last call, oldest first.  Stored points of the
                first of these steps, and of later ones, are replaced, so that a call may be repeated; the
                newest `POINTS_KEPT` are kept.

        Raises:
            LeaseLost: the attempt no longer owns the job.
        """

    def keep_checkpoint(self, lease: Lease, content: bytes, progress: int) -> None:
        """Store a checkpoint, from which the next attempt continues if this one is lost or released.  At most
        `workers.engine.checkpoint_file.MAX_BYTES`.  Not an event.

        It replaces the stored one, of whichever attempt, unless that has more progress: then nothing is
        changed, and no error is raised.  The first, or one with more progress than the stored one, resets
        the count of releases.

        Args:
            lease: the attempt.
            content: the state of the engine, compressed.
            progress: the number of gradients that were computed for it, in all attempts.

        Raises:
            LeaseLost: the attempt no longer owns the job.
        """

    def finish(self, lease: Lease, outcome: Outcome, claimant: Claimant | None = None) -> Claim | None:
        """Record the end of an attempt and, in the same step, claim the next job for `claimant`.

        A job whose cancel was requested ends as CANCELLED with reason USER, unless its outcome is DONE.  If
        a retry follows a failure, its outcome and artifacts are stored as those of an earlier attempt.
        Finishing again under the same lease changes nothing and raises no error until the next attempt of a
        retried job has begun: from then on it is a stale write.

        Raises:
            LeaseLost: the attempt no longer owns the job; nothing was claimed either.
        """

    def finish_several(
        self, endings: Sequence[AttemptEnd], begun: Lease | None = None
    ) -> list[Claim | LeaseLost | None]:
        """Record the ends of several attempts of a slot, in order, each as `finish` does, for one wait.

        Args:
            endings: the attempts, and what claims in their place.
            begun: the attempt that runs now: if it was claimed ahead, it is noted as begun.

        Returns:
            What each claimed.  An attempt that no longer owns its job has the error in its place; it
            concerns no other, nor does a lost `begun`.
        """

    def give_back(self, lease: Lease, message: str, *, had_time: bool = True, ran: bool = True) -> None:
        """Release a running job: it is queued again, out of any lane, and this does not count as a loss.  The
        `MAX_RELEASES`th time in a row without a checkpoint of more progress, though the attempt had time for
        one (`had_time`), the job fails with reason TIMEOUT.  A job whose cancel was requested is cancelled
        instead.  `ran`: whether the engine had started; it is listed with the attempt.

        Raises:
            LeaseLost: the attempt no longer owns the job.
        """

    def cancel(self, job_ids: Sequence[str], *, owner: str | None) -> list[Cancellation]:
        """Cancel jobs: waiting ones at once, running ones when their worker next renews the lease.

        `owner`: refuse jobs of other owners; None: accept all.  Ended jobs are unchanged; ids that do not
        exist are omitted.
        """

    def revise(self, job_ids: Sequence[str], revision: Revision, *, owner: str | None) -> list[Change]:
        """Change attributes of waiting jobs, from the next claim on.  Not an event.

        Running and ended jobs are unchanged.  `owner` and ids that do not exist: as in `cancel`.
        """

    def hold(self, job_ids: Sequence[str], *, owner: str | None) -> list[Change]:
        """Keep waiting jobs from starting until they are released; their start time stays."""

    def release(self, job_ids: Sequence[str], *, owner: str | None) -> list[Change]:
        """Let held jobs wait again: for a start time in the future, for a parent, or for a worker."""

    def retry(self, job_ids: Sequence[str], *, owner: str | None, done: bool = False) -> list[Change]:
        """Run failed and cancelled jobs again, and with `done` those that are DONE too.

        They begin a new round out of any lane, with new counts of retries, losses and releases.  The attempt
        that ended a job moves to its earlier ones; if it had completed, its outcome stays the one shown.

        Unfinished jobs are unchanged, and so are damaged ones, those moved to another store, and those whose
        parent has ended in a way that keeps them from starting.
        """

    def remove_attempts(self, job_ids: Sequence[str], *, owner: str | None) -> list[Removal]:
        """Remove the outcomes and artifacts of earlier attempts of jobs in any state, but not those shown.

        The attempts stay listed.  `owner`, and ids that do not exist: as in `cancel`.
        """

    def remove(self, job_ids: Sequence[str], *, owner: str | None, files_only: bool = False) -> list[Removal]:
        """Remove ended jobs with all that the store has of them; `files_only`: only their artifacts.

        An unfinished job stays, and so does a job with an unfinished child.  A number is never reused;
        events stay.  An ended child does not learn that a parent was removed: if the parent kept it from
        starting, it does so permanently.  `owner`, and ids that do not exist: as in
        `cancel`.
        """

    # -- workers -----------------------------------------------------------------------------------

    def tick(self, beat: Beat, *, may_reap: bool = True) -> Tick:
        """Store a worker's beat, and do what is due: end the attempts whose lease has expired, queue
        scheduled jobs that are due, open the lanes of workers that are gone, ring the bell if jobs are ready.
        Where many machines share a store, one worker does what is due; others take its place in time.

        A job whose lease has expired is queued again, out of its lane, and this counts as a loss.  From
        the `MAX_LOSSES`th loss on it is retried if WORKER_LOST is; otherwise it is FAILED with that reason
        and the outcome that `losses` composes.  If its cancel was requested, it is CANCELLED.
        The loss of a job that is marked as ahead does not count: the attempt is listed as a release that
        did not run, and the job is not claimed ahead again.

        Args:
            beat: the state of the worker.
            may_reap: whether leases count as expired, which requires that the caller itself was connected
                for a whole lease; if not, jobs are requeued only if their worker is known to be dead.
        """

    def leave(self, worker: str) -> None:
        """Remove a worker that ended in good order, and open its lane."""

    def workers(self) -> list[WorkerSeen]:
        """List the workers with a beat within the last day, newest beat first."""

    # -- tokens ------------------------------------------------------------------------------------

    def acting_as(self, token: str) -> Self:
        """Return this store for changes in the name of a token of the HTTP API.

        Events name the token: those of each change that is made here, and that of the end of a running job
        which was cancelled here.  Jobs that are submitted here count for the token.
        """

    def add_token(self, token: Token) -> None:
        """Store a new token; the same one again changes nothing.

        Raises:
            InputRefused: another token has that name, or there are `MAX_TOKENS`.
        """

    def tokens(self) -> list[Token]:
        """List tokens, also expired ones, the oldest first; damaged ones are omitted."""

    def revoke_token(self, name: str) -> None:
        """Remove a token.

        Raises:
            NothingMatched: there is none of that name.
        """

    def note_tokens(self, digests: Iterable[str]) -> None:
        """Note that tokens are used now.  A power cut may undo it."""

    def token_usage(self, name: str, jobs: int) -> TokenUsage:
        """Count what the jobs of a token use, by the counters of the store.

        Up to `jobs` unfinished jobs the count may include jobs that have ended; a larger one is exact.
        The bytes are those of calculations, results and artifacts in the store itself; what is kept of
        earlier attempts may count until the job is removed.
        """

    # -- pools -------------------------------------------------------------------------------------

    @property
    def pools(self) -> PoolStore | None:
        """The pools of allocations; None: no other machine reaches this store, so it has none."""

    # -- itself ------------------------------------------------------------------------------------

    def health(self) -> StoreHealth:
        """Describe the store and its promises."""

    def inspect(self) -> list[Finding]:
        """Examine the store without changing anything: report what is right, what is wrong, and what to do.

        Takes seconds at most: what could not be found out by then is reported as unknown.
        """

    def audit(self, *, newest: int | None = None) -> list[str]:
        """Compute the indexes of names and tags and the counts of states again from the records, and look for
        points of jobs that do not run.

        Returns:
            What differs, a sentence each.

        Args:
            newest: the number of the newest jobs whose names and tags are looked at; None: all jobs.
        """

    def close(self) -> None:
        """Close connections and files."""
