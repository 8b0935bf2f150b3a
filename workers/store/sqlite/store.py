"""The local store: one SQLite file that every process of its owner may use at once.

`sql/schema.sql` describes the tables, `sql/queries.sql` the statements.  There are two kinds of commits.  A
change of a job's state is on the disk before the method returns (submit, claim, finish, give_back, cancel, a
tick that requeues), so that no fence, event or number is used twice, even after a power cut.  Renewals,
progress, checkpoints, beats and lanes do not wait for the disk: after a power cut they mean little.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from workers.errors import LeaseLost, NoxError, StoreError, StoreRefused
from workers.store.base import REMOVED_AT_ONCE, SETTLED_AT_ONCE, SETTLED_LATER, SUBMIT_CHUNK
from workers.store.sqlite import changes, dependencies, moves, submit, workers
from workers.store.sqlite.changes import cancel, remove, remove_attempts
from workers.store.sqlite.claims import Claims
from workers.store.sqlite.clock import now
from workers.store.sqlite.database import Database
from workers.store.sqlite.home import DATABASE, check_file, is_private, make_private
from workers.store.sqlite.leases import (
    finish,
    give_back,
    keep_checkpoint,
    note_begun,
    renew,
    set_progress,
)
from workers.store.sqlite.locks import Lives
from workers.store.sqlite.points import keep_points
from workers.store.sqlite.schema import bring_up, ensure, is_made, refuse_older
from workers.store.sqlite.statements import QUERIES
from workers.store.sqlite.tokens import SqliteTokens
from workers.store.sqlite.transitions import find
from workers.store.values import AttemptEnd, StoreHealth, Tick

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from workers.findings import Finding
    from workers.job import Job, JobState, Lease, NewJob, Progress
    from workers.store.sqlite.clock import Moment
    from workers.store.sqlite.moves import Destination, Parcel, Stay
    from workers.store.values import (
        Accepted,
        Beat,
        Cancellation,
        Change,
        Claim,
        Claimant,
        Outcome,
        Point,
        Removal,
        Renewal,
        Revision,
        WorkerSeen,
    )

    Answer = TypeVar("Answer", Cancellation, Change, Removal)

FILE = DATABASE
OLDEST_SQLITE = (3, 24, 0)  # the first with upsert
_CHANGED_AT_ONCE = 500


class SqliteStore(SqliteTokens):
    """Keeps jobs in a file of one machine; `workers.store.base.Store` describes each method."""

    kind = "local"

    def __init__(self, database: Database, lives: Lives, host: str = "") -> None:
        super().__init__(database)
        self._lives = lives
        self._host = host

    @classmethod
    def open(cls, home: Path, *, host: str = "") -> SqliteStore:
        """Open the store in a directory, and make both if they are not there.

        Args:
            home: the directory.
            host: the machine, if that is to be named where the store is.

        Raises:
            StoreRefused: others can read the directory, it is not ours, it cannot be written, or a newer
                nox made the store.
            StoreBusy, StoreFull, StoreDamaged: it cannot be used now, or at all.
        """
        if sqlite3.sqlite_version_info < OLDEST_SQLITE:
            raise StoreRefused(
                f"sqlite {sqlite3.sqlite_version}: nox needs {'.'.join(map(str, OLDEST_SQLITE))} or newer",
                hint="use a python with a newer sqlite",
            )
        try:
            make_private(home)
            check_file(home / FILE)
            ensure(home / FILE)
            return cls._checked(home, bring_up, host)
        except StoreError as refusal:
            return cls._only_read(home, host, refusal)

    @classmethod
    def open_existing(cls, home: Path, *, host: str = "") -> SqliteStore | None:
        """Open the store in a directory to look at it: nothing is made or migrated; None: there is none.

        Raises:
            StoreOlder: an older nox made the store.
            StoreRefused: as `open`.
            StoreBusy, StoreDamaged: it cannot be used now, or at all.
        """
        try:
            if not is_private(home):
                return None
            check_file(home / FILE)
            return cls._checked(home, refuse_older, host) if is_made(home / FILE) else None
        except StoreError as refusal:
            return cls._only_read(home, host, refusal)

    @classmethod
    def _only_read(cls, home: Path, host: str, refusal: StoreError) -> SqliteStore:
        """Open a store that can be read, and not written.

        Raises:
            StoreError: `refusal`, if it is about more than writing, or there is no store to read.
        """
        if not refusal.is_of_writing or not is_made(home / FILE):
            raise refusal
        check_file(home / FILE)
        return cls._checked(home, refuse_older, host, refusal)

    @classmethod
    def _checked(
        cls, home: Path, check: Callable[[Database], None], host: str, refusal: StoreError | None = None
    ) -> SqliteStore:
        database = Database(home / FILE, refusal)
        try:
            check(database)
        except BaseException:
            database.close()
            raise
        return cls(database, Lives(home / "workers"), host)

    @property
    def where(self) -> str:
        """The file's path, and the machine where that is to be named."""
        return f"{self._database.path}{self._host and f' on {self._host}'}"

    @property
    def is_shared(self) -> bool:
        """It is of this machine alone."""
        return False

    @property
    def caveat(self) -> str:
        """One sentence on what is missing in the values read so far."""
        if not self._database.has_unread:
            return ""
        return (
            f"{self._database.path} was read as it is stored, without its log, which cannot be opened here: "
            "the newest changes, as those of a worker that runs, are not shown"
        )

    @contextmanager
    def _change_store(self, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
        """Lend the connection that writes, if this nox may write.

        What a worker writes for each job does without: its ticks come here.

        Raises:
            StoreRefused: this nox, or a worker that is alive, is too old for the store.
        """
        with self._database.write(durable=durable) as connection:
            workers.admit(connection, self._database.path, self._lives.is_alive, now())
            with self._acts(connection):
                yield connection

    # -- submitting ------------------------------------------------------------------------------

    def submit(
        self,
        jobs: Sequence[NewJob],
        *,
        submission: str,
        durable: bool = False,  # noqa: ARG002  every submit is
    ) -> list[Accepted]:
        """Store jobs, each `SUBMIT_CHUNK` of them in one step."""
        accepted: list[Accepted] = []
        for begin in range(0, len(jobs), SUBMIT_CHUNK):
            chunk = jobs[begin : begin + SUBMIT_CHUNK]
            try:
                with self._change_store() as connection:
                    stored = submit.store(connection, chunk, submission, now().utc_ms)
            except NoxError as error:
                if not accepted:
                    raise
                raise submit.cut(accepted, len(jobs), error) from error
            accepted += stored
        return accepted

    def forget_submit(self, owner: str, submission: str) -> None:
        """Let `last` name the submit before this one again."""
        with self._change_store() as connection:
            connection.execute(QUERIES["forget_submit"], {"owner": owner, "token": submission})

    # -- moving -----------------------------------------------------------------------------------

    def set_off(self, job_ids: Sequence[str], to: Destination) -> list[Stay]:
        """Let waiting jobs, with all that wait with them, set off to another store; see `moves`.

        Returns:
            Those that stay, and why.
        """
        stays: list[Stay] = []
        for begin in range(0, len(job_ids), _CHANGED_AT_ONCE):
            with self._change_store() as connection:
                chunk = job_ids[begin : begin + _CHANGED_AT_ONCE]
                stays += moves.set_off(connection, chunk, to, now())
        return stays

    def parcels(self, to: Destination, *, after: int = 0, limit: int) -> list[Parcel]:
        """Read the next jobs on their way to a store, ready to be stored there."""
        with self._database.read() as connection:
            return moves.parcels(connection, to, after, limit)

    def arrive(self, arrived: Sequence[tuple[NewJob, Accepted]], to: Destination) -> list[Stay]:
        """End jobs here that the other store has.

        Returns:
            Those that are left on their way, and why.
        """
        left: list[Stay] = []
        for begin in range(0, len(arrived), _CHANGED_AT_ONCE):
            with self._change_store() as connection:
                moment = now()
                chunk = arrived[begin : begin + _CHANGED_AT_ONCE]
                left += moves.arrive(connection, chunk, to, moment)
                dependencies.spread(connection, SETTLED_AT_ONCE, moment)
        self._spread()
        return left

    def moving_elsewhere(self, to: Destination) -> dict[str, int]:
        """Count the jobs that are moving to other stores than one, by place."""
        with self._database.read() as connection:
            rows = connection.execute(QUERIES["moving_elsewhere"], {"other": to.name}).fetchall()
        return Counter(row["place"] for row in rows)

    def recall(self) -> int:
        """Hold jobs that are moving to any store here again; return their number.

        A job that the other store has already is then in both.
        """
        with self._change_store() as connection:
            connection.execute(QUERIES["hold_recalled"])
            return connection.execute(QUERIES["recall"]).rowcount

    # -- running -----------------------------------------------------------------------------------

    def claim(self, claimant: Claimant) -> Claim | None:
        """Take the best ready job that fits."""
        (granted,) = self.claim_several([claimant])
        return granted

    def claim_several(self, claimants: Sequence[Claimant]) -> list[Claim | None]:
        """Claim for several places of a slot, in one step."""
        if not claimants:
            return []
        with self._database.write() as connection:
            claims = Claims(connection, now(), len(claimants))
            return [claims.claim(claimant) for claimant in claimants]

    def begin(self, lease: Lease) -> None:
        """Note that a job which was claimed ahead has begun."""
        with self._database.write(durable=False) as connection:
            note_begun(connection, lease)

    def renew(self, leases: Sequence[Lease]) -> list[Renewal]:
        """Prolong leases."""
        if not leases:
            return []
        with self._database.write(durable=False) as connection:
            moment = now()
            return [renew(connection, lease, moment) for lease in leases]

    def progress(self, lease: Lease, progress: Progress, points: Sequence[Point] = ()) -> None:
        """Store the progress of an attempt."""
        with self._database.write(durable=False) as connection:
            set_progress(connection, lease, progress)
            if points:
                keep_points(connection, lease.job_id, points)

    def keep_checkpoint(self, lease: Lease, content: bytes, progress: int) -> None:
        """Store a checkpoint."""
        with self._database.write(durable=False) as connection:
            keep_checkpoint(connection, lease, content, progress)

    def finish(self, lease: Lease, outcome: Outcome, claimant: Claimant | None = None) -> Claim | None:
        """Record the end of an attempt and claim the next job, in one step."""
        (granted,) = self.finish_several([AttemptEnd(lease, outcome, claimant)])
        if isinstance(granted, LeaseLost):
            raise granted
        return granted

    def finish_several(
        self, endings: Sequence[AttemptEnd], begun: Lease | None = None
    ) -> list[Claim | LeaseLost | None]:
        """Record the ends of several attempts, in one step."""
        is_more = False
        answers: list[Claim | LeaseLost | None] = []
        with self._database.write(durable=bool(endings)) as connection:
            moment = now()
            claims = Claims(connection, moment, len(endings))
            for lease, outcome, claimant in endings:
                try:
                    finish(connection, lease, outcome, moment)
                except LeaseLost as lost:  # which changed nothing
                    answers.append(lost)
                    continue
                if dependencies.is_spreading(connection):
                    is_more |= dependencies.spread(connection, SETTLED_AT_ONCE, moment)
                    claims.forget()
                answers.append(claims.claim(claimant) if claimant else None)
            if begun is not None:
                with suppress(LeaseLost):
                    note_begun(connection, begun)
        if is_more:
            self._spread()
        return answers

    def give_back(self, lease: Lease, message: str, *, had_time: bool = True, ran: bool = True) -> None:
        """Return a running job to the queue."""
        with self._database.write() as connection:
            moment = now()
            give_back(connection, lease, message, moment, had_time=had_time, ran=ran)
            dependencies.spread(connection, SETTLED_AT_ONCE, moment)

    def cancel(self, job_ids: Sequence[str], *, owner: str | None) -> list[Cancellation]:
        """Cancel jobs, a limited number in one step so that workers are not held up."""
        return self._each(job_ids, lambda connection, job: cancel(connection, job, owner, now()))

    def revise(self, job_ids: Sequence[str], revision: Revision, *, owner: str | None) -> list[Change]:
        """Change attributes of waiting jobs."""
        return self._change(
            job_ids, owner, lambda connection, job, _: changes.revise(connection, job, revision)
        )

    def hold(self, job_ids: Sequence[str], *, owner: str | None) -> list[Change]:
        """Keep waiting jobs from starting."""
        return self._change(job_ids, owner, changes.hold)

    def release(self, job_ids: Sequence[str], *, owner: str | None) -> list[Change]:
        """Let held jobs wait again."""
        return self._change(job_ids, owner, changes.release)

    def retry(self, job_ids: Sequence[str], *, owner: str | None, done: bool = False) -> list[Change]:
        """Run ended jobs again."""
        return self._change(job_ids, owner, partial(changes.retry, done=done))

    def remove_attempts(self, job_ids: Sequence[str], *, owner: str | None) -> list[Removal]:
        """Remove the outcomes and artifacts of earlier attempts that are not shown."""

        def removed(connection: sqlite3.Connection, job: Job) -> Removal:
            return remove_attempts(connection, job, owner)

        return self._each(job_ids, removed, at_once=REMOVED_AT_ONCE)

    def remove(self, job_ids: Sequence[str], *, owner: str | None, files_only: bool = False) -> list[Removal]:
        """Remove ended jobs, or only their artifacts."""

        def removed(connection: sqlite3.Connection, job: Job) -> Removal:
            return remove(connection, job, owner, now(), files_only=files_only)

        self._spread()
        return self._each(job_ids, removed, at_once=REMOVED_AT_ONCE)

    def _change(
        self,
        job_ids: Sequence[str],
        owner: str | None,
        act: Callable[[sqlite3.Connection, Job, Moment], JobState | None],
    ) -> list[Change]:
        def changed(connection: sqlite3.Connection, job: Job) -> Change:
            return changes.change(connection, job, owner, lambda one: act(connection, one, now()))

        return self._each(job_ids, changed)

    def _each(
        self,
        job_ids: Sequence[str],
        act: Callable[[sqlite3.Connection, Job], Answer],
        at_once: int = _CHANGED_AT_ONCE,
    ) -> list[Answer]:
        """Do something to each of some jobs, a limited number in one step so that workers are not held up."""
        answers: list[Answer] = []
        for begin in range(0, len(job_ids), at_once):
            with self._change_store() as connection:
                jobs = (find(connection, job_id) for job_id in job_ids[begin : begin + at_once])
                answers += [act(connection, job) for job in jobs if job is not None]
                dependencies.spread(connection, SETTLED_AT_ONCE, now())
        self._spread()
        return answers

    def _spread(self) -> None:
        """Update the children of jobs that ended or run again, if they were too many for one step.

        If the store cannot be written now, the call has succeeded all the same, and the next tick continues.
        """
        with suppress(StoreError):
            dependencies.spread_all(self._database)

    # -- workers -----------------------------------------------------------------------------------

    def tick(self, beat: Beat, *, may_reap: bool = True) -> Tick:
        """Store a worker's beat, and do what is due."""
        self._database.follow()
        self._lives.hold(beat.worker)
        dead = self._lives.dead()
        with self._database.read() as connection:
            is_due = workers.is_due(connection, dead, now(), may_reap=may_reap)
        reaped: list[str] = []
        released: list[str] = []
        with self._change_store(durable=is_due) as connection:
            moment = now()
            workers.spare(connection, moment)
            workers.note(connection, beat, moment)
            if is_due:
                reaped = workers.take_back_due(connection, dead, moment, may_reap=may_reap)
                released = workers.release_due(connection, moment)
                workers.bury_unknown(connection, moment)
                dependencies.spread(connection, SETTLED_LATER, moment)
            workers.open_lanes(connection, dead, moment)
            is_alone = self._lives.known() <= {beat.worker}
            next_event_s = workers.next_event_s(connection, moment, is_alone=is_alone, may_reap=may_reap)
        for worker in dead:
            self._lives.bury(worker)
        return Tick(tuple(reaped), tuple(released), next_event_s)

    def leave(self, worker: str) -> None:
        """Forget a worker that ended in good order, and open its lane."""
        is_more = True
        while is_more:
            with self._database.write(durable=False) as connection:
                connection.execute(QUERIES["forget_worker"], {"worker": worker})
                is_more = workers.open_lane(connection, worker)
        self._lives.release(worker)

    def workers(self) -> list[WorkerSeen]:
        """List the workers heard of within the last day."""
        with self._database.read() as connection:
            return workers.seen(connection, self._lives.is_alive, now())

    @property
    def pools(self) -> None:
        """No other machine reaches this store; see `Store.pools`."""
        return None

    # -- itself ------------------------------------------------------------------------------------

    def health(self) -> StoreHealth:
        """Describe the store and its promises."""
        refused = "" if self._database.refusal is None else self._database.refusal.what
        return StoreHealth(
            kind=self.kind,
            where=self.where,
            version=f"sqlite {sqlite3.sqlite_version}",
            durable="every accepted job survives a power cut",
            warnings=(f"{refused}: jobs can be looked at, nothing can be changed",) if refused else (),
            read_only=refused,
        )

    def inspect(self) -> list[Finding]:
        """Look closely at the file and where it lies."""
        from workers.store.sqlite.health import inspect

        return inspect(self._database)

    def audit(self, *, newest: int | None = None) -> list[str]:
        """Compare indexes with records."""
        from workers.store.sqlite.health import audit

        return audit(self._database, newest)

    def close(self) -> None:
        """Let go of the file, and of the locks that show that workers of this process live."""
        self._lives.abandon()
        self._database.close()
