"""One stored job, the files that it left, and why it failed."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nox_cli.api.connection import Connection
    from nox_cli.results.json_objects import JobRecord, PublicJob
    from nox_cli.watch.explanation import Explained
    from workers.job import Job as StoredRecord
    from workers.job import PublicState, Reason
    from workers.store.values import Artifact, Point


class Job:
    """Names a stored job; each method reads the store.  Safe for several threads."""

    def __init__(self, connection: Connection, job_id: str, number: int | None, name: str) -> None:
        self._connection = connection
        self.id = job_id
        self.number = number  # None: the store did not answer when it was asked
        self.name = name

    def __repr__(self) -> str:
        """Name it."""
        return f"<Job {self.number or self.id}{self.name and ' '}{self.name}>"

    @property
    def job_ids(self) -> tuple[str, ...]:
        """Its id."""
        return (self.id,)

    @property
    def state(self) -> PublicState:
        """Its state: pending, running, completed, failed or cancelled."""
        return self._read().state.public

    def status(self) -> PublicJob:
        """Return its state, its progress (0 to 1) and what it does in words, as `nox status --json`.

        Raises:
            JobNotFound, StoreError: it was removed, or the store cannot be read.
        """
        from nox_cli.watch.status import Brief, StatusOptions, read_status

        found = read_status(
            self._connection.store, self._connection.home, self.job_ids, StatusOptions(public=True)
        )
        if not isinstance(found, Brief):
            raise TypeError(found)
        return found.document()

    def record(self) -> JobRecord:
        """Return its attributes, as `nox list --json`.

        Raises:
            JobNotFound, StoreError: as `status`.
        """
        from nox_cli.results.attempts import ShownEnergies
        from nox_cli.results.job_record import record

        energies = ShownEnergies(self._connection.store)
        (job,) = energies.read([self._read()])
        return record(job, energies.of(job))

    def explain(self) -> Failure:
        """Find out why it waits, failed or was cancelled, as `nox explain`.

        Raises:
            JobNotFound, StoreError: as `status`.
        """
        from nox_cli.watch.explanation import Explained, explain

        found = explain(self._connection.store, self._connection.home, self.job_ids)
        if not isinstance(found, Explained):
            raise TypeError(found)
        return _failure(self, found)

    def points(self) -> tuple[Point, ...]:
        """Return the steps of its optimisation, oldest first.

        While it runs these are the last 128; after that those of the trajectory that it left.  Each has a
        step, an energy (hartree) and the norm of the gradient (hartree/bohr).

        Raises:
            ArtifactNotFound: the trajectory is on another machine, or was not kept.
            JobNotFound, StoreError: as `status`.
        """
        from nox_cli.results.convergence import convergence

        return convergence(self._connection.store, self._read()).points

    def log(self) -> str:
        """Return the log of its engine; of a running job what there is so far.

        Raises:
            NothingMatched: it has not started, or printed nothing.
            ArtifactNotFound: the log is on another machine.
        """
        from nox_cli.watch.logs import LogPlace, log_of

        place = LogPlace.here(self._connection.settings.artifacts)
        return log_of(self._connection.store, self._read(), place).decode("utf-8", "backslashreplace")

    @property
    def files(self) -> dict[str, File]:
        """The files of its result by name, such as `opt.xyz`; empty: it left none so far.

        Raises:
            JobNotFound, StoreError: as `status`.
        """
        from nox_cli.results.artifacts import list_artifacts

        job = self._read()
        if job.shown is None:
            return {}
        found = list_artifacts(self._connection.store, [job]).artifacts
        return {made.name: File(self._connection, job, left.attempt, made) for _, left, made in found}

    def specification(self) -> Mapping[str, Any]:
        """Return what was asked for, as `nox schema job` describes it.

        Raises:
            JobNotFound, StoreError: as `status`.
        """
        from nox_cli.results.documents import document

        return document(self._connection.store.spec(self.id)).fields

    def _read(self) -> StoredRecord:
        return self._connection.store.get(self.id)


class Failure(NamedTuple):
    """A job that failed, was cancelled or waits: why, facts, and the commands that would help."""

    job: Job
    state: PublicState
    reason: Reason | None
    why: str
    facts: tuple[str, ...]
    commands: tuple[str, ...]

    def __str__(self) -> str:
        """Write a line for people."""
        job = f"{self.job.number or self.job.id} {self.job.name}".rstrip()
        words = "; ".join((self.why, *self.facts))
        return f"{job} {words}" + (f" (try: {'; '.join(self.commands)})" if self.commands else "")


def _failure(job: Job, found: Explained) -> Failure:
    cause = found.cause
    return Failure(job, found.job.state.public, found.job.reason, cause.why, cause.facts, cause.commands)


class File:
    """A file that a job left.  Its size and checksum are verified whenever it is read."""

    def __init__(self, connection: Connection, job: StoredRecord, attempt: int, made: Artifact) -> None:
        self._connection = connection
        self._job = job
        self._made = made
        self.attempt = attempt
        self.name = made.name
        self.size_bytes = made.size
        self.sha256 = made.sha256
        self.mime = made.mime

    def __repr__(self) -> str:
        """Name it."""
        return f"<File {self.name}: {self.size_bytes:,} bytes>"

    @property
    def path(self) -> Path | None:
        """Its place on this machine; None: the store keeps its content, or it is on another machine."""
        from nox_cli.results.artifacts import is_within_reach

        return Path(self._made.path) if self._made.path and is_within_reach(self._made) else None

    def bytes(self) -> bytes:
        """Read it.

        Raises:
            ArtifactNotFound: it is on another machine, or was not kept.
            StoreDamaged: it does not have its checksum.
        """
        from nox_cli.results.artifacts import read_artifact

        return b"".join(read_artifact(self._connection.store, self._job, self.name, self.attempt).pieces)

    def text(self) -> str:
        """Read it as text; raises as `bytes`."""
        return self.bytes().decode("utf-8", "backslashreplace")

    def open(self) -> io.BytesIO:
        """Read it, and return it as an open file in memory; raises as `bytes`."""
        return io.BytesIO(self.bytes())
