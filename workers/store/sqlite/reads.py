"""What the local store reads: jobs, what they were asked and left, lists, counts and the change stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.errors import ArtifactNotFound, JobNotFound
from workers.job import Condition, Parent
from workers.store.sqlite import lists
from workers.store.sqlite.events import events
from workers.store.sqlite.rows import artifact, attempt, bounds, job, job_id, key
from workers.store.sqlite.statements import QUERIES
from workers.store.values import KeptAttempts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from workers.job import Attempt, Job, JobState
    from workers.store.sqlite.database import Database
    from workers.store.values import Artifact, Events, Page, Query


class SqliteReads:
    """The read-only part of the local store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, job_id: str) -> Job:
        """Look one job up."""
        found = self.get_many([job_id])
        if not found:
            raise _no_job(job_id)
        return found[0]

    def get_many(self, job_ids: Sequence[str]) -> list[Job]:
        """Look jobs up, in the order asked."""
        with self._database.read() as connection:
            rows = [connection.execute(QUERIES["job_by_id"], _by(wanted)).fetchone() for wanted in job_ids]
        return [job(row) for row in rows if row is not None]

    def spec(self, job_id: str) -> str:
        """Read what was asked, as JSON."""
        with self._database.read() as connection:
            row = connection.execute(QUERIES["spec_by_id"], _by(job_id)).fetchone()
        if row is None:
            raise _no_job(job_id)
        found: str = row["spec"]
        return found

    def specs(self, job_ids: Sequence[str]) -> dict[str, str]:
        """Read what was asked, as JSON by job id."""
        return self._texts("spec_by_id", job_ids)

    def outcomes(self, job_ids: Sequence[str]) -> dict[str, str]:
        """Read the shown outcomes, as JSON by job id."""
        return self._texts("outcome_by_id", job_ids)

    def outcome(self, job_id: str, attempt: int) -> str | None:
        """Read how one attempt ended, as JSON."""
        wanted = _by(job_id) | {"attempt": attempt}
        with self._database.read() as connection:
            row = connection.execute(QUERIES["outcome_of_attempt"], wanted).fetchone()
        return row["outcome"] if row else None

    def kept_attempts(self) -> KeptAttempts:
        """Count what is kept of earlier attempts."""
        with self._database.read() as connection:
            return KeptAttempts(**dict(connection.execute(QUERIES["kept_attempts"]).fetchone()))

    def checkpoint(self, job_id: str) -> bytes | None:
        """Read what an earlier attempt has reached."""
        with self._database.read() as connection:
            row = connection.execute(QUERIES["checkpoint_by_id"], {"id": key(job_id)}).fetchone()
        return bytes(row["content"]) if row else None

    def attempts(self, job_id: str) -> list[Attempt]:
        """List the earlier attempts of a job, oldest first."""
        with self._database.read() as connection:
            return [attempt(row) for row in connection.execute(QUERIES["attempts_by_id"], _by(job_id))]

    def parents(self, job_id: str, *, limit: int = 100) -> list[Parent]:
        """List jobs that a job waits for, or did."""
        with self._database.read() as connection:
            rows = connection.execute(QUERIES["parents_by_id"], _by(job_id) | {"limit": limit}).fetchall()
        return [Parent(row["id"].hex(), Condition(row["condition"])) for row in rows]

    def artifacts(self, job_id: str, attempt: int | None = None) -> list[Artifact]:
        """List the artifacts of an attempt, or of the shown outcome."""
        wanted = _by(job_id) | {"attempt": attempt}
        with self._database.read() as connection:
            return [artifact(row) for row in connection.execute(QUERIES["artifacts_by_id"], wanted)]

    def files(self, job_id: str) -> list[Artifact]:
        """List the artifacts of all attempts that are stored outside the store."""
        with self._database.read() as connection:
            return [artifact(row) for row in connection.execute(QUERIES["files_by_id"], _by(job_id))]

    def artifact(self, job_id: str, name: str, attempt: int | None = None) -> Artifact:
        """Read one artifact."""
        wanted = _by(job_id) | {"name": name, "attempt": attempt}
        with self._database.read() as connection:
            row = connection.execute(QUERIES["artifact_by_id"], wanted).fetchone()
        if row is None:
            raise ArtifactNotFound(f"job {job_id} left no artifact named {name!r}")
        return artifact(row)

    def with_numbers(self, first: int, last: int, *, limit: int = 100_000) -> list[str]:
        """Find the ids of the jobs numbered first to last."""
        return self._ids("ids_by_number", {"first": first, "last": last, "limit": limit})

    def with_prefix(self, prefix: str, *, limit: int = 10) -> list[str]:
        """Find the ids that start with `prefix`."""
        low, high = bounds(prefix)
        return self._ids("ids_between", {"low": low, "high": high, "limit": limit})

    def last(self, owner: str) -> list[str]:
        """Find the ids of all jobs of the owner's newest submit."""
        return self._ids("last_submit", {"owner": owner})

    def page(self, query: Query) -> Page:
        """List jobs."""
        with self._database.read() as connection:
            return lists.page(connection, query)

    def counts(self, *, owner: str | None = None, batch: str = "") -> Mapping[JobState, int]:
        """Count jobs by state; a state nobody knows counts as failed."""
        counted: dict[JobState, int] = {}
        with self._database.read() as connection:
            for row in connection.execute(QUERIES["counts"], {"owner": owner, "batch": batch}):
                state = lists.state_of(row["state"])
                counted[state] = counted.get(state, 0) + row["n"]
        return counted

    def events(self, cursor: str | None, *, limit: int = 1_000, wait_s: float = 0.0) -> Events:
        """Read the change stream after `cursor`."""
        return events(self._database, cursor, limit, wait_s)

    def _texts(self, query: str, job_ids: Sequence[str]) -> dict[str, str]:
        with self._database.read() as connection:
            rows = [
                (wanted, connection.execute(QUERIES[query], _by(wanted)).fetchone()) for wanted in job_ids
            ]
        return {wanted: row[0] for wanted, row in rows if row is not None}

    def _ids(self, query: str, values: Mapping[str, object]) -> list[str]:
        with self._database.read() as connection:
            return [job_id(row) for row in connection.execute(QUERIES[query], values)]


def _by(wanted: str) -> dict[str, object]:
    return {"id": key(wanted)}


def _no_job(wanted: str) -> JobNotFound:
    return JobNotFound(
        f"there is no job {wanted} in the local store", hint="nox list shows the jobs there are"
    )
